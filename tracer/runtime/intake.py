"""The intake: empties the recorder's queues into a batch, causes before effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from tracer.model import Barrier, Birth, Built, Died, EndedWithThread, Fact, Replaced, ThreadSeen
from tracer.model.assemble import birth
from tracer.model.masking import Masking
from tracer.model.trace import Trace
from tracer.probes import preexisting
from tracer.recorder.recorder import Recorder
from tracer.recorder.weakrefs import Ref
from tracer.runtime.batch import Batch, Price, as_ends, taken_along

MAX_THREAD_NAMES = 1000
"""Names of threads remembered; beyond, those of threads that ended are forgotten."""
PATIENCE = 64
"""Requests that a patient `take` leaves in the queue at most."""
_END = attrgetter("token", "at")
"""Of a reference whose object is dead."""


class Intake:
    """Takes what one process recorded. Called with the pipeline's lock held."""

    def __init__(self, recorder: Recorder, masking: Masking, price: Price) -> None:
        self.recorder = recorder
        self.masking = masking
        self.price = price
        self.thread_names: dict[int, str] = {}
        self.boot: list[Birth] = []
        """What was built before this process served anything."""
        self.has_served = False

    def take(self, patient: bool = False) -> Batch:
        """Returns everything recorded so far, and empties the queues.

        `patient`: leaves the newest requests while an object of theirs lives. Most of these wait
        for the garbage collector; if they die before their request is taken, they need no report of
        their own.
        """
        recorder = self.recorder
        # Barriers first, and finished requests before deaths: what happened before a barrier is
        # then certain to be in its batch, and so is the birth of what died.
        barriers = [Barrier(*recorder.barriers.popleft()) for _ in range(len(recorder.barriers))]
        count = self._gone() if patient else len(recorder.finished)
        finished = [recorder.finished.popleft() for _ in range(count)]
        facts: list[Fact] = [*self._threads(), *self.outside()]
        standing = self._standing() if finished else []
        self.has_served = self.has_served or bool(finished)
        after = [*self._replaced(finished), *self._ended_with_threads(), *barriers]
        ends = [*self._ends(), *self._taken_over(finished)]
        return Batch(recorder, facts, finished, standing, ends, after, self.price)

    def _gone(self) -> int:
        """Returns how many requests, the oldest, a patient `take` takes."""
        finished = self.recorder.finished
        count = max(0, len(finished) - PATIENCE)
        while count < len(finished) and Ref not in map(type, finished[count].births[::5]):
            count += 1
        return count

    def _threads(self) -> Iterator[ThreadSeen]:
        for queue, ended in (
            (self.recorder.threads_met, False),
            (self.recorder.threads_ended, True),
        ):
            while queue:
                token, name, at = queue.popleft()
                if not ended:
                    self.thread_names[token] = name
                elif len(self.thread_names) > MAX_THREAD_NAMES:
                    self.thread_names.pop(token, None)
                yield ThreadSeen(token, name, at, ended)

    def outside(self) -> Iterator[Built]:
        """Takes what was built outside of requests, and yields it as one fact, if there is any."""
        births = []
        for queue, phase in (
            (self.recorder.preexisting, "before"),
            (self.recorder.built_outside, "boot"),
        ):
            for _ in range(len(queue)):
                token, kind, number, details, at = queue[0]
                what = self.masking.privacy.kind(kind, number, details)
                births.append(birth(token, what, at, phase=phase))
                if not self.has_served:
                    # Before it leaves the queue: another thread may fork at any time.
                    self.boot.append(births[-1])
                queue.popleft()
        if births:
            yield Built(tuple(births))

    def _replaced(self, finished: Iterable[Trace]) -> Iterator[Fact]:
        """Takes what later requests let go, as soon as these are over and it is known what they
        built."""
        queue = self.recorder.weakrefs.untimely.let_go
        if not queue:
            return
        built = {trace.number: frozenset(trace.births[3::5]) for trace in finished}
        tokens = []
        for _ in range(len(queue)):
            token, cls, number = queue.popleft()
            if cls in built.get(number, ()):
                tokens.append(token)
            elif number in self.recorder.in_flight:
                queue.append((token, cls, number))
        if tokens:
            yield Replaced(tuple(tokens))

    def _ended_with_threads(self) -> Iterator[Fact]:
        """Takes what threads held, and what they let go, as they ended."""
        stored, queue = self.recorder.stored_at_end, self.recorder.weakrefs.untimely.with_thread
        found: dict[int, list[int]] = {}
        for number in list(stored):
            found[number] = stored.pop(number)
        for _ in range(len(queue)):
            token, number = queue.popleft()
            found.setdefault(number, []).append(token)
        for number, tokens in found.items():
            if tokens:
                yield EndedWithThread(number, tuple(tokens))

    def _standing(self) -> list[int]:
        try:
            return preexisting.singletons_in_use(self.recorder)
        except Exception as fault:
            self.recorder.fault("scan", fault)
            return []

    def _ends(self) -> list[Died]:
        closings, lives = self.recorder.closings, self.recorder.weakrefs
        closed = [closings.popleft() for _ in range(len(closings))]
        # What died before its request was taken over stands among the request's births.
        dead = as_ends([_END(ref) for ref in lives.drain() if ref.births is None])
        ends = [Died(token, at, "closed") for token, at in closed]
        return [*ends, *dead, *taken_along(self.recorder, dead)]

    def _taken_over(self, finished: list[Trace]) -> list[Died]:
        """From here on the deaths of what lives are queued; returns what the dead took along."""
        found: list[Died] = []
        for trace in finished:
            births = trace.births
            self.recorder.weakrefs.take_over(births)
            if self.recorder.resources:
                marks = zip(births[1::5], births[0::5], strict=True)
                dead = [(token, at) for token, at in marks if type(at) is int]
                found += taken_along(self.recorder, as_ends(dead))
        return found
