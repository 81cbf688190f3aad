"""The line of requests that are alike in all but times and tokens, with places left for these.

Most requests to a view are: the same stages in the same order, objects of the same classes, the
same longer-lived objects used. Whether one is, is asked of everything that its line would say; the
line is then filled in for a third of what it takes to write it anew. The collector comes where it
comes, so its collections are no part of what is compared: they are put in between.

Requests that came together are seen and compared together: what they say is put one behind the
other, and what is asked of it are a few slices and comparisons, which Python does in C. The line of
a short text then takes a fifth.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from tracer.model.recorded import Trace, What


class Sight(NamedTuple):
    """What can be seen of requests at one glance, without the times; of one behind the other."""

    kinds: list[str]
    classes: list[int]
    """Numbers, see `tracer.recorder.classes`."""
    labels: list[Any]
    whats: list[What]
    seen: list[int]
    words: list[tuple[Any, ...]]
    """Of each, whatever else its line says that is neither a time nor a token."""
    common: tuple[Any, ...]
    """What the lines of all of them say."""

    def times(self, count: int) -> Sight:
        """So many requests like this one."""
        if count == 1:
            return self
        lists = [each * count for each in self[:-1]]
        return Sight._make([*lists, self.common])


class Row(NamedTuple):
    """What a stage says, with places for numbers."""

    head: str
    """Up to its parent."""
    parent: int | None
    """Place, among the rows, of the stage around it."""
    rest: str


class Between(NamedTuple):
    """A stage of which only the time is written, such as a collection."""

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

    def _line(self, texts: list[str]) -> bytes:
        # Numbers go into bytes for two thirds of what it takes to put them into text.
        return f"{self.head}{','.join(texts)}{self.tail}".encode("ascii")

    def with_between(
        self, between: Sequence[Between], began: Sequence[int], ends: Sequence[int]
    ) -> bytes | None:
        """Returns the text with these, of which there must be one, put in between its own stages.

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
    owns: bool
    """Whether stages name objects that the request itself built."""
    responded: int | None
    """Which of the births left as the response."""
    viewed: int | None
    """Which was the view."""
    form: Form
    size: int
    """Entries of stages in such a recording."""
    kept: Callable[[Sequence[int]], Sequence[int]] | None
    """What picks the stages that are written, in the order in which they ended; None if all are."""
    began: Callable[[Sequence[int]], Sequence[int]]
    """What puts those into the order in which they began."""
    pick: Callable[[Sequence[int]], tuple[int, ...]]
    """What picks the numbers for the places: from starts, lengths, and the tokens of births."""

    def fits(self, sight: Sight, traces: Sequence[Trace], births: list[Any]) -> bool:
        """Whether requests, seen as these were, say the same but for times and tokens."""
        count = len(traces)
        if sight != self.sight.times(count):
            return False
        tokens = births[1::5]
        responded = self._own(self.responded, tokens, count)
        if [trace.responded for trace in traces] != responded:
            return False
        return [trace.viewed for trace in traces] == self._own(self.viewed, tokens, count)

    @property
    def built(self) -> int:
        """How many objects such a request builds."""
        return len(self.sight.classes)

    def _own(self, place: int | None, tokens: list[int], count: int) -> list[int | None]:
        """The token of the birth at this place, in each of so many requests."""
        return [None] * count if place is None else [*tokens[place :: self.built]]

    def fill(
        self,
        events: list[Any],
        tokens: list[int],
        begun: Sequence[int],
        words: Iterable[tuple[Any, ...]],
        between: Mapping[int, Sequence[Between]],
    ) -> list[bytes | None] | None:
        """Returns the lines; None for one that has a stage from `between` where none can be put,
        and for all of them if stages began or ended in another order in one.

        `events` and `tokens` are those of one request behind the other, `begun` is when each of
        them began, `words` what each says in the places before the stages; `between` are stages
        that are not among `events`, by the place of their request.
        """
        form, built = self.form, self.built
        starts, ends = self._kept_numbers(events[0::3]), self._kept_numbers(events[1::3])
        size = len(starts) // len(begun)
        after = [*map(operator.sub, starts, [at for at in begun for _ in range(size)])]
        lasted = [*map(operator.sub, ends, starts)]
        began: list[int] = []
        lines: list[bytes | None] = []
        for place, said in enumerate(words):
            first = place * size
            own, births = slice(first, first + size), slice(place * built, place * built + built)
            started = self.began(starts[own])
            began += started
            text: bytes | None = form.text
            if place in between:
                text = form.with_between(between[place], started, self.began(ends[own]))
            numbers = self.pick(after[own] + lasted[own] + tokens[births])
            lines.append(text and text % (said + numbers))
        # On one thread one request comes after the other: where not, each is written by itself.
        return lines if rise(ends) and rise(began) and rise(tokens) else None

    def _kept_numbers(self, numbers: list[int]) -> list[int]:
        """Of a number for each stage those of the stages that are written."""
        if self.kept is None:
            return numbers
        size = self.size // 3
        kept_numbers: list[int] = []
        for first in range(0, len(numbers), size):
            kept_numbers += self.kept(numbers[first : first + size])
        return kept_numbers


def written(row: Row) -> str:
    """Returns what a stage says."""
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


def picking(places: Sequence[int]) -> Callable[[Sequence[int]], tuple[int, ...]]:
    """Returns what picks these, in order."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda numbers: tuple([numbers[place] for place in places])


def rise(numbers: Sequence[int]) -> bool:
    """Whether each is greater than the one before."""
    return all(map(operator.lt, numbers, numbers[1:]))
