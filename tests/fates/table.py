"""The table: a row for each kind of object, a column for each way of serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.fates.verdicts import IN_A_VARIABLE, OPEN, RIGHT, TOO_SELDOM, WRONG, Verdict

LEGEND: Final = (
    "5 right · 5? undecided · 5! wrong · 5- no verdict expected: only a variable of a running "
    "function holds them, or too few requests left one"
)
_MARKS: Final = {RIGHT: "", OPEN: "?", WRONG: "!", IN_A_VARIABLE: "-", TOO_SELDOM: "-"}


@dataclass(frozen=True, slots=True)
class Column:
    """One way of serving, and its verdicts at one time."""

    name: str
    verdicts: Sequence[Verdict]


def lines(columns: Sequence[Column], width: int) -> Iterator[str]:
    """Yields the table; of more columns than there is room for, the rest stands below."""
    rows = sorted({each.row for column in columns for each in column.verdicts}, key=str.lower)
    counts = [_counted(column) for column in columns]
    first = max((len(row) for row in rows), default=0) + 1
    widths = [
        max(len(column.name), *(len(cell) for cell in cells.values()), 0) + 1
        for column, cells in zip(columns, counts, strict=True)
    ]
    begin = 0
    while begin < len(columns):
        end, used = begin, first
        while end < len(columns) and (end == begin or used + widths[end] <= width):
            used += widths[end]
            end += 1
        part = range(begin, end)
        yield " " * first + "".join(columns[index].name.rjust(widths[index]) for index in part)
        for row in rows:
            cells = "".join(counts[index].get(row, "").rjust(widths[index]) for index in part)
            yield row.ljust(first) + cells
        yield ""
        begin = end


def _counted(column: Column) -> dict[str, str]:
    """Returns each row's cell, such as "12 3? 1!"."""
    counts: dict[str, Counter[str]] = {}
    for each in column.verdicts:
        counts.setdefault(each.row, Counter())[_MARKS[each.outcome]] += 1
    return {
        row: " ".join(f"{count[mark]}{mark}" for mark in ("", "?", "!", "-") if count[mark])
        for row, count in counts.items()
    }


def open_rows(verdicts: Sequence[Verdict]) -> list[str]:
    """Returns the kinds of objects of which more than half are undecided.

    Of all verdicts most are about requests and what hangs on them; a share of them alone would not
    show that every singleton is undecided.
    """
    asked = Counter(each.row for each in verdicts if each.outcome in (RIGHT, OPEN, WRONG))
    undecided = Counter(each.row for each in verdicts if each.outcome == OPEN)
    return sorted(row for row, count in undecided.items() if 2 * count > asked[row])


def totals(columns: Sequence[Column]) -> Iterator[str]:
    """Yields one line for each way of serving, and one for all."""
    name = max([len(column.name) for column in columns], default=0)
    for column in (*columns, Column("all", [v for c in columns for v in c.verdicts])):
        found = Counter(each.outcome for each in column.verdicts)
        decided = found[RIGHT] + found[WRONG] + found[OPEN]
        share = 100 * found[OPEN] / decided if decided else 0.0
        yield (
            f"{column.name.ljust(max(name, 3))} {decided:7,} verdicts {found[WRONG]:5,} wrong "
            f"{found[OPEN]:5,} undecided ({share:.1f} %, "
            f"{len(open_rows(column.verdicts))} kinds mostly) · apart: {found[IN_A_VARIABLE]} in a "
            f"variable, {found[TOO_SELDOM]} too seldom"
        )


def complaints(column: Column, outcome: str) -> Iterator[str]:
    """Yields a line for each kind of verdict of this outcome."""
    found = Counter(
        (each.row, each.got, each.expected, each.where, each.held_by)
        for each in column.verdicts
        if each.outcome == outcome
    )
    for (row, got, expected, where, held_by), count in sorted(found.items()):
        holder = f" · held by {held_by}" if held_by else ""
        yield f"{column.name}: {count} of {row}, {where}: {got}, is {expected}{holder}"
