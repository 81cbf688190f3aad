"""The rows of the lifelines: objects that lived alike share a row, and are counted.

Objects of one kind, name and scope form a group. Those of a group that died in the same column
form a cohort, which is drawn as one line. Cohorts that do not overlap share a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Lifetime, Process, scope
from tracer.render.layout.lifeline_columns import LifelineColumns
from tracer.render.layout.theme import TIMES

FOLD: Final = 3
"""From so many rows on, rows that differ in name alone are drawn as one."""


@dataclass(slots=True)
class Cohort:
    """Objects that died in the same column, or all live on."""

    births: dict[int, int]
    """Column to number of objects born in it."""
    end: int | None
    """Column in which they died; None while they live."""
    used: set[int]
    """Columns whose requests used any of them."""

    @property
    def start(self) -> int:
        """The column of the first birth."""
        return min(self.births)


@dataclass(slots=True)
class LifelineRow:
    """One row: a name, some lines, and the objects for which they stand."""

    label: str
    lives: list[Lifetime]
    cohorts: list[Cohort] = field(default_factory=list)
    depth: int = 0
    """1 for a row below that of its owner."""

    @property
    def scope(self) -> str:
        """The scope that all objects of the row have."""
        return self.lives[0].scope

    @property
    def is_counted(self) -> bool:
        """Whether a line stands for several objects, so that the label needs a count."""
        return len(self.lives) != len(self.cohorts)


def build_rows(process: Process, columns: LifelineColumns) -> tuple[list[LifelineRow], int]:
    """Returns the rows in the order in which they are drawn, and how many objects have none.

    Objects that died before the first request with a column have no row.
    """
    births = {life.id: columns.of_birth(life) for life in process.lifetimes}
    ends = {life.id: columns.of_death(life, births[life.id]) for life in process.lifetimes}
    groups: dict[tuple[object, ...], list[Lifetime]] = {}
    gone = 0
    for life in process.lifetimes:
        end = ends[life.id]
        if columns.has_omitted and end is not None and end < columns.first:
            gone += 1
            continue
        groups.setdefault((life.scope, life.kind, life.name, _alike(life)), []).append(life)
    used = _columns_of_use(process, columns)
    found = [
        row
        for lives in groups.values()
        for row in _without_overlap(_cohorts(lives, births, ends, used))
    ]
    found = _fold_alike(_merge_held_together(found))
    rank = {verdict: index for index, verdict in enumerate(scope.SCOPES)}
    found.sort(key=lambda row: (rank[row.scope], row.cohorts[0].start, row.lives[0].built_at))
    return _below_owners(found, process), gone


def _alike(life: Lifetime) -> tuple[object, ...]:
    """Returns what the objects of one row have in common besides scope, kind and name.

    The row's sentence is told of all of them, so all that it says must be true of each.
    """
    dead = life.died_at is not None
    match life.scope:
        case scope.REQUEST:
            return life.freed == "collector", dead and life.outlived_by > 0
        case scope.KEPT:
            return life.one_at_a_time, life.spot, life.known
        case scope.PROCESS | scope.THREAD:
            return life.by_import, dead, life.freed == "thread", life.root == "running"
    return dead, life.root, life.survived, life.mortal


def _columns_of_use(process: Process, columns: LifelineColumns) -> dict[int, set[int]]:
    """Returns for each object, by id, the columns whose requests built or used it."""
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


def _cohorts(
    lives: Sequence[Lifetime],
    births: Mapping[int, int],
    ends: Mapping[int, int | None],
    used: Mapping[int, set[int]],
) -> list[tuple[Cohort, list[Lifetime]]]:
    """Returns the cohorts of a group, each with its objects, in order of their first birth."""
    together: dict[int | None, list[Lifetime]] = {}
    for life in lives:
        together.setdefault(ends[life.id], []).append(life)
    found = []
    for end, members in together.items():
        born = Counter(births[life.id] for life in members)
        seen: set[int] = set().union(*(used.get(life.id, ()) for life in members))
        found.append((Cohort(dict(born), end, seen), members))
    found.sort(key=lambda each: each[0].start)
    return found


def _without_overlap(cohorts: Sequence[tuple[Cohort, list[Lifetime]]]) -> list[LifelineRow]:
    """Returns as few rows as hold a group's cohorts without overlap."""
    found: list[LifelineRow] = []
    for cohort, members in cohorts:
        for row in found:
            last = row.cohorts[-1].end
            if last is not None and last < cohort.start:
                break
        else:
            row = LifelineRow(members[0].name, [])
            found.append(row)
        row.cohorts.append(cohort)
        row.lives.extend(members)
    return found


def _merge_held_together(found: list[LifelineRow]) -> list[LifelineRow]:
    """Merges rows of kept objects that are held together, as all objects of a kept request are.

    Their objects were born and died alike, and one of them leads to the others.
    """
    alike: dict[tuple[object, ...], list[LifelineRow]] = {}
    for index, row in enumerate(found):
        key: tuple[object, ...] = (index,)
        if row.scope == scope.KEPT and len(row.cohorts) == 1:
            cohort = row.cohorts[0]
            key = tuple(sorted(cohort.births.items())), cohort.end
        alike.setdefault(key, []).append(row)
    return [row for same in alike.values() for row in _merge_below_first(same)]


