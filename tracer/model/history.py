"""Answers from what is known of a process: its lifetimes, its ledger, the fate of its requests.

`History.feed` takes facts in the order in which they were reported (see `tracer.model.memory`);
`History.snapshot` answers with a frozen `Process` at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tracer.model import scope
from tracer.model.facts import Birth
from tracer.model.memory import Memory
from tracer.model.process import Fate, LedgerRow, Lifetime, Process
from tracer.model.records import Individual


class History(Memory):
    """The story of one process. Not thread-safe: feed and read it from one thread."""

    def snapshot(self) -> Process:
        """Return the process as the facts so far show it."""
        if self.about is None:
            raise ValueError("no ProcessStarted fact was fed: a process must say who it is first")
        verdicts = {token: self._scope(known) for token, known in self._objects.items()}
        lifetimes = tuple(self._lifetimes(verdicts))
        return Process(
            about=self.about,
            requests=tuple(sorted(self.requests.values(), key=lambda request: request.number)),
            served=self.served,
            lifetimes=lifetimes,
            ledger=tuple(self._ledger(verdicts)),
            fates=self._all_fates(lifetimes),
            barriers=tuple(self.barriers),
            threads=dict(self.threads),
            ended=self.ended,
            boot=self.boot,
            heard=max(self.heard, self.about.begun),
        )

    def living(self) -> list[Birth]:
        """Return the births of all objects remembered one by one that are not known to be dead."""
        alive = (known for known in self._objects.values() if known.death is None)
        return [replace(known.birth, name=known.name) for known in alive]

    def _lifetimes(self, verdicts: dict[int, str]) -> Iterable[Lifetime]:
        earlier = {key: Counter(counts) for key, counts in self._earlier.items()}
        ordered = sorted(self._objects.items(), key=lambda item: (item[1].birth.at, item[0]))
        for token, known in ordered:
            birth = known.birth
            before = earlier.setdefault((birth.kind, known.name), Counter())
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
                earlier=before.most_common(1)[0][0] if before else None,
            )
            if verdicts[token] != scope.UNDECIDED:
                before[verdicts[token]] += 1

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

    def _all_fates(self, lifetimes: tuple[Lifetime, ...]) -> dict[int, Fate]:
        by_request: dict[int, list[Lifetime]] = {number: [] for number in self.requests}
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
            life.name for life in alive if life.scope == scope.UNDECIDED and life.requests <= 1
        ),
        kept=tuple(life.name for life in lives if life.scope == scope.KEPT),
        stayed=tuple(
            life.name
            for life in alive
            if life.scope != scope.KEPT and (life.scope != scope.UNDECIDED or life.requests > 1)
        ),
    )
