"""From lifetimes to the rows of the lifelines: alike objects share a row, equal ones are counted.

Objects of one name and one fate form a group. Those of a group that ended together are a cohort,
drawn as one line; cohorts that do not overlap share a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Lifetime, Process, scope
from tracer.render.layout.lifeline_columns import CUT, Columns
from tracer.render.layout.theme import TIMES

FOLD: Final = 3
"""So many rows that differ in name alone are drawn as one."""


@dataclass(slots=True)
class Cohort:
    """Objects that ended together, or live on together."""

    births: dict[int, int]
    """Column to number of objects born in it."""
    end: int | None
    used: set[int]
    """Columns whose requests used any of them."""

    @property
    def start(self) -> int:
        """The column of the first birth."""
        return min(self.births)


@dataclass(slots=True)
class Row:
    """One row: a name, some lines, and the objects they stand for."""

    label: str
    lives: list[Lifetime]
    cohorts: list[Cohort] = field(default_factory=list)
    depth: int = 0

    @property
    def scope(self) -> str:
        """The scope that all objects of the row have."""
        return self.lives[0].scope

    @property
    def alone(self) -> bool:
        """Whether every line stands for one object, so that no count is needed."""
        return len(self.lives) == len(self.cohorts)


def rows(process: Process, columns: Columns) -> tuple[list[Row], int]:
    """Returns the rows in the order in which they are drawn, and how many objects have none.

    Without a row is what lived and died before the first request that is shown.
    """
    groups: dict[tuple[object, ...], list[Lifetime]] = {}
    gone = 0
    cut = columns.heads[columns.first - 1] == CUT
    for life in process.lifetimes:
        end = columns.of_death(life)
        if cut and end is not None and end < columns.first:
            gone += 1
            continue
        fate = life.freed if life.scope == scope.REQUEST else ""
        groups.setdefault((life.scope, life.kind, life.name, fate), []).append(life)
    used = _sightings(process, columns)
    found = [row for lives in groups.values() for row in _lanes(lives, columns, used)]
    found = _folded(_held_together(found))
    rank = {verdict: index for index, verdict in enumerate(scope.SCOPES)}
    found.sort(key=lambda row: (rank[row.scope], row.cohorts[0].start, row.lives[0].built_at))
    return _owned(found, process), gone


def _sightings(process: Process, columns: Columns) -> dict[int, set[int]]:
    """Returns object id to the columns whose requests used it or gave birth to it."""
    found: dict[int, set[int]] = {}
    shown = set(columns.numbers)
    for request in process.requests:
        if request.number in shown:
            column = columns.of_request(request.number)
            for token, _ in request.seen:
                found.setdefault(token, set()).add(column)
            for birth in request.births:
                found.setdefault(birth.token, set()).add(column)
    return found


def _lanes(lives: list[Lifetime], columns: Columns, used: dict[int, set[int]]) -> Iterable[Row]:
    """Returns as few rows as hold a group's cohorts without overlap."""
    together: dict[int | None, list[Lifetime]] = {}
    for life in lives:
        together.setdefault(columns.of_death(life), []).append(life)
    lanes: list[Row] = []
    for end, members in sorted(
        together.items(), key=lambda item: min(map(columns.of_birth, item[1]))
    ):
        births: dict[int, int] = {}
        for life in members:
            column = columns.of_birth(life)
            births[column] = births.get(column, 0) + 1
        seen: set[int] = set().union(*(used.get(life.id, ()) for life in members))
        cohort = Cohort(births, end, seen)
        for row in lanes:
            last = row.cohorts[-1].end
            if last is not None and last < cohort.start:
                break
        else:
            row = Row(lives[0].name, [])
            lanes.append(row)
        row.cohorts.append(cohort)
        row.lives.extend(members)
    return lanes


def _held_together(found: list[Row]) -> list[Row]:
    """Draws what was kept together as one row: a kept request keeps all that hangs on it.

    Together are rows whose objects were born and ended alike, and were held through one of them
    or, where no holder is known any more, died in one and the same collection.
    """
    alike: dict[tuple[object, ...], list[Row]] = {}
    for index, row in enumerate(found):
        key: tuple[object, ...] = (index,)
        if row.scope == scope.KEPT and len(row.cohorts) == 1:
            cohort = row.cohorts[0]
            key = tuple(sorted(cohort.births.items())), cohort.end
        alike.setdefault(key, []).append(row)
    return [row for same in alike.values() for row in _under_one(same)]


