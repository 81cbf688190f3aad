"""Makes lifetimes, ledger rows and fates of what a history remembers.

Tuples are made of lists here, for the reason that `tracer.model.assemble` gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tracer.model import scope
from tracer.model.assemble import name_of
from tracer.model.known import KnownFindings
from tracer.model.object_log import ObjectLog
from tracer.model.objects import TrackedObject
from tracer.model.process import Fate, LedgerRow, Lifetime
from tracer.model.requests import Request

LASTING: Final = frozenset({scope.PROCESS, scope.THREAD, scope.CONNECTION, scope.REQUEST})
"""Scopes of living objects of which it is known why they live."""


def lifetimes_and_ledger(
    log: ObjectLog, drawn: Sequence[Request], ended: bool, known: KnownFindings
) -> tuple[tuple[Lifetime, ...], tuple[LedgerRow, ...]]:
    """Returns lifetimes in order of birth, and the ledger's rows.

    With `drawn`, these are the objects that the timelines of these requests show, and no row.
    """
    objects = _shown_by(log, drawn) if drawn else log.store.all()
    verdicts = {token: log.scope(known) for token, known in objects.items()}
    earlier = _earlier_scopes(log, objects, verdicts)
    lifetimes = [
        _lifetime(log, each, verdicts[token], earlier.get(token), ended)
        for token, each in _in_order_of_birth(objects)
    ]
    if known.entries:
        lifetimes = [
            life._replace(known=known.reason(life.spot)) if life.scope == scope.KEPT else life
            for life in lifetimes
        ]
    ledger = [] if drawn else [*_ledger_rows(log, objects, verdicts)]
    return tuple(lifetimes), tuple(ledger)


def _shown_by(log: ObjectLog, drawn: Sequence[Request]) -> dict[int, TrackedObject]:
    """Returns the objects that the timelines of these requests show."""
    tokens = {span.object for request in drawn for span in request.spans if span.object}
    numbers = {request.number for request in drawn}
    found = {
        token: log.store.made(recorded, index)
        for recorded, index, token in log.store.untracked(numbers)
    }
    tokens.update(birth.token for request in drawn for birth in request.births)
    found.update({token: known for token in tokens if (known := log.tracked.get(token))})
    return found


def _earlier_scopes(
    log: ObjectLog, objects: Mapping[int, TrackedObject], verdicts: Mapping[int, str]
) -> dict[int, str]:
    """Returns for each undecided object the scope that most earlier ones of its name had."""
    wanted = {token for token, verdict in verdicts.items() if verdict == scope.UNDECIDED}
    if not wanted:
        return {}
    alike: dict[tuple[str, str], dict[int, TrackedObject]] = {
        _kind_and_name(objects[token]): {} for token in wanted
    }
    for token, known in {**log.tracked, **objects}.items():
        group = alike.get(_kind_and_name(known))
        if group is not None:
            group[token] = known
    for recorded, index, token in log.store.untracked():
        if token in objects:
            continue
        what = recorded.kinds[index]
        group = alike.get((what[0], name_of(what)))
        if group is not None:
            group[token] = log.store.made(recorded, index)
    found = {}
    for name, group in alike.items():
        before = Counter(log.ledger.earlier.get(name))
        most, lead = _most(before)
        if lead > len(group):
            # The scopes of this group cannot change which is the most frequent.
            found.update(dict.fromkeys(group.keys() & wanted, most))
            continue
        for token, known in _in_order_of_birth(group):
            if before and token in wanted:
                found[token] = _most(before)[0]
            verdict = verdicts.get(token) or log.scope(known)
            if verdict != scope.UNDECIDED:
                before[verdict] += 1
    return found


def _kind_and_name(known: TrackedObject) -> tuple[str, str]:
    return known.birth.kind, known.name


def _most(counts: Counter[str]) -> tuple[str, int]:
    """Returns what was counted most often, and by how much more than the next."""
    if not counts:
        return "", 0
    most = max(counts, key=counts.__getitem__)
    return most, counts[most] - max((n for each, n in counts.items() if each != most), default=0)


def _in_order_of_birth(objects: Mapping[int, TrackedObject]) -> list[tuple[int, TrackedObject]]:
    return sorted(objects.items(), key=lambda item: (item[1].birth.at, item[0]))


def _lifetime(
    log: ObjectLog, known: TrackedObject, verdict: str, earlier: str | None, ended: bool
) -> Lifetime:
    birth, death, held = known.birth, known.death, known.held
    return Lifetime(
        id=birth.token,
        name=known.name,
        cls=birth.cls,
        kind=birth.kind,
        scope=verdict,
        phase=birth.phase,
        built_in=known.built_in,
        built_at=birth.at,
        requests=known.requests,
        first_request=known.first,
        last_request=known.last,
        thread=birth.thread,
        threads=len(known.threads) + known.threads_ended,
        freed=known.freed or ("process" if ended else None),
        freed_after=max(0, known.freed_in - (known.built_in or 0)) if death else None,
        freed_in=known.freed_in if death else None,
        died_at=death.at if death else None,
        held_by=held.path if held else None,
        resource=birth.owner is not None,
        survived=log.barriers.survived(known),
        owner=birth.owner,
        mortal=birth.mortal,
        spot=held.spot if held else log.spots.kept_at(known),
        root=held.root if held else "",
        is_held=known.is_held,
        held_thread=held.thread if held else 0,
        keyed=held.keyed if held else False,
        one_at_a_time=verdict == scope.KEPT and log.spots.is_one_at_a_time(known),
        by_import=known.by_import,
        outlived_by=_outlived_by(log, known),
        earlier=earlier,
    )


def _outlived_by(log: ObjectLog, known: TrackedObject) -> int:
    """Returns how many requests began after an object's own had closed, and while it was there.

    For one that lives, at most as many as the beginnings that are remembered.
    """
    if known.built_in is None or known.death is not None:
        return known.outlived_by
    return log.requests.begun_between(known.closed)


def _ledger_rows(
    log: ObjectLog, objects: Mapping[int, TrackedObject], verdicts: Mapping[int, str]
) -> Iterator[LedgerRow]:
    """Yields the row of each class: forgotten objects and remembered ones, counted together."""
    classes = log.ledger.classes
    scopes = {key: Counter(counts.scopes) for key, counts in classes.items()}
    freed = {key: Counter(counts.freed) for key, counts in classes.items()}
    alive: Counter[tuple[str, str]] = Counter()
    for token, known in objects.items():
        key = known.birth.kind, known.birth.cls
        scopes[key][verdicts[token]] += 1
        if known.freed is not None:
            freed[key][known.freed] += 1
        else:
            alive[key] += 1
    for key, counts in classes.items():
        yield LedgerRow(
            name=counts.name,
            cls=counts.cls,
            kind=counts.kind,
            built=counts.built,
            alive=alive[key],
            scopes={each: scopes[key][each] for each in scope.SCOPES if scopes[key][each]},
            freed=dict(freed[key]),
            first_phase=counts.phase,
            first_built=counts.first,
            requests=counts.requests,
        )


def fates_of(numbers: Iterable[int], lifetimes: Iterable[Lifetime]) -> dict[int, Fate]:
    """Returns for each request, by number, what became of the objects built in it."""
    by_request: dict[int, list[Lifetime]] = {number: [] for number in numbers}
    for life in lifetimes:
        if life.built_in in by_request:
            by_request[life.built_in].append(life)
    return {number: _fate(lives) for number, lives in by_request.items()}


def _fate(lives: list[Lifetime]) -> Fate:
    alive = [life for life in lives if life.died_at is None]
    freed = Counter(life.freed for life in lives if life.died_at is not None)
    return Fate(
        born=len(lives),
        freed_with_response=freed["response"],
        freed_by_collector=freed["collector"],
        freed_late=freed["later"] + freed["owner"] + freed["thread"],
        waiting=tuple([life.name for life in alive if life.scope == scope.UNDECIDED]),
        kept=tuple([life.name for life in alive if life.scope == scope.KEPT and not life.known]),
        stayed=tuple([life.name for life in alive if life.known or life.scope in LASTING]),
    )
