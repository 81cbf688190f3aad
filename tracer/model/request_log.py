"""Which requests a process served: when each began and which threads took part.

Lifetimes are decided from these: the newest request that had begun when an object died, and how
many requests were served without the thread on which an object was born.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tracer.model.facts import Request, ThreadSeen
from tracer.model.objects import TrackedObject

THREADS: Final = 64
"""Threads of which a running process remembers how many requests they took part in."""
ALWAYS_REMEMBERED: Final = frozenset({1, 2})
"""Numbers of requests that are never forgotten: a picture compares the first with the second."""


class RequestLog:
    """The requests of one process, counted, and the newest of them one by one."""

    def __init__(self) -> None:
        self.remembered: dict[int, Request] = {}
        """Number to request."""
        self.served = 0
        self.newest = 0
        """The highest number of a request that was counted; 0 if there was none."""
        self.threads: dict[int, str] = {}
        """Thread to its name."""
        self._thread_ends: dict[int, int] = {}
        self._took_part: dict[int, int] = {}
        """Thread to the number of requests it took part in; the latest to do so comes last."""
        self._begins: list[tuple[int, int]] = []
        """(begun, number), in order."""

    def add(self, request: Request) -> None:
        """Counts a request that was recorded to its end."""
        threads = {request.thread, *(thread for _, thread in request.seen)}
        threads |= {birth.thread for birth in request.births}
        self.count(1, [(request.begun, request.number)], dict.fromkeys(threads, 1))

    def count(
        self, served: int, begins: Sequence[tuple[int, int]], took_part: Mapping[int, int]
    ) -> None:
        """Counts `served` requests, which need not be known one by one.

        `begins` holds (begun, number) of the newest of them, `took_part` the number of them in
        which each thread took part.
        """
        self.served += served
        self.newest = max(self.newest, *(number for _, number in begins))
        # A request whose objects lived on may be reported after later ones.
        in_order = not self._begins or self._begins[-1] <= begins[0]
        self._begins += begins
        if not in_order:
            self._begins.sort()
        for thread, count in took_part.items():
            self._took_part[thread] = self._took_part.pop(thread, 0) + count

    def see_thread(self, seen: ThreadSeen) -> None:
        """Remembers the name of a thread, or when it ended."""
        if seen.ended:
            self._thread_ends[seen.thread] = seen.at
        else:
            self.threads[seen.thread] = seen.name

    def served_without(self, thread: int) -> int:
        """Returns how many requests were served in which this thread took no part."""
        return self.served - self._took_part.get(thread, 0)

    def thread_had_ended(self, thread: int, at: int) -> bool:
        """Whether a thread is known to have ended by this time."""
        ended = self._thread_ends.get(thread)
        return ended is not None and at >= ended

    def newest_begun(self, at: int) -> int:
        """Returns the number of the newest request that had begun by this time; 0 if none had."""
        for begun, number in reversed(self._begins):
            if begun <= at:
                return number
        return 0

    def outlived_its_request(self, known: TrackedObject) -> bool:
        """Whether an object was alive when a later request began after its own had closed."""
        end = known.death.at if known.death else None
        for begun, number in reversed(self._begins):
            if end is not None and begun > end:
                continue
            if known.built_in is None:
                return True
            return number != known.built_in and begun >= known.closed
        return False

    def forget(self, oldest: int, keep: int) -> None:
        """Drops requests before `oldest`, all but `2 * keep` begins, and threads long unseen.

        Servers may start a thread for each connection.
        """
        for number in [n for n in self.remembered if n < oldest and n not in ALWAYS_REMEMBERED]:
            del self.remembered[number]
        del self._begins[: -2 * keep]
        if len(self._took_part) > 2 * THREADS:
            self._took_part = dict(list(self._took_part.items())[-THREADS:])
        for known in (self.threads, self._thread_ends):
            if len(known) > 10 * THREADS:
                for token in list(known)[: len(known) - 10 * THREADS]:
                    del known[token]
