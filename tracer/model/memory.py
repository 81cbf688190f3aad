"""Takes a process's facts in, in the order in which they were reported.

Live processes bound their memory with `keep`: the individual
records of objects that died, and of requests, are dropped beyond that many requests and live on as
counts in the ledger. A reader of a journal keeps all.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from tracer.model import scope
from tracer.model.facts import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    Ended,
    Fact,
    Held,
    Named,
    ProcessStarted,
    Request,
    ThreadSeen,
)
from tracer.model.objects import Individual, Row

THREADS = 64
"""Threads of which a running process remembers how many requests they took part in."""
RECENT = 256
"""Deaths that are dated anew when a request is reported that had begun before them."""
PINNED = frozenset({1, 2})
"""Requests never forgotten: what the first one paid is told beside the second."""


class Memory:
    """What is known of one process. `tracer.model.history.History` answers from it."""

    def __init__(self, keep: int | None = None) -> None:
        """`keep`: how many requests to remember one by one; None remembers all."""
        self.keep = keep
        self.about: ProcessStarted | None = None
        self.boot: Boot | None = None
        self.requests: OrderedDict[int, Request] = OrderedDict()
        self.served = 0
        self.barriers: list[Barrier] = []
        self.threads: dict[int, str] = {}
        self.ended = False
        self.heard = 0
        """The clock at the newest fact."""
        self._objects: dict[int, Individual] = {}
        self._unproven: dict[int, Individual] = {}
        """Those that no barrier has found alive after their request, nor dead."""
        self._rows: dict[tuple[str, str], Row] = {}
        self._begins: list[tuple[int, int]] = []
        self._orphans: OrderedDict[int, Died] = OrderedDict()
        self._thread_ends: dict[int, int] = {}
        self._took_part: dict[int, int] = {}
        """Thread to the number of requests it took part in; the latest to do so comes last."""
        self._earlier: dict[tuple[str, str], Counter[str]] = {}
        self._newest = 0
        self._dead: list[int] = []
        self._enough = 2 * (keep or 0)
        """So many dead are looked through for those to forget: not all of them at each request."""
        self._reused: set[tuple[str, int]] = set()
        """(class, request): some born there of that class were used by later requests."""

    # -- taking facts -----------------------------------------------------------------------

    def feed(self, fact: Fact) -> None:
        """Take one fact."""
        match fact:
            case Request():
                self._request(fact)
            case Deaths():
                for died in fact.deaths:
                    self._died(died)
                if self.keep is not None:
                    self._forget(self.keep)
            case Built():
                for birth in fact.births:
                    self._born(birth, None, birth.at)
                    self._hear(birth.at)
            case ProcessStarted():
                self.about = fact
            case Boot():
                self.boot = fact
                self._hear(max((fact.begun + span.end for span in fact.spans), default=0))
            case Barrier():
                self._barrier(fact)
            case Held():
                if fact.token in self._objects:
                    self._objects[fact.token].held_by = fact.path
            case Named():
                if fact.token in self._objects:
                    self._objects[fact.token].name = fact.name
            case ThreadSeen():
                self._thread(fact)
            case Ended():
                self.ended = True
                self.heard = fact.at

    def _hear(self, at: int) -> None:
        self.heard = max(self.heard, at)

    def _request(self, request: Request) -> None:
        self.requests[request.number] = request
        self._hear(request.closed)
        if request.cut_off:
            # It began; what it did, and whether it was answered, nobody can say any more.
            return
        self.served += 1
        self._newest = max(self._newest, request.number)
        self._began([(request.begun, request.number)])
        self._date_deaths(request)
        threads = {request.thread, *(thread for _, thread in request.seen)}
        self._took(dict.fromkeys(threads | {birth.thread for birth in request.births}, 1))
        for birth in request.births:
            self._born(birth, request.number, request.closed)
        used: dict[int, None] = {}
        for token, thread in request.seen:
            known = self._objects.get(token)
            if known is None:
                continue
            known.threads.add(thread)
            if known.built_in != request.number:
                used[token] = None
        for token in used:
            known = self._objects[token]
            known.used_by(request.number)
            if known.built_in is not None:
                self._reused.add((known.birth.cls, known.built_in))
        if self.keep is not None:
            self._forget(self.keep)

    def _born(self, birth: Birth, built_in: int | None, closed: int) -> None:
        if birth.token in self._objects:
            return
        row = self.row(birth, built_in)
        row.built += 1
        known = self._objects[birth.token] = Individual(birth, built_in, closed, row)
        known.apart = self._without(birth.thread)
        self._unproven[birth.token] = known
        if built_in is not None:
            known.threads.add(birth.thread)
            known.used_by(built_in)
        if birth.token in self._orphans:
            self._died(self._orphans.pop(birth.token))

    def known_row(self, kind: str, cls: str) -> Row | None:
        """Return the ledger's row for a class, if there is one yet."""
        return self._rows.get((kind, cls))

    def row(self, birth: Birth, built_in: int | None) -> Row:
        """Return the ledger's row for a birth's class, made at its first."""
        key = birth.kind, birth.cls
        if key not in self._rows:
            self._rows[key] = Row(birth, built_in)
        return self._rows[key]

    def tally(
        self,
        served: int,
        begins: Sequence[tuple[int, int]],
        took_part: Mapping[int, int],
        stayed: Iterable[tuple[Birth, int]],
    ) -> None:
        """Take old requests by their marks alone; their rows were counted by the caller.

        `begins` holds (begun, number) of the newest, `took_part` how many each thread took part
        in, and `stayed` (birth, number) of what lives on.
        """
        self.served += served
        self._newest = max(self._newest, *(number for _, number in begins))
        self._began(begins)
        self._took(took_part)
        for birth, number in stayed:
            # Its class was counted with the others of this request.
            self.row(birth, number).last_used = number
            self._born(birth, number, birth.at)
        if self.keep is not None:
            self._forget(self.keep)

    def _began(self, begins: Sequence[tuple[int, int]]) -> None:
        """Requests had begun; those of one whose objects lived on may be told after later ones."""
        in_order = not self._begins or self._begins[-1] <= begins[0]
        self._begins += begins
        if not in_order:
            self._begins.sort()

    def _took(self, counts: Mapping[int, int]) -> None:
        for thread, count in counts.items():
            self._took_part[thread] = self._took_part.pop(thread, 0) + count

    def _without(self, thread: int) -> int:
        """How many requests were served in which this thread took no part."""
        return self.served - self._took_part.get(thread, 0)

    @property
    def newest(self) -> int:
        """The highest number of a request heard of; 0 if there was none."""
        return self._newest

    def known(self, tokens: set[int]) -> set[int]:
        """Return those of these objects that are remembered one by one."""
        return tokens & self._objects.keys()

    def used(self, uses: Iterable[tuple[int, int]], count: int, last: int) -> None:
        """So many requests, the newest of them `last`, used these (token, thread)."""
        objects, known = self._objects, {}
        for token, thread in uses:
            individual = objects.get(token)
            if individual is not None:
                known[token] = individual
                individual.threads.add(thread)
        rows = set()
        for individual in known.values():
            individual.tallied(count, last)
            rows.add(individual.row)
            if individual.built_in is not None:
                self._reused.add((individual.birth.cls, individual.built_in))
        for row in rows:
            row.requests += count
            row.last_used = max(row.last_used, last)

    def _died(self, died: Died) -> None:
        known = self._objects.get(died.token)
        if known is None:
            # Its birth is reported with its request, which may still be running.
            self._orphans[died.token] = died
            if self.keep is not None and len(self._orphans) > 64 * self.keep:
                self._orphans.popitem(last=False)
            return
        if known.death is not None:
            return
        known.death = died
        known.freed_in = self._newest_begun(died.at)
        known.freed = self._how(known, died)
        self._dead.append(died.token)

    def _date_deaths(self, request: Request) -> None:
        """Deaths during a request may have been told before the request itself was."""
        for token in self._dead[-RECENT:]:
            known = self._objects[token]
            if known.death is not None and known.death.at >= request.begun:
                known.freed_in = max(known.freed_in, request.number)

    def _how(self, known: Individual, died: Died) -> str:
        if died.how == "closed":
            # With its own request, or at a time of its owner's choosing.
            return "owner" if died.at > known.closed else "response"
        ended = self._thread_ends.get(known.birth.thread)
        if ended is not None and died.at >= ended and self._outlived(known):
            return "thread"
        return "collector" if died.how == "collector" else "response"

    def _newest_begun(self, at: int) -> int:
        newest = 0
        for begun, number in reversed(self._begins):
            if begun <= at:
                newest = max(newest, number)
                break
        return newest

    def _outlived(self, known: Individual) -> bool:
        """Whether it lived when a later request had begun after its own had closed."""
        end = known.death.at if known.death else None
        for begun, number in reversed(self._begins):
            if end is not None and begun > end:
                continue
            if known.built_in is None:
                return True
            return number != known.built_in and begun >= known.closed
        return False

    def _barrier(self, barrier: Barrier) -> None:
        self.barriers.append(barrier)
        self._hear(barrier.at)
        del self.barriers[:-100]
        for token, known in list(self._unproven.items()):
            if known.death is not None and known.death.at <= barrier.at:
                del self._unproven[token]
            elif known.closed <= barrier.at:
                known.survived = True
                del self._unproven[token]

    def _thread(self, seen: ThreadSeen) -> None:
        if seen.ended:
            self._thread_ends[seen.thread] = seen.at
        else:
            self.threads[seen.thread] = seen.name

    # -- bounded memory ---------------------------------------------------------------------

    def _forget(self, keep: int) -> None:
        """Drop requests beyond `keep`, and the dead whose request is among the dropped."""
        oldest = self._newest - keep + 1
        for number in [n for n in self.requests if n < oldest and n not in PINNED]:
            del self.requests[number]
        del self._begins[: -2 * keep]
        self._forget_threads()
        if len(self._dead) < self._enough:
            return
        remaining = []
        for token in self._dead:
            known = self._objects[token]
            built_in = known.built_in
            if built_in is not None and (built_in >= oldest or built_in in PINNED):
                remaining.append(token)
            else:
                self._unproven.pop(token, None)
                self._fold(self._objects.pop(token))
        self._dead = remaining
        self._enough = len(remaining) + 2 * keep

    def _forget_threads(self) -> None:
        """Servers start a thread for each connection: remember the newest of them."""
        if len(self._took_part) > 2 * THREADS:
            self._took_part = dict(list(self._took_part.items())[-THREADS:])
        for known in (self.threads, self._thread_ends):
            if len(known) > 10 * THREADS:
                for token in list(known)[: len(known) - 10 * THREADS]:
                    del known[token]
        if len(self._reused) > 100 * THREADS:
            alive = {(one.birth.cls, one.built_in) for one in self._objects.values()}
            self._reused = {pair for pair in self._reused if pair in alive}

    def _fold(self, known: Individual) -> None:
        verdict = self._scope(known)
        row = self._rows[known.birth.kind, known.birth.cls]
        row.scopes[verdict] += 1
        if known.freed:
            row.freed[known.freed] += 1
        self._earlier.setdefault((known.birth.kind, known.name), Counter())[verdict] += 1
        while len(self._earlier) > 2000:
            del self._earlier[next(iter(self._earlier))]

    def _scope(self, known: Individual) -> str:
        born_on, threads = known.birth.thread, known.threads
        return scope.decide(
            scope.Facts(
                in_request=known.built_in is not None,
                requests=known.requests,
                later=known.requests - (1 if known.built_in is not None else 0),
                threads=len(threads),
                elsewhere=len(threads) > (born_on in threads),
                others_served=self._without(born_on) > known.apart,
                survived=known.survived,
                dead=known.death is not None,
                resource=known.birth.owner is not None,
                outlived=known.birth.owner is not None and self._outlived(known),
                thread_ended=known.freed == "thread",
                kin_used=(known.birth.cls, known.built_in) in self._reused,
            )
        )
