"""Answers from what is known of a process: its lifetimes, its ledger, the fate of its requests.

`History.feed` takes facts in the order in which they were reported (see `tracer.model.memory`);
`History.snapshot` answers with a frozen `Process` at any time. Tuples are made from lists here, for
the reason that `tracer.model.assemble` gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from tracer.model import scope
from tracer.model.facts import Birth, Request
from tracer.model.memory import Memory
from tracer.model.objects import Individual
from tracer.model.process import Fate, LedgerRow, Lifetime, Process


class History(Memory):
    """The story of one process. Not thread-safe: feed and read it from one thread."""

    def snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        """Return the process as the facts so far show it.

        With `drawn`, only what the timelines of these requests show of it: the objects that they
        built or that their stages name, no ledger, and no older requests.
        """
        if self.about is None:
            raise ValueError("no ProcessStarted fact was fed: a process must say who it is first")
        objects = self._shown_by(drawn) if drawn else self._objects
        oldest = min((request.number for request in drawn), default=0)
        verdicts = {token: self._scope(known) for token, known in objects.items()}
        asked = (
            verdicts.keys()
            if not drawn
            else {token for token, verdict in verdicts.items() if verdict == scope.UNDECIDED}
        )
        lifetimes = (*self._lifetimes(objects, verdicts, asked),)
        return Process(
            about=self.about,
            requests=tuple(
                sorted(
                    (one for number, one in self.requests.items() if number >= oldest),
                    key=lambda request: request.number,
                )
            ),
            served=self.served,
            lifetimes=lifetimes,
            ledger=() if drawn else (*self._ledger(verdicts),),
            fates=_fates(drawn or self.requests.values(), lifetimes),
            barriers=tuple(self.barriers),
            threads=dict(self.threads),
            ended=self.ended,
            boot=self.boot,
            heard=max(self.heard, self.about.begun),
        )

    def _shown_by(self, drawn: Sequence[Request]) -> dict[int, Individual]:
        """The objects that timelines show."""
        tokens = {birth.token for request in drawn for birth in request.births}
        tokens.update(span.object for request in drawn for span in request.spans if span.object)
        return {token: known for token in tokens if (known := self._objects.get(token))}

    def living(self) -> list[Birth]:
        """Return the births of all objects remembered one by one that are not known to be dead."""
        alive = (known for known in self._objects.values() if known.death is None)
        return [replace(known.birth, name=known.name) for known in alive]

    def _lifetimes(
        self,
        objects: Mapping[int, Individual],
        verdicts: Mapping[int, str],
        asked: Set[int],
    ) -> Iterable[Lifetime]:
        earlier = self._earlier_scopes(asked, verdicts)
        for token, known in _in_order_of_birth(objects):
            birth = known.birth
            yield Lifetime(
                id=token,
                name=known.name,
                cls=birth.cls,
                kind=birth.kind,
                scope=verdicts[token],
                phase=birth.phase,
                built_in=known.built_in,
                built_at=birth.at,
                requests=known.requests,
                first_request=known.first,
                last_request=known.last,
                thread=birth.thread,
                threads=len(known.threads),
                freed=known.freed or ("process" if self.ended else None),
                freed_after=self._freed_after(known),
                freed_in=known.freed_in if known.death else None,
                died_at=known.death.at if known.death else None,
                held_by=known.held_by,
                resource=birth.owner is not None,
                survived=known.survived,
                owner=birth.owner,
                mortal=birth.mortal,
                earlier=earlier.get(token),
            )

    def _earlier_scopes(self, asked: Set[int], verdicts: Mapping[int, str]) -> dict[int, str]:
        """Of each object that is asked for, what most earlier ones of its name turned out to be."""
        if not asked:
            return {}
        alike: dict[tuple[str, str], dict[int, Individual]] = {
            _named(self._objects[token]): {} for token in asked
        }
        for token, known in self._objects.items():
            group = alike.get(_named(known))
            if group is not None:
                group[token] = known
        found = {}
        for name, group in alike.items():
            before = Counter(self._earlier.get(name))
            most, lead = _lead(before)
            if lead > len(group):
                # Whatever these turn out to be.
                found.update(dict.fromkeys(group.keys() & asked, most))
                continue
            for token, known in _in_order_of_birth(group):
                if before and token in asked:
                    found[token] = _lead(before)[0]
                verdict = verdicts.get(token) or self._scope(known)
                if verdict != scope.UNDECIDED:
                    before[verdict] += 1
        return found

    def _freed_after(self, known: Individual) -> int | None:
        if known.death is None:
            return None
        return max(0, known.freed_in - (known.built_in or 0))

    def _ledger(self, verdicts: dict[int, str]) -> Iterable[LedgerRow]:
        scopes = {key: Counter(row.scopes) for key, row in self._rows.items()}
        freed = {key: Counter(row.freed) for key, row in self._rows.items()}
        alive: Counter[tuple[str, str]] = Counter()
        for token, known in self._objects.items():
            key = known.birth.kind, known.birth.cls
            scopes[key][verdicts[token]] += 1
            if known.freed:
                freed[key][known.freed] += 1
            else:
                alive[key] += 1
        for key, row in self._rows.items():
            yield LedgerRow(
                name=row.name,
                cls=row.cls,
                kind=row.kind,
                built=row.built,
                alive=alive[key],
                scopes=dict(scopes[key]),
                freed=dict(freed[key]),
                first_phase=row.phase,
                first_built=row.first,
                requests=row.requests,
            )


def _named(known: Individual) -> tuple[str, str]:
    return known.birth.kind, known.name


def _lead(counts: Counter[str]) -> tuple[str, int]:
    """Which of them was counted most often, and by how much more than the next."""
    if not counts:
        return "", 0
    most = max(counts, key=counts.__getitem__)
    return most, counts[most] - max((n for each, n in counts.items() if each != most), default=0)


def _in_order_of_birth(objects: Mapping[int, Individual]) -> list[tuple[int, Individual]]:
    return sorted(objects.items(), key=lambda item: (item[1].birth.at, item[0]))


def _fates(requests: Iterable[Request], lifetimes: Iterable[Lifetime]) -> dict[int, Fate]:
    by_request: dict[int, list[Lifetime]] = {request.number: [] for request in requests}
    for life in lifetimes:
        if life.built_in in by_request:
            by_request[life.built_in].append(life)
    return {number: _fate(lives) for number, lives in by_request.items()}


def _fate(lives: list[Lifetime]) -> Fate:
    alive = [life for life in lives if life.died_at is None]
    return Fate(
        born=len(lives),
        freed_with_response=sum(
            1 for life in lives if life.freed == "response" and life.freed_after == 0
        ),
        freed_by_collector=sum(1 for life in lives if life.freed == "collector"),
        waiting=tuple(
            [life.name for life in alive if life.scope == scope.UNDECIDED and life.requests <= 1]
        ),
        kept=tuple([life.name for life in lives if life.scope == scope.KEPT]),
        stayed=tuple(
            [
                life.name
                for life in alive
                if life.scope != scope.KEPT and (life.scope != scope.UNDECIDED or life.requests > 1)
            ]
        ),
    )
