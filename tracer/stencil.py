"""The line of requests that are alike in all but times and tokens, with places left for these.

Most requests to a view are: the same stages in the same order, objects of the same classes, the
same longer-lived objects used. Whether one is, is asked of everything that its line would say; the
line is then filled in for a third of what it takes to write it anew. The collector comes where it
comes, so its collections are no part of what is compared: they are put in between.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from weakref import ref

from tracer.recorder.trace import Trace, What


class Sight(NamedTuple):
    """What can be seen of a request at one glance, without the times."""

    kinds: list[str]
    labels: list[Any]
    whats: list[What]
    seen: list[int]
    standing: Sequence[int]
    words: tuple[Any, ...]
    """Whatever else the line says that is neither a time nor a token."""


class Row(NamedTuple):
    """What a stage says, with places for numbers."""

    head: str
    """Up to its parent."""
    parent: int | None
    """Place, among the rows, of the stage around it."""
    rest: str


class Between(NamedTuple):
    """A stage of which nothing is told but when it was, as a collection."""

    start: int
    end: int
    head: str
    """What it says up to its parent."""
    rest: str


class Form:
    """A line with places for numbers; other stages can be put in between those it tells."""

    def __init__(self, head: str, rows: list[Row], tail: str) -> None:
        self.head = head
        self.rows = rows
        self.tail = tail
        self.texts = [*map(written, rows)]
        self.text = self._line(self.texts)

    def _line(self, texts: list[str]) -> str:
        return f"{self.head}{','.join(texts)}{self.tail}"

    def with_between(
        self, between: Sequence[Between], began: Sequence[int], ends: Sequence[int]
    ) -> str | None:
        """Return the text with these, of which there must be one, put in between its own stages.

        `began` and `ends` are those stages'. None where one of them begins or ends while one of
        these lasts, or two of these last at once.
        """
        ended, last = sorted(ends), 0
        places: list[int] = []
        others: list[Row] = []
        for start, end, head, rest in between:
            place = bisect_left(began, start)
            if start <= last or place != bisect_right(began, end):
                return None
            if bisect_left(ended, start) != bisect_right(ended, end):
                return None
            parent = place - 1
            while parent >= 0 and ends[parent] < start:
                parent -= 1
            places.append(place)
            others.append(Row(head, parent if parent >= 0 else None, rest))
            last = end
        texts, first = self.texts[:], places[0]
        for index in range(first + 1, len(texts)):
            row = self.rows[index]
            if row.parent is not None and row.parent >= first:
                texts[index] = written(_moved(row, places))
        for place, row in zip(reversed(places), reversed(others), strict=True):
            texts.insert(place, written(_moved(row, places)))
        return self._line(texts)


class Stencil(NamedTuple):
    """One line with places, and what a request must be like to fill them."""

    sight: Sight
    classes: list[ref[type]]
    """Of what is built. Not held: a class may be made for one request, and die with it."""
    owns: bool
    """Whether stages name objects that the request itself built."""
    late: tuple[int | None, ...]
    """Which of the births left as the response, and which was the view."""
    form: Form
    size: int
    """Entries of stages in such a recording."""
    kept: Callable[[list[int]], Sequence[int]]
    """What picks the stages that are told, in the order in which they ended."""
    began: Callable[[Sequence[int]], Sequence[int]]
    """What puts those into the order in which they began."""
    pick: Callable[[Sequence[int]], Sequence[int]]
    """What picks the numbers for the places: from starts, lengths, and the tokens of births."""

    def fits(self, sight: Sight, trace: Trace, tokens: list[int]) -> bool:
        """Whether a request, seen as this was, says the same but for times and tokens."""
        if self.sight != sight:
            return False
        for place, token in zip(self.late, (trace.responded, trace.viewed), strict=True):
            if token != (None if place is None else tokens[place]):
                return False
        return all(map(operator.is_, map(operator.call, self.classes), trace.births[3::5]))

    def fill(
        self,
        trace: Trace,
        events: list[Any],
        tokens: list[int],
        words: tuple[Any, ...],
        between: Sequence[Between],
    ) -> str | None:
        """Return the line, or None where stages began or ended in another order.

        `words` are those for the places before the stages; `between` are stages that are not among
        `events`.
        """
        starts, ends = self.kept(events[0::3]), self.kept(events[1::3])
        began = self.began(starts)
        if not (rise(ends) and rise(began) and rise(tokens)):
            return None
        form = self.form
        text = form.with_between(between, began, self.began(ends)) if between else form.text
        if text is None:
            return None
        after = map((-trace.begun).__add__, starts)
        lasted = map(operator.sub, ends, starts)
        return text % (*words, *self.pick([*after, *lasted, *tokens]))


def written(row: Row) -> str:
    """Return what a stage says."""
    head, parent, rest = row
    return f"{head}{'null' if parent is None else parent}{rest}"


def _moved(row: Row, places: list[int]) -> Row:
    """The same row, where others are put in at these places."""
    if row.parent is None:
        return row
    return row._replace(parent=row.parent + bisect_right(places, row.parent))


def relative(whats: list[What], own: int, places: Mapping[int, int]) -> list[What]:
    """The same stages, those of the request's own objects by their places among its births."""
    return [
        what
        if what[1] is None or what[1] < own or what[1] not in places
        else (what[0], ~places[what[1]], *what[2:])
        for what in whats
    ]


def whole(numbers: list[int]) -> Sequence[int]:
    """All stages are told."""
    return numbers


def picking(places: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    """Return what picks these, in order."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda numbers: tuple([numbers[place] for place in places])


def rise(numbers: Sequence[int]) -> bool:
    """Whether each is greater than the one before."""
    return all(map(operator.lt, numbers, numbers[1:]))
