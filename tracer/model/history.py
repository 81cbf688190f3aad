"""The story of one process: takes its facts in, and answers with lifetimes, ledger and fates.

`History.feed` takes facts in the order in which they were reported; `History.snapshot` answers
with a frozen `Process` at any time. A running process bounds its memory with `keep`: it forgets
requests beyond that many, and the dead objects of such requests, which the ledger counts. A
reader of a journal does the same, or keeps all.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final

from tracer.model import assemble
from tracer.model.fact_log import FactLog
from tracer.model.facts import Built, Deaths, Died, Fact, ProcessStarted, ThreadSeen
from tracer.model.known import KnownFindings
from tracer.model.object_log import ObjectLog
from tracer.model.process import Process
from tracer.model.recorded import RecordedRequest, RecordedRequests
from tracer.model.request_log import ALWAYS_REMEMBERED, RequestLog
from tracer.model.requests import Request, Requests
from tracer.model.snapshot import fates_of, lifetimes_and_ledger

TOGETHER: Final = 64
"""Requests that are taken in together, with the deaths that are reported behind them; at most twice
as many, if none are."""
MOST_DEATHS: Final = 1000
"""Deaths that wait for requests."""


class History:
    """The story of one process. Not thread-safe: feed and read it from one thread."""

    def __init__(
        self,
        keep: int | None = None,
        known: KnownFindings | None = None,
        always: Container[int] = ALWAYS_REMEMBERED,
    ) -> None:
        """`keep`: requests to remember one by one; None: all. `known`: accepted findings.

        `always`: numbers of requests that are never forgotten.
        """
        self.keep = keep
        self.known = known or KnownFindings()
        self._log = FactLog(keep, always)
        self._new: list[RecordedRequests] = []
        """Requests that were fed and not yet taken in, and their number below: they are taken in
        together with the deaths that are reported behind them."""
        self._waiting = 0
        self._deaths: list[Died] = []
        """Deaths likewise."""
        self._assembled: dict[int, Request] = {}
        """The remembered requests that somebody has asked for."""

    @property
    def log(self) -> FactLog:
        """What the facts say, of which none waits any more."""
        self._take_in()
        return self._log

    @property
    def about(self) -> ProcessStarted | None:
        """Who the process is, once it has said so."""
        return self._log.about

    @property
    def requests(self) -> RequestLog:
        """The requests so far."""
        return self.log.requests

    @property
    def objects(self) -> ObjectLog:
        """What became of the objects so far."""
        return self.log.objects

    @property
    def served(self) -> int:
        """How many requests were served."""
        return self.requests.served

    @property
    def newest(self) -> int:
        """The highest number of a request that was reported; 0 if there was none."""
        return self.requests.newest

    def request(self, number: int) -> Request | None:
        """Returns a request, if it is remembered."""
        recorded = self.requests.recorded(number)
        return self._assemble(recorded) if recorded is not None else None

    def _assemble(self, recorded: RecordedRequest) -> Request:
        """Returns a request, assembled; the same again, where few are remembered."""
        number = recorded.number
        found = self._assembled.get(number)
        if found is None:
            started = self.about.moment(recorded.begun) if self.about is not None else 0.0
            requests = self._log.requests
            name = requests.threads.get(recorded.thread, "")
            found = assemble.request(recorded, name, started)
            if self.keep is not None and number in requests.remembered:
                self._assembled[number] = found
        return found

    def feed(self, fact: Fact) -> None:
        """Takes one fact in."""
        if type(fact) is RecordedRequests:
            self._new.append(fact)
            self._waiting += len(fact)
            if self._waiting >= 2 * TOGETHER:
                self._take_in()
            return
        if type(fact) is Deaths:
            self._deaths += fact.deaths
            if self._waiting >= TOGETHER or len(self._deaths) >= MOST_DEATHS:
                self._take_in()
            return
        self.log.take(fact)

    def _take_in(self) -> None:
        """Takes in the requests that wait, and then the deaths: these say when they were."""
        if not self._new and not self._deaths:
            return
        new, self._new, self._waiting = self._new, [], 0
        deaths, self._deaths = self._deaths, []
        self._log.take_requests(new, deaths)
        remembered = self._log.requests.remembered
        for number in [each for each in self._assembled if each not in remembered]:
            del self._assembled[number]

    def opening(self) -> list[Fact]:
        """Returns the facts with which its story can begin here: who the process is, its threads,
        and what lives, as built before."""
        log = self.log
        found: list[Fact] = [fact for fact in (log.about, log.boot) if fact is not None]
        found += [ThreadSeen(*each, log.heard) for each in log.requests.threads.items()]
        living = [
            replace(each, phase="before" if each.phase == "request" else each.phase)
            for each in log.objects.store.living()
        ]
        return [*found, Built(tuple(living)), *([log.objects.held()] if log.walks else [])]

    def snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        """Returns the process as the facts so far show it.

        With `drawn`, it holds only what the timelines of these requests show: the objects that
        they built or that their stages name, no ledger, and no older requests.
        """
        log = self.log
        if log.about is None:
            raise ValueError("no ProcessStarted fact was fed: a process must say who it is first")
        numbers = self._numbers(min((request.number for request in drawn), default=0))
        recorded = [one for n in numbers if (one := log.requests.recorded(n)) is not None]
        lifetimes, ledger = lifetimes_and_ledger(log.objects, drawn, log.ended, self.known)
        return Process(
            about=log.about,
            requests=Requests(recorded, self._assemble),
            served=log.requests.served,
            lifetimes=lifetimes,
            ledger=ledger,
            fates=fates_of([each.number for each in drawn] or numbers, lifetimes),
            barriers=tuple(log.objects.barriers.passed),
            walks=log.walks,
            walked_upto=log.objects.spots.upto,
            threads=dict(log.requests.threads),
            ended=log.ended,
            boot=log.boot,
            heard=max(log.heard, log.about.begun),
        )

    def _numbers(self, oldest: int) -> list[int]:
        """Returns the numbers of the requests to remember, from one on; others may be remembered
        because they are alike."""
        requests = self._log.requests
        first = 0 if self.keep is None else requests.newest - self.keep + 1
        return [
            number
            for number in sorted(requests.remembered)
            if number >= oldest and (number >= first or number in requests.always)
        ]