def _merge_below_first(same: list[LifelineRow]) -> list[LifelineRow]:
    """Merges the row whose holder has the shortest path with those to which that one leads."""
    if len(same) == 1:
        return same
    lead = min(same, key=lambda row: (len(_holder(row) or "?" * 200), row.lives[0].id))
    within = [row for row in same if row is not lead and _is_held_through(row, lead)]
    if not within:
        return same
    objects = sum(len(row.lives) for row in within)
    count = f" {TIMES} {len(lead.lives)}" if lead.is_counted else ""
    merged = LifelineRow(f"{lead.label}{count} + {objects}", lead.lives, lead.cohorts)
    kept = {id(row) for row in (lead, *within)}
    return [merged, *(row for row in same if id(row) not in kept)]


def _is_held_through(row: LifelineRow, lead: LifelineRow) -> bool:
    """Whether the lead's objects hold this row's."""
    spot = _holder(lead)
    return spot != "" and _holder(row).startswith((f"{spot}.", f"{spot}["))


def _holder(row: LifelineRow) -> str:
    """Returns the spot of a row's objects; empty if no walk found them held."""
    return row.lives[0].spot


def _fold_alike(found: list[LifelineRow]) -> list[LifelineRow]:
    """Merges rows of one kind that differ in their names alone."""
    alike: dict[tuple[object, ...], list[LifelineRow]] = {}
    for index, row in enumerate(found):
        key: tuple[object, ...] = (index,)
        cohort = row.cohorts[0]
        if len(row.cohorts) == 1 and len(cohort.births) == 1 and row.scope != scope.KEPT:
            key = row.scope, cohort.start, cohort.end, _alike(row.lives[0])
            # Undecided objects that no request used are merged whatever their kind.
            if row.scope != scope.UNDECIDED or row.lives[0].requests:
                key = *key, row.lives[0].kind
        alike.setdefault(key, []).append(row)
    return [
        each for same in alike.values() for each in (_merge(same) if same[FOLD - 1 :] else same)
    ]


def _merge(same: list[LifelineRow]) -> list[LifelineRow]:
    lives = [life for row in same for life in row.lives]
    words = {life.name.partition(" ")[0] for life in lives}
    start, end = same[0].cohorts[0].start, same[0].cohorts[0].end
    used: set[int] = set().union(*(row.cohorts[0].used for row in same))
    cohort = Cohort({start: len(lives)}, end, used)
    if len(words) == 1:
        return [LifelineRow(words.pop(), lives, [cohort])]
    # The names have no first word in common: the first is shown and the others are counted.
    return [LifelineRow(f"{same[0].label} + {len(lives) - 1}", lives, [cohort])]


def _below_owners(found: list[LifelineRow], process: Process) -> list[LifelineRow]:
    """Puts the row of a resource below the row of the object that owns it."""
    owners = {life.id: life.owner for life in process.lifetimes if life.owner is not None}
    home = {life.id: row for row in found for life in row.lives}
    below: dict[int, list[LifelineRow]] = {}
    top = []
    for row in found:
        owner = home.get(owners.get(row.lives[0].id, -1))
        if owner is None or owner is row or owner.lives[0].id in owners:
            top.append(row)
        else:
            row.depth = 1
            below.setdefault(id(owner), []).append(row)
    return [each for row in top for each in (row, *below.get(id(row), ()))]


def select_rows(
    found: list[LifelineRow], limit: int
) -> tuple[list[LifelineRow], list[LifelineRow]]:
    """Returns the rows to draw and the rows to count.

    The scopes with the most rows lose theirs first, and of these the rows that show least.
    """
    counts = Counter(row.scope for row in found)

    def weight(verdict: str) -> tuple[bool, float]:
        # The picture is drawn to show kept objects; undecided ones matter least.
        often = counts[verdict] * (2 if verdict == scope.UNDECIDED else 1)
        return verdict != scope.KEPT and counts[verdict] > 1, often

    for _ in range(len(found) - limit):
        counts[max(counts, key=weight)] -= 1
    hidden: set[int] = set()
    for verdict, count in counts.items():
        rows = [row for row in found if row.scope == verdict]
        rows.sort(key=_importance, reverse=True)
        hidden.update(id(row) for row in rows[count:])
    return (
        [row for row in found if id(row) not in hidden],
        [row for row in found if id(row) in hidden],
    )


def _importance(row: LifelineRow) -> tuple[int, int, int, int]:
    """Returns a sort key: uses, then lines, then objects; of equal rows the older is greater."""
    used = max(life.requests for life in row.lives)
    return used, len(row.cohorts), len(row.lives), -row.lives[0].built_at
