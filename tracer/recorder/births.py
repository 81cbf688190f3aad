"""Births, sightings and ends of the application's objects, noted as they happen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import ref

from tracer.model.trace import RawBirth, Trace
from tracer.recorder.classes import ClassNames
from tracer.recorder.faults import Faults
from tracer.recorder.threads import CurrentThread, ThreadNumbers
from tracer.recorder.trace import current
from tracer.recorder.weakrefs import Ref, WeakRefs

BIRTHS_PER_REQUEST = 1000
"""Objects watched per request; a page of a million rows must not double the memory it takes."""


class Births(Faults):
    """What is noted of objects: within a request in its trace, outside in queues of their own."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """`clock` counts nanoseconds."""
        super().__init__()
        self.clock = clock
        self.weakrefs = WeakRefs(clock, current.get)
        self.classes = ClassNames()
        self.threads_met: deque[tuple[int, str, int]] = deque(maxlen=10_000)
        """Threads that were met: (token, name, at)."""
        self.threads_ended: deque[tuple[int, str, int]] = deque(maxlen=10_000)
        """Threads that ended, likewise."""
        self.stored_at_end: dict[int, list[int]] = {}
        """Thread that ends to the tokens of what thread-locals hold, until its end is reported."""
        self.threads = ThreadNumbers(clock, self.threads_met)
        self.current_thread = CurrentThread(
            clock, self.threads_met, self.threads_ended, self.threads
        )
        self.thread_locals: list[ref[Any]] = []
        """The known `threading.local`s of the process."""
        self.preexisting: deque[RawBirth] = deque()
        """Objects that were built before tracing."""
        self.scanned = False
        """Whether those were looked for."""
        self.built_outside: deque[RawBirth] = deque(maxlen=20_000)
        """Objects that were built outside of requests."""
        self.closings: deque[tuple[int, int]] = deque(maxlen=10_000)
        """Resources that were closed: (token, at)."""
        self.resources: dict[int, int] = {}
        """Token of a wrapper to the token of the raw connection that it has just now."""

    def thread(self, trace: Trace | None) -> int:
        """Returns the token of the thread that runs this, on behalf of `trace` if there is one."""
        return trace.thread if trace is not None and trace.single else self.current_thread.token

    def has_room(self) -> bool:
        """Whether another object can be watched just now."""
        trace = current.get()
        if trace is not None and not trace.closed and len(trace.births) >= 5 * BIRTHS_PER_REQUEST:
            return False
        return len(self.weakrefs.refs) < self.weakrefs.limit

    def born(
        self,
        obj: Any,
        kind: str,
        label: str | None = None,
        owner: int | None = None,
        before: bool = False,
    ) -> int | None:
        """Notes an object that was just built. Returns its token, or None beyond the limits.

        `before`: it was built before tracing, nobody saw when.
        """
        trace = current.get()
        if trace is not None and (trace.closed or before):
            trace = None
        if not self.has_room():
            if trace is not None:
                trace.uncounted += 1
            return None
        token, mortal = self.weakrefs.watch(obj)
        details = label, self.thread(trace), owner, mortal
        if before:
            self.preexisting.append(
                (token, kind, self.classes.number(type(obj)), details, self.clock())
            )
            return token
        self._note(trace, token, kind, type(obj), details, self.weakrefs.refs.get(token))
        return token

    def resource_born(
        self, obj: Any, kind: str, label: str, owner: int, before: bool = False
    ) -> int:
        """Notes a resource that was opened; `owner` is the object that ends it. Returns its token.

        `resource_closed` notes its end. Where `obj` supports weak references it is recognised
        later, and dying open is an end too. `before`: it was open before tracing.
        """
        trace = current.get()
        if trace is not None and trace.closed:
            trace = None
        token, mortal = self.weakrefs.watch(obj)
        details = label, self.thread(trace), owner, mortal
        if before:
            number = self.classes.number(type(obj))
            self.preexisting.append((token, kind, number, details, self.clock()))
        else:
            self._note(trace, token, kind, type(obj), details)
        return token

    def _note(
        self,
        trace: Trace | None,
        token: int,
        kind: str,
        cls: type,
        details: Any,
        ref: Ref | None = None,
    ) -> None:
        number = self.classes.number(cls)
        if trace is None:
            self.built_outside.append((token, kind, number, details, self.clock()))
            return
        births = trace.births
        if ref is not None:
            ref.index, ref.births, ref.cls = len(births), births, number
        births.extend((ref, token, kind, number, details))

    def resource_closed(self, token: int) -> None:
        """Notes that a resource was closed by its owner."""
        self.weakrefs.forget(token)
        self.closings.append((token, self.clock()))

    def seen(self, obj: Any) -> int | None:
        """Notes that the current request used a watched object. Returns its token, or None."""
        trace = current.get()
        if trace is None:
            return None
        token = self.weakrefs.token_of(obj)
        if token is not None and not trace.closed:
            trace.seen.append(token)
        return token

    def sighting(self) -> Callable[[Any], None]:
        """Returns `see(obj)`: `seen` for callers in every request. It never raises."""
        get, by_id = current.get, self.weakrefs.by_id

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
