"""The hot path: takes facts from probes, knows the requests in flight, the clock and the live.

Nothing here builds, classifies, draws or writes. A finished request is put into `finished` as it
stands; `tracer.model.assemble` turns it into facts, later and elsewhere.
"""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any

from tracer.model import stages
from tracer.recorder.boot import Booting
from tracer.recorder.classes import ClassNames
from tracer.recorder.threads import Lane, Numbers
from tracer.recorder.trace import RawBirth, Trace, What, begun, current, ignore, spread
from tracer.recorder.weakrefs import Lives, Ref

logger = logging.getLogger("tracer")

BIRTHS_PER_REQUEST = 1000
"""Objects watched per request; a page of a million rows must not double the memory it takes."""
IN_FLIGHT = 1000
"""Requests open at once; beyond, the oldest is taken for one whose response nobody closes."""


MUCH = 1500
"""Entries of stages in one request that are worth a look at once: see `Recorder.enough`."""


class Recorder:
    """Everything recorded and not yet taken away. One per process; survives forks."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.clock = clock
        self.epoch = time.time() - clock() / 1e9
        """What to add to the clock, in seconds, to get the time of day."""
        self.pid = os.getpid()
        self.lives = Lives(clock)
        self.classes = ClassNames()
        self.met: deque[tuple[int, str, int]] = deque(maxlen=10_000)
        self.gone: deque[tuple[int, str, int]] = deque(maxlen=10_000)
        self.threads = Numbers(clock, self.met)
        self.lane = Lane(clock, self.met, self.gone, self.threads)
        self.finished: deque[Trace] = deque()
        self.spare: list[Trace] = []
        """Traces that nobody holds any more, to be used again."""
        self.found: deque[RawBirth] = deque()
        self.scanned = False
        self.outside: deque[RawBirth] = deque(maxlen=20_000)
        self.barriers: deque[tuple[int, str]] = deque(maxlen=100)
        self.closings: deque[tuple[int, int, int]] = deque(maxlen=10_000)
        self.flying: dict[int, Trace] = {}
        self.environ: dict[str, Any] = {}
        self.resources: dict[int, int] = {}
        """Token of a wrapper to the token of the raw connection that it has just now."""
        self.numbers = itertools.count(1)
        self.on_begin: Callable[[Trace], None] | None = None
        """Told of each request when it has begun; it must not raise."""
        self.on_finish: Callable[[], None] = _nothing
        self.enough = 1
        """How many finished requests there must be for `on_finish` to be called."""
        self.on_fork: Callable[[], None] = _nothing
        self.on_child: Callable[[bool], None] = _nothing
        """Told in a child of multiprocessing that its life begins, or (True) that it is over; it
        must not raise."""
        self.watch_again: Callable[[], None] | None = None
        """Where something is not watched that cannot tell anything new, as long as the one request
        in flight lasts and stays on its thread: has it watched again. It must not raise."""
        self.boot: Booting | None = None
        """How the process boots, where that is watched from the interpreter's start."""
        self.faults: dict[str, object] = {}
        self.cache_keys = False
        """Whether cache keys are recorded; a recording that shares the tracer may want them."""

    # -- requests ---------------------------------------------------------------------------

    def begin(self, told: tuple[Any, ...], awaited: bool = False) -> Trace:
        """A request begins; `told` is (method, script name, path, query), as the server gave it.

        `awaited`: its handler is a coroutine.
        """
        if os.getpid() != self.pid:
            self.after_fork()
        number = next(self.numbers)
        trace = begun(number, self.clock(), self.lane.token, get_ident(), told, self.spare)
        trace.first = next(self.lives.tokens)
        if awaited:
            trace.awaited = True
            spread(trace, self.lane)
        self.flying[number] = trace
        if self.on_begin is not None:
            self.on_begin(trace)
        if len(self.flying) > 1:
            self._crowded()
        return trace

    def _crowded(self) -> None:
        """Another request is in flight besides."""
        if self.watch_again is not None:
            self.watch_again()
        if len(self.flying) > IN_FLIGHT:
            self.finish(next(iter(self.flying.values())), "never closed")

    def spread(self, trace: Trace) -> None:
        """From now on other threads take part in this request."""
        spread(trace, self.lane)
        if self.watch_again is not None:
            self.watch_again()

    def finish(self, trace: Trace, ending: str = "closed") -> None:
        """The request is over: nothing more is recorded of it."""
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
            self.flying.pop(trace.number, None)
            if self.watch_again is not None:
                self.watch_again()
            finished = self.finished
            finished.append(trace)
            if len(finished) >= self.enough or len(trace.events) > MUCH:
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
            for trace in self.flying.values():
                trace.closed, trace.add = trace.begun or 1, ignore
            self.flying.clear()
            self.finished.clear()
            self.barriers.clear()
            self.closings.clear()

    def waits(self) -> bool:
        """Whether anything recorded has not been taken away."""
        return bool(
            self.finished or self.lives.deaths or self.closings or self.barriers or self.outside
            or self.found or self.met or self.gone
        )  # fmt: skip

    def thread(self, trace: Trace | None) -> int:
        """Return the token of the thread that runs this, on behalf of `trace` if there is one."""
        return trace.thread if trace is not None and trace.single else self.lane.token

    def instant(self, trace: Trace, what: What) -> None:
        """Something happened just now, and took no time."""
        now = self.clock()
        trace.add((now, now, what))

    # -- objects ----------------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether another object can be watched just now."""
        trace = current.get()
        if trace is not None and not trace.closed and len(trace.births) >= 5 * BIRTHS_PER_REQUEST:
            return False
        return len(self.lives.refs) < self.lives.limit

    def born(
        self,
        obj: Any,
        kind: str,
        label: str | None = None,
        owner: int | None = None,
        before: bool = False,
    ) -> int | None:
        """An object was built just now. Return its token, or None beyond the limits.

        `before`: it was built before tracing, nobody saw when.
        """
        trace = current.get()
        if trace is not None and (trace.closed or before):
            trace = None
        if not self.has_room():
            if trace is not None:
                trace.uncounted += 1
            return None
        token, mortal = self.lives.watch(obj)
        told = label, self.thread(trace), owner, mortal
        if before:
            self.found.append((token, kind, self.classes.number(type(obj)), told, self.clock()))
            return token
        self._note(trace, token, kind, type(obj), told, self.lives.refs.get(token))
        return token

    def resource_born(
        self, obj: Any, kind: str, label: str, owner: int, before: bool = False
    ) -> int:
        """A resource was opened; `owner` is the object that ends it. Return its token.

        Its end is told by `resource_closed`; where `obj` supports weak references it is known
        again by identity, and dying open is an end too. `before`: it was open before tracing.
        """
        trace = current.get()
        if trace is not None and trace.closed:
            trace = None
        token, mortal = self.lives.watch(obj)
        told = label, self.thread(trace), owner, mortal
        if before:
            number = self.classes.number(type(obj))
            self.found.append((token, kind, number, told, self.clock()))
        else:
            self._note(trace, token, kind, type(obj), told)
        return token

    def _note(
        self,
        trace: Trace | None,
        token: int,
        kind: str,
        cls: type,
        told: Any,
        ref: Ref | None = None,
    ) -> None:
        number = self.classes.number(cls)
        if trace is None:
            self.outside.append((token, kind, number, told, self.clock()))
            return
        births = trace.births
        if ref is not None:
            ref.place, ref.home = len(births), births
        births.extend((ref, token, kind, number, told))

    def resource_closed(self, token: int) -> None:
        """A resource was closed by its owner."""
        self.lives.forget(token)
        self.closings.append((token, self.clock(), get_ident()))

    def seen(self, obj: Any) -> int | None:
        """A watched object was used by the current request. Return its token, or None."""
        trace = current.get()
        if trace is None:
            return None
        token = self.lives.token_of(obj)
        if token is not None and not trace.closed:
            trace.seen.append(token)
        return token

    def sighting(self) -> Callable[[Any], None]:
        """Return `see(obj)`: `seen` for those who call it in every request. It never raises."""
        get, by_id = current.get, self.lives.by_id

        def see(obj: Any) -> None:
            try:
                trace = get()
                if trace is not None:
                    ref = by_id.get(id(obj))
                    if ref is not None and ref() is obj:
                        trace.seen.append(ref.token)
            except Exception as fault:
                self.fault("sighting", fault)

        return see

    def raised(self, trace: Trace, exc: BaseException) -> None:
        """Note where an exception was raised, once, however many layers it crosses."""
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

    def fault(self, where: str, exc: BaseException) -> None:
        """A fault of the tracer's own: one line per place and kind, and the request goes on.

        It names the line that failed and the kind of exception, never what the exception says:
        that may be a key or a value of the application's.
        """
        kind = type(exc).__name__
        key = f"{where}: {kind}"
        mine = object()
        # In one step: two threads may fail at the same place at once.
        if len(self.faults) < 100 and self.faults.setdefault(key, mine) is mine:
            try:
                line = _raised_at(exc)
                logger.warning("tracer: a fault of its own in %s (%s%s)", where, kind, line)
            except Exception:
                return


def _raised_at(exc: BaseException) -> str:
    """Where an exception was raised, as " at module:line"; empty if it was not raised."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None:
        return ""
    return f" at {tb.tb_frame.f_globals.get('__name__', '?')}:{tb.tb_lineno}"


def _nothing(*_: object) -> None:
    """Nobody listens."""
