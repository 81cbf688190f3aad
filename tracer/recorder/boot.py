"""How a process booted: the import log that began with its interpreter, and the stages since.

Only a process that was started with the bootstrap in its environment has one; `known()` tells.
Times are the log's, whose clock stands still while the tracer imports itself.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident
from types import ModuleType
from typing import Any, Final, Protocol

from tracer.model import Boot, Imported, Span, nesting, stages
from tracer.recorder.trace import current

logger = logging.getLogger("tracer")

HEAVIEST: Final = 50
"""Modules named one by one, those whose own code took longest."""
BRIEF: Final = 1_000_000
"""Nanoseconds below which an import outside any other stage is none of its own."""
MOST: Final = 2000
"""Stages that are remembered."""

RawStage = tuple[str, str, int, int, int, "int | None", str]
"""(stage, name, start, end, thread identifier, object's token, name of the exception)"""


class Log(Protocol):
    """The import log, which the bootstrap keeps (see `tracer.bootstrap.startup`)."""

    begun: int
    paused: int
    modules: list[tuple[str, int, int]]
    outermost: list[tuple[str, int, int, int]]
    marks: dict[str, int]
    before: int
    counts: Callable[[], bool]
    parent: int | None
    pid: int

    def now(self) -> int:
        """Return the time, in nanoseconds, without the tracer's own share."""

    def when(self, name: str, action: Callable[[ModuleType], None]) -> None:
        """Call `action(module)` once a module is loaded."""

    def during(self, name: str, action: Callable[[int, int, bool], None]) -> None:
        """Call `action(start, end, failed)` when a module has been imported."""

    def forked(self) -> None:
        """Forget what the parent did, if this is a child."""

    def mute(self) -> None:
        """This thread works for the tracer."""

    def unmute(self) -> None:
        """This thread works for the application again."""

    def uninstall(self) -> None:
        """Stop listening."""

    def __enter__(self) -> None:
        """What this thread imports from here on is the tracer's."""

    def __exit__(self, *error: Any) -> None:
        """What it imports from here on is the application's again."""


_known: Booting | None = None


class Booting:
    """The boot of this process, as far as it has come."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.stages: list[RawStage] = []
        self.pid = log.pid
        self.on_built: Callable[[], None] = _nothing
        """Called when a handler has been built outside any request."""
        self.stop: Callable[[], None] = log.uninstall
        """Takes away whatever watches the boot."""
        log.counts = outside

    def now(self) -> int:
        """Return the time by the log's clock. It never raises, and nor do those that follow."""
        try:
            return self.log.now()
        except Exception as fault:
            self.fault("the clock", fault)
            return 0

    def stage(
        self, stage: str, name: str, start: int, token: int | None = None, error: str = ""
    ) -> None:
        """A stage that began at `start`, by the log's clock, is over now."""
        try:
            if len(self.stages) < MOST and outside():
                self.stages.append((stage, name, start, self.log.now(), get_ident(), token, error))
        except Exception as fault:
            self.fault(stage, fault)

    def middleware(self, path: str, start: int, token: int | None, error: str = "") -> None:
        """A middleware, whose import was begun at `start`, is built, or could not be."""
        try:
            self.stage(stages.MIDDLEWARE, path.rpartition(".")[2], start, token, error)
        except Exception as fault:
            self.fault(stages.MIDDLEWARE, fault)

    def handler(self, name: str, start: int, token: int | None, error: str = "") -> None:
        """A handler that was begun at `start` is built, or could not be."""
        try:
            self.stage(stages.HANDLER, name, start, token, error)
            if outside():
                self.on_built()
        except Exception as fault:
            self.fault(stages.HANDLER, fault)

    def fault(self, where: str, fault: Exception) -> None:
        """A fault of the tracer's own is one line in its log."""
        kind = type(fault).__name__
        logger.warning("tracer: a fault of its own at the boot, in %s (%s)", where, kind)

    def forked(self) -> None:
        """In a child: what the parent did before is not the child's to report."""
        self.log.forked()
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self.stages.clear()

    def size(self) -> tuple[int, int]:
        """Return what only grows: the numbers of stages and of modules."""
        return len(self.stages), len(self.log.modules)

    def fact(self) -> Boot:
        """Return the boot so far."""
        log = self.log
        modules = list(log.modules)
        heaviest = sorted(modules, key=lambda module: -module[1])[:HEAVIEST]
        return Boot(
            begun=log.begun,
            spans=tuple(self._spans()),
            modules=len({name for name, _, _ in modules}),
            importing=sum(own for _, own, _ in modules),
            heaviest=tuple(Imported(*module) for module in heaviest),
            watching=log.paused,
        )

    def _spans(self) -> list[Span]:
        """The stages, nested as the calls were; threads count down from 0, the first to be met."""
        log = self.log
        raw = list(self.stages)
        django = log.marks.get("django")
        if django is not None:
            home = raw[0][4] if raw else get_ident()
            raw.append((stages.INTERPRETER, _python(), log.begun, django, home, None, ""))
        raw += self._imports(raw)
        intervals = [(each[2], each[3], each[4], each[0]) for each in raw]
        order = nesting.order(intervals)
        parents = nesting.parents([intervals[index] for index in order])
        threads: dict[int, int] = {}
        found = []
        for index, parent in zip(order, parents, strict=True):
            stage, name, start, end, thread, token, error = raw[index]
            begin = max(start - log.begun, 0)
            found.append(
                Span(
                    stage=stage,
                    name=name,
                    parent=parent,
                    start=begin,
                    end=max(end - log.begun, begin),
                    object=token,
                    thread=threads.setdefault(thread, -len(threads)),
                    detail=self._before() if stage == stages.INTERPRETER else "",
                    error=error,
                )
            )
        return found

    def _imports(self, told: Sequence[RawStage]) -> Iterator[RawStage]:
        """What was imported by nobody's import, and within none of the stages, if it took long."""
        for name, start, end, thread in list(self.log.outermost):
            within = any(thread == each[4] and each[2] <= start and end <= each[3] for each in told)
            if end - start >= BRIEF and not within:
                yield stages.IMPORT, name, start, end, thread, None, ""

    def _before(self) -> str:
        """What was imported before Django, in a few words."""
        first = self.log.modules[: self.log.before]
        took = sum(own for _, own, _ in first) / 1e6
        plural = "" if len(first) == 1 else "s"
        return f"{len(first)} module{plural} in {took:.1f} ms" if first else ""


def outside() -> bool:
    """Whether no request is in flight here: what happens in one is told with it."""
    trace = current.get()
    return trace is None or bool(trace.closed)


@contextmanager
def working_for_the_tracer() -> Iterator[None]:
    """What this thread imports meanwhile, such as what it draws with, is not the application's."""
    booting = _known
    if booting is None:
        yield
        return
    booting.log.mute()
    try:
        yield
    finally:
        booting.log.unmute()


def known() -> Booting | None:
    """Return this process's boot; None where nobody watched it from the interpreter's start."""
    return _known


def know(booting: Booting | None) -> None:
    """Remember the boot of this process, or forget it."""
    global _known
    _known = booting


def _python() -> str:
    return "Python " + ".".join(map(str, sys.version_info[:3]))


def _nothing() -> None:
    """Nobody listens."""
