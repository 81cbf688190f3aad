"""The recorder: the queues of one process, its clock, and the requests in flight.

The hot path. Nothing here builds, classifies, draws or writes. A finished request is put into
`finished` as it stands; `tracer.model.assemble` turns it into facts, later and elsewhere.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any

from tracer.model import stages
from tracer.model.recorded import What
from tracer.model.trace import Trace
from tracer.recorder.births import Births
from tracer.recorder.boot import BootRecorder
from tracer.recorder.trace import begun, ignore, spread

MOST_IN_FLIGHT = 1000
"""Requests open at once; beyond, the oldest is taken for one whose response nobody closes."""
MANY_ENTRIES = 1500
"""Entries of stages in one request that are worth a look at once: see `Recorder.enough`."""


class Recorder(Births):
    """Everything recorded and not yet taken away. One per process; survives forks."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        super().__init__(clock)
        self.epoch = time.time() - clock() / 1e9
        """What to add to the clock, in seconds, to get the time of day."""
        self.pid = os.getpid()
        self.finished: deque[Trace] = deque()
        self.spare: list[Trace] = []
        """Traces that nobody holds any more, to be used again."""
        self.barriers: deque[tuple[int, str, int]] = deque(maxlen=100)
        """Full collections: (at, by, begun)."""
        self.in_flight: dict[int, Trace] = {}
        """Requests in flight, by number."""
        self.environ: dict[str, Any] = {}
        """What the first request shows of the server: flags of its environ, and whose code runs."""
        self.numbers = itertools.count(1)
        self.on_begin: Callable[[Trace], None] | None = None
        """Called with each request when it has begun; it must not raise."""
        self.on_finish: Callable[[], None] = _nothing
        """Called when there is enough to handle."""
        self.enough = 1
        """How many finished requests there must be for `on_finish` to be called."""
        self.on_fork: Callable[[], None] = _nothing
        self.on_child: Callable[[bool], None] = _nothing
        """Called in a child of multiprocessing as its life begins, or (True) as it ends; it must
        not raise."""
        self.watch_again: Callable[[], None] | None = None
        """Where something is not watched that cannot tell anything new, as long as the one request
        in flight lasts and stays on its thread: has it watched again. It must not raise."""
        self.boot: BootRecorder | None = None
        """How the process boots, where that is watched from the interpreter's start."""
        self.cache_keys = False
        """Whether cache keys are recorded; a recording that shares the tracer may want them."""

    def begin(self, address: tuple[Any, ...], awaited: bool = False) -> Trace:
        """Begins a request; `address` is (method, script name, path, query), as the server gave it.

        `awaited`: its handler is a coroutine.
        """
        if os.getpid() != self.pid:
            self.after_fork()
        number = next(self.numbers)
        trace = begun(
            number, self.clock(), self.current_thread.token, get_ident(), address, self.spare
        )
        trace.first = next(self.weakrefs.tokens)
        if awaited:
            trace.awaited = True
            spread(trace, self.current_thread)
        self.in_flight[number] = trace
        if self.on_begin is not None:
            self.on_begin(trace)
        if len(self.in_flight) > 1:
            self._crowded()
        return trace

    def _crowded(self) -> None:
        """Another request is in flight besides."""
        if self.watch_again is not None:
            self.watch_again()
        if len(self.in_flight) > MOST_IN_FLIGHT:
            self.finish(next(iter(self.in_flight.values())), "never closed")

    def spread(self, trace: Trace) -> None:
        """Notes threads in this request from now on, as others take part in it."""
        spread(trace, self.current_thread)
        if self.watch_again is not None:
            self.watch_again()

    def finish(self, trace: Trace, ending: str = "closed") -> None:
        """Ends a request: nothing more is recorded of it."""
        if trace.closed:
            return
        try:
            trace.closed = self.clock()
        except Exception as fault:
            trace.closed = trace.begun or 1
            self.fault("finish", fault)
        try:
            if ending != "closed":
                trace.ending = ending
            trace.add = ignore
            trace.built = trace.response = None
            self.in_flight.pop(trace.number, None)
            if self.watch_again is not None:
                self.watch_again()
            finished = self.finished
            finished.append(trace)
            if len(finished) >= self.enough or len(trace.events) > MANY_ENTRIES:
                self.on_finish()
        except Exception as fault:
            self.fault("finish", fault)

    def after_fork(self) -> None:
        """In a child: what the parent was doing is not the child's to report."""
        self.pid = os.getpid()
        self.numbers = itertools.count(1)
        self.threads.forked()
        if self.watch_again is not None:
            self.watch_again()
        try:
            self.on_fork()
        finally:
            for trace in self.in_flight.values():
                trace.closed, trace.add = trace.begun or 1, ignore
            self.in_flight.clear()
            self.finished.clear()
            self.barriers.clear()
            self.closings.clear()

    def has_unprocessed(self) -> bool:
        """Whether anything recorded has not been taken away."""
        return bool(
            self.finished or self.weakrefs.deaths or self.closings or self.barriers
            or self.built_outside or self.preexisting or self.threads_met or self.threads_ended
        )  # fmt: skip

    def instant(self, trace: Trace, what: What) -> None:
        """Notes a stage that took no time, just now."""
        now = self.clock()
        trace.add((now, now, what))

    def raised(self, trace: Trace, exc: BaseException) -> None:
        """Notes where an exception was raised, once, however many layers it crosses."""
        if trace.last_error == id(exc):
            return
        trace.last_error = id(exc)
        tb = exc.__traceback__
        while tb is not None and tb.tb_next is not None:
            tb = tb.tb_next
        where = ""
        if tb is not None:
            code = tb.tb_frame.f_code
            where = f"{tb.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{tb.tb_lineno}"
        name = type(exc).__name__
        self.instant(trace, (stages.EXCEPTION, None, name, where, name))


def _nothing(*_: object) -> None:
    """Stands in for a callback that nobody has set."""
