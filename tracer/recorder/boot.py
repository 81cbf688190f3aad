"""The boot of a process: the import log that began with its interpreter, and Django's stages since.

Only a process that was started with the bootstrap in its environment has one: `current_boot`
returns it. All times are read from the import log's clock, which stands still while the tracer
imports itself.
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

NAMED_MODULES: Final = 50
"""Number of modules that a boot names one by one: those whose own code took longest."""
MIN_IMPORT: Final = 1_000_000
"""Nanoseconds. An import outside all other stages that takes less is no stage of its own."""
MAX_STAGES: Final = 2000

RawStage = tuple[str, str, int, int, int, "int | None", str]
"""(stage, name, start, end, thread identifier, object's token, name of the exception)"""


class Clock(Protocol):
    """The import log's clock, without the tracer's own share of the time."""

    paused: int

    def now(self) -> int:
        """Returns the time in nanoseconds."""

    def mute(self) -> None:
        """Leaves this thread's imports out: it works for the tracer."""

    def unmute(self) -> None:
        """Counts this thread's imports again."""

    def __enter__(self) -> None:
        """Stops the clock: what this thread imports from here on is the tracer's."""

    def __exit__(self, *error: Any) -> None:
        """Lets the clock go on."""


class ImportLog(Protocol):
    """The import log, which the bootstrap keeps (see `tracer.bootstrap.startup`)."""

    clock: Clock
    started: int
    modules: list[tuple[str, int, int]]
    outermost: list[tuple[str, int, int, int]]
    marks: dict[str, int]
    modules_before_django: int
    is_counted: Callable[[], bool]
    parent: int | None
    pid: int

    def when(self, name: str, action: Callable[[ModuleType], None]) -> None:
        """Calls `action(module)` once a module is loaded."""

    def during(self, name: str, action: Callable[[int, int, bool], None]) -> None:
        """Calls `action(start, end, failed)` when a module has been imported."""

    def forked(self) -> None:
        """Forgets what the parent did, if this process is a child."""

    def uninstall(self) -> None:
        """Stops listening."""


_current_boot: BootRecorder | None = None


class BootRecorder:
    """The boot of this process so far. Its `add_…` methods and `now` never raise."""

    def __init__(self, log: ImportLog) -> None:
        self.log = log
        self.stages: list[RawStage] = []
        self.pid = log.pid
        self.on_handler_built: Callable[[], None] = _do_nothing
        """Called when a handler has been built outside any request."""
        self.stop: Callable[[], None] = log.uninstall
        """Removes everything that watches the boot."""
        log.is_counted = outside_requests

    def now(self) -> int:
        """Returns the time by the log's clock, in nanoseconds."""
        try:
            return self.log.clock.now()
        except Exception as fault:
            self.fault("the clock", fault)
            return 0

    def add_stage(
        self, stage: str, name: str, start: int, token: int | None = None, error: str = ""
    ) -> None:
        """Adds a stage that began at `start`, by the log's clock, and ends now."""
        try:
            if len(self.stages) < MAX_STAGES and outside_requests():
                end = self.log.clock.now()
                self.stages.append((stage, name, start, end, get_ident(), token, error))
        except Exception as fault:
            self.fault(stage, fault)

    def add_middleware(self, path: str, start: int, token: int | None, error: str = "") -> None:
        """Adds a middleware that was built, or could not be; its import began at `start`."""
        try:
            self.add_stage(stages.MIDDLEWARE, path.rpartition(".")[2], start, token, error)
        except Exception as fault:
            self.fault(stages.MIDDLEWARE, fault)

    def add_handler(self, name: str, start: int, token: int | None, error: str = "") -> None:
        """Adds a handler that was built, or could not be; its building began at `start`."""
        try:
            self.add_stage(stages.HANDLER, name, start, token, error)
            if outside_requests():
                self.on_handler_built()
        except Exception as fault:
            self.fault(stages.HANDLER, fault)

    def fault(self, where: str, fault: Exception) -> None:
        """Logs a fault of the tracer's own in one line."""
        kind = type(fault).__name__
        logger.warning("tracer: a fault of its own at the boot, in %s (%s)", where, kind)

    def forked(self) -> None:
        """In a child process, forgets what the parent did before the fork."""
        self.log.forked()
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self.stages.clear()

    def size(self) -> tuple[int, int]:
        """Returns the numbers of stages and of modules. Both only grow."""
        return len(self.stages), len(self.log.modules)

    def to_boot(self) -> Boot:
        """Returns the boot so far."""
        log = self.log
        modules = list(log.modules)
        heaviest = sorted(modules, key=lambda module: -module[1])[:NAMED_MODULES]
        return Boot(
            begun=log.started,
            spans=tuple(self._spans()),
            modules=len({name for name, _, _ in modules}),
            importing=sum(own for _, own, _ in modules),
            heaviest=tuple(Imported(*module) for module in heaviest),
            watching=log.clock.paused,
        )

    def _spans(self) -> list[Span]:
        """Nests the stages as the calls were. Threads are numbered 0, -1, … as they appear."""
        log = self.log
        raw = list(self.stages)
        django = log.marks.get("django")
        if django is not None:
            main = raw[0][4] if raw else get_ident()
            raw.append((stages.INTERPRETER, _python(), log.started, django, main, None, ""))
        raw += self._imports(raw)
        intervals = [(each[2], each[3], each[4], each[0]) for each in raw]
        order = nesting.order(intervals)
        parents = nesting.parents([intervals[index] for index in order])
        threads: dict[int, int] = {}
        found = []
        for index, parent in zip(order, parents, strict=True):
            stage, name, start, end, thread, token, error = raw[index]
            begin = max(start - log.started, 0)
            found.append(
                Span(
                    stage=stage,
                    name=name,
                    parent=parent,
                    start=begin,
                    end=max(end - log.started, begin),
                    object=token,
                    thread=threads.setdefault(thread, -len(threads)),
                    detail=self._before_django() if stage == stages.INTERPRETER else "",
                    error=error,
                )
            )
        return found

    def _imports(self, others: Sequence[RawStage]) -> Iterator[RawStage]:
        """Yields long imports that no other module caused and that lie within none of `others`."""
        for name, start, end, thread in list(self.log.outermost):
            within = any(
                thread == each[4] and each[2] <= start and end <= each[3] for each in others
            )
            if end - start >= MIN_IMPORT and not within:
                yield stages.IMPORT, name, start, end, thread, None, ""

    def _before_django(self) -> str:
        """Says in a few words what was imported before Django."""
        first = self.log.modules[: self.log.modules_before_django]
        took = sum(own for _, own, _ in first) / 1e6
        plural = "" if len(first) == 1 else "s"
        return f"{len(first)} module{plural} in {took:.1f} ms" if first else ""


def outside_requests() -> bool:
    """Returns whether no request is in flight here. What happens in one belongs to its trace."""
    trace = current.get()
    return trace is None or bool(trace.closed)


@contextmanager
def imports_not_counted() -> Iterator[None]:
    """Leaves out what this thread imports meanwhile: it works for the tracer, as when it draws."""
    boot = _current_boot
    if boot is None:
        yield
        return
    boot.log.clock.mute()
    try:
        yield
    finally:
        boot.log.clock.unmute()


def current_boot() -> BootRecorder | None:
    """Returns this process's boot; None if it was not watched from the interpreter's start."""
    return _current_boot


def set_current_boot(boot: BootRecorder | None) -> None:
    """Sets the boot of this process; None forgets it."""
    global _current_boot
    _current_boot = boot


def _python() -> str:
    return "Python " + ".".join(map(str, sys.version_info[:3]))


def _do_nothing() -> None:
    """Stands in for a callback that nobody has set."""
