"""The story of one process: takes its facts in, and answers with lifetimes, ledger and fates.

`History.feed` takes facts in the order in which they were reported; `History.snapshot` answers
with a frozen `Process` at any time. A running process bounds its memory with `keep`: it drops
requests beyond that many, and dead objects of such requests, and keeps them as counts in the
ledger. A reader of a journal keeps all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from tracer.model.facts import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Ended,
    EndedWithThread,
    Fact,
    Named,
    ProcessStarted,
    Replaced,
    Request,
    ThreadSeen,
    Walk,
)
from tracer.model.known import KnownFindings
from tracer.model.object_log import ObjectLog
from tracer.model.process import Process
from tracer.model.request_log import RequestLog
from tracer.model.snapshot import fates_of, ledger_rows, lifetimes_of

BARRIERS = 100
"""Barriers that are remembered, the newest ones."""


class History:
    """The story of one process. Not thread-safe: feed and read it from one thread."""

    def __init__(self, keep: int | None = None, known: KnownFindings | None = None) -> None:
        """`keep`: requests to remember one by one; None: all. `known`: accepted findings."""
        self.keep = keep
        self.known = known or KnownFindings()
        self.about: ProcessStarted | None = None
        self.boot: Boot | None = None
        self.barriers: list[Barrier] = []
        self.walks = 0
        """How many walks looked for what holds the objects."""
        self.ended = False
        self.heard = 0
        """The clock at the newest fact."""
        self._requests = RequestLog()
        self.objects = ObjectLog(self._requests, keep)

    @property
    def requests(self) -> Mapping[int, Request]:
        """The requests that are remembered, by number."""
        return self._requests.remembered

    @property
    def served(self) -> int:
        """How many requests were served."""
        return self._requests.served

    @property
    def newest(self) -> int:
        """The highest number of a request that was reported; 0 if there was none."""
        return self._requests.newest

    @property
    def threads(self) -> dict[int, str]:
        """Thread to name."""
        return self._requests.threads

    def tracked(self, tokens: set[int]) -> set[int]:
        """Returns those of these objects that are remembered one by one."""
        return tokens & self.objects.tracked.keys()

    def living(self) -> list[Birth]:
        """Returns the births of all objects remembered one by one that are not known to be dead."""
        alive = (known for known in self.objects.tracked.values() if known.death is None)
        return [replace(known.birth, name=known.name) for known in alive]

    def feed(self, fact: Fact) -> None:
        """Takes one fact in."""
        match fact:
            case Request():
                self._feed_request(fact)
            case Deaths():
                for died in fact.deaths:
                    self.objects.died(died)
                self._forget()
            case Built():
                for birth in fact.births:
                    self.objects.born(birth, None, birth.at)
                    self.heard = max(self.heard, birth.at)
            case ProcessStarted():
                self.about = fact
            case Boot():
                self.boot = fact
                ends = [fact.begun + span.end for span in fact.spans]
                self.heard = max([self.heard, *ends])
            case Barrier():
                self.barriers.append(fact)
                del self.barriers[:-BARRIERS]
                self.heard = max(self.heard, fact.at)
                self.objects.pass_barrier(fact)
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
                self._requests.see_thread(fact)
            case Ended():
                self.ended = True
                self.heard = fact.at

    def _feed_request(self, request: Request) -> None:
        self._requests.remembered[request.number] = request
        self.heard = max(self.heard, request.closed)
        if request.cut_off:
            # Only its beginning is known: neither what it did nor whether it was answered.
            return
        self._requests.add(request)
        self.objects.add(request)
        self._forget()

    def count_requests(
        self,
        served: int,
        begins: Sequence[tuple[int, int]],
        pages: Iterable[tuple[str, int, int, int]],
        stayed: Iterable[tuple[Birth, int, str, str]],
    ) -> None:
        """Counts old requests without remembering them; the caller counts their objects by class.

        `begins` and `pages` are as in `RequestLog.count`; `stayed` holds (birth, number, page,
        module) of the objects that live on, and are remembered one by one.
        """
        self._requests.count(served, begins, pages)
        for birth, number, page, module in stayed:
            # The caller has counted this request for the class: it must not count twice.
            self.objects.ledger.counts_of(birth, number).last_used = number
            self.objects.born(birth, number, birth.at, page)
            self.objects.tracked[birth.token].by_import = module
        self._forget()

    def _forget(self) -> None:
        if self.keep is not None:
            oldest = self.newest - self.keep + 1
            self._requests.forget(oldest, self.keep)
            self.objects.forget(oldest, self.keep)

    def snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        """Returns the process as the facts so far show it.

        With `drawn`, it holds only what the timelines of these requests show: the objects that
        they built or that their stages name, no ledger, and no older requests.
        """
        if self.about is None:
            raise ValueError("no ProcessStarted fact was fed: a process must say who it is first")
        oldest = min((request.number for request in drawn), default=0)
        since = [one for number, one in self.requests.items() if number >= oldest]
        lifetimes, verdicts = lifetimes_of(self.objects, drawn, self.ended, self.known)
        return Process(
            about=self.about,
            requests=tuple(sorted(since, key=attrgetter("number"))),
            served=self.served,
            lifetimes=lifetimes,
            ledger=() if drawn else (*ledger_rows(self.objects, verdicts),),
            fates=fates_of(drawn or self.requests.values(), lifetimes),
            barriers=tuple(self.barriers),
            walks=self.walks,
            walked_upto=self.objects.spots.upto,
            threads=dict(self.threads),
            ended=self.ended,
            boot=self.boot,
            heard=max(self.heard, self.about.begun),
        )
