"""What the facts of one process say so far: requests, objects, and who it is."""

from __future__ import annotations

from collections.abc import Container, Sequence

from tracer.model.facts import (
    Barrier,
    Boot,
    Built,
    Died,
    Ended,
    EndedWithThread,
    Fact,
    Named,
    ProcessStarted,
    Replaced,
    SegmentBegan,
    ThreadSeen,
    Walk,
)
from tracer.model.object_log import ObjectLog
from tracer.model.recorded import CUT_OFF, RecordedRequests
from tracer.model.request_log import RequestLog


class FactLog:
    """Takes facts in, each at once; requests and deaths in bulk."""

    def __init__(self, keep: int | None, always: Container[int]) -> None:
        """`keep` and `always` as in `tracer.model.history.History`."""
        self.keep = keep
        self.about: ProcessStarted | None = None
        self.boot: Boot | None = None
        self.walks = 0
        """How many walks looked for what holds the objects."""
        self.ended = False
        self.began_after = 0
        """The story begins later than the process: behind the request of this number."""
        self.heard = 0
        """The latest moment of which anything is known."""
        self.requests = RequestLog(always)
        self.objects = ObjectLog(self.requests, keep)

    def take(self, fact: Fact) -> None:
        """Takes in a fact that is neither requests nor deaths."""
        match fact:
            case Built():
                for birth in fact.births:
                    self.objects.born(birth, birth.at)
                    self.heard = max(self.heard, birth.at)
            case ProcessStarted():
                self.about = fact
            case Boot():
                self.boot = fact
                ends = [fact.begun + span.end for span in fact.spans]
                self.heard = max([self.heard, *ends])
            case Barrier():
                self.heard = max(self.heard, fact.at)
                self.objects.barriers.add(fact)
            case Walk():
                self.walks += 1
                self.objects.walked(fact)
            case EndedWithThread():
                self.objects.thread_ended(fact)
            case Replaced():
                self.objects.replaced(fact)
            case Named():
                if fact.token in self.objects.tracked:
                    self.objects.tracked[fact.token].name = fact.name
            case ThreadSeen():
                self.requests.see_thread(fact)
            case SegmentBegan():
                self.began_after = fact.newest
            case Ended():
                self.ended = True
                self.heard = fact.at

    def take_requests(self, new: Sequence[RecordedRequests], deaths: Sequence[Died]) -> None:
        """Takes in requests, then deaths: the requests say when they were. Forgets old ones."""
        self.requests.remember(new)
        for several in new:
            self.heard = max(self.heard, *several.closed)
        # Of a request that was cut off only the beginning is known: neither what it did nor whether
        # it was answered.
        whole = [several for several in new if several.ending != CUT_OFF]
        self.requests.add(whole)
        self.objects.add(whole)
        for died in deaths:
            self.objects.died(died)
        if self.keep is not None:
            forgetting = self.objects.forgetting
            old, pinned = self.requests.forget(self.requests.newest - self.keep + 1, self.keep)
            for one in pinned:
                forgetting.pin(one)
            forgetting.leave(old)
            forgetting.forget(self.keep)