def _under_one(same: list[Row]) -> list[Row]:
    """Folds the rows that the one with the shortest holder leads to; leave the others."""
    if len(same) == 1:
        return same
    lead = min(same, key=lambda row: (len(_holder(row) or "?" * 200), row.lives[0].id))
    within = [row for row in same if row is not lead and _hangs_on(row, lead)]
    if not within:
        return same
    objects = sum(len(row.lives) for row in within)
    count = "" if lead.alone else f" {TIMES} {len(lead.lives)}"
    merged = Row(f"{lead.label}{count} + {objects}", lead.lives, lead.cohorts)
    kept = {id(row) for row in (lead, *within)}
    return [merged, *(row for row in same if id(row) not in kept)]


def _hangs_on(row: Row, lead: Row) -> bool:
    """Whether what holds the lead leads to this row's objects too, or all died at one time."""
    path = _holder(lead)
    if path:
        return _holder(row).startswith(path)
    ends = {life.died_at for life in (*row.lives, *lead.lives)}
    return len(ends) == 1 and None not in ends


def _holder(row: Row) -> str:
    """The shortest holder of a row's objects; empty where none was found."""
    return min((life.held_by for life in row.lives if life.held_by), key=len, default="")


def _folded(found: list[Row]) -> list[Row]:
    """Draws rows of one kind as one, where nothing but their names tells them apart."""
    alike: dict[tuple[object, ...], list[Row]] = {}
    for index, row in enumerate(found):
        key: tuple[object, ...] = (index,)
        cohort = row.cohorts[0]
        if len(row.cohorts) == 1 and len(cohort.births) == 1 and row.scope != scope.KEPT:
            key = row.scope, cohort.start, cohort.end
            # What no request used yet has no story to tell apart.
            if row.scope != scope.UNDECIDED or row.lives[0].requests:
                key = *key, row.lives[0].kind
        alike.setdefault(key, []).append(row)
    return [
        each for same in alike.values() for each in (_merge(same) if same[FOLD - 1 :] else same)
    ]


def _merge(same: list[Row]) -> list[Row]:
    lives = [life for row in same for life in row.lives]
    words = {life.name.partition(" ")[0] for life in lives}
    start, end = same[0].cohorts[0].start, same[0].cohorts[0].end
    used: set[int] = set().union(*(row.cohorts[0].used for row in same))
    cohort = Cohort({start: len(lives)}, end, used)
    if len(words) == 1:
        return [Row(words.pop(), lives, [cohort])]
    # No one word fits them all: the first is named and the others are counted.
    return [Row(f"{same[0].label} + {len(lives) - 1}", lives, [cohort])]


def _owned(found: list[Row], process: Process) -> list[Row]:
    """Puts a resource's row below the row of the object that owns it."""
    owners = {life.id: life.owner for life in process.lifetimes if life.owner is not None}
    home = {life.id: row for row in found for life in row.lives}
    below: dict[int, list[Row]] = {}
    top = []
    for row in found:
        owner = home.get(owners.get(row.lives[0].id, -1))
        if owner is None or owner is row or owner.lives[0].id in owners:
            top.append(row)
        else:
            row.depth = 1
            below.setdefault(id(owner), []).append(row)
    return [each for row in top for each in (row, *below.get(id(row), ()))]


def _told(row: Row) -> tuple[int, int, int, int]:
    """How much a row has to tell: by use, by lines, by objects, and how early it stood."""
    used = max(life.requests for life in row.lives)
    return used, len(row.cohorts), len(row.lives), -row.lives[0].built_at


def select(found: list[Row], limit: int) -> tuple[list[Row], list[Row]]:
    """Returns the rows to draw and the rows to count.

    The fullest scopes give up theirs first, those that tell least.
    """
    counts = Counter(row.scope for row in found)

    def weight(verdict: str) -> tuple[bool, float]:
        # Kept objects are what the picture is for, undecided ones are not.
        often = counts[verdict] * (2 if verdict == scope.UNDECIDED else 1)
        return verdict != scope.KEPT and counts[verdict] > 1, often

    for _ in range(len(found) - limit):
        counts[max(counts, key=weight)] -= 1
    hidden: set[int] = set()
    for verdict, count in counts.items():
        rows = [row for row in found if row.scope == verdict]
        rows.sort(key=_told, reverse=True)
        hidden.update(id(row) for row in rows[count:])
    return (
        [row for row in found if id(row) not in hidden],
        [row for row in found if id(row) in hidden],
    )
