"""Encodes facts as lines of a journal; `tracer.journal.format` documents them.

Encoding takes time that a server would use for requests: one pass of C code over flat lists.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import attrgetter, sub
from typing import Any, Final

from tracer.journal.format import DEATHS, FACTS, FIELDS, MORE, NAMES, REQUESTS
from tracer.model.facts import Deaths, Fact
from tracer.model.recorded import RecordedRequests

MOST: Final = 4_000
"""Names that are remembered; beyond, all are written anew."""

_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
_KINDS = {kind: name for name, kind in FACTS.items()}


class Encoder:
    """Encodes the facts of one file, in which each name is written once."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._lists: dict[int, tuple[Any, int]] = {}
        """Address of several names in a row to their tuple, which is held here, and its number."""
        self._new: list[Any] = []
        """Names that are still to be written."""
        self._next = 0

    def encode(self, fact: Fact) -> bytes:
        """Returns `fact` as a line, newline included; before it, the names that are new.

        Raises TypeError for what JSON cannot hold.
        """
        if not isinstance(fact, RecordedRequests):
            return (_dumps(_row(fact)) + "\n").encode("ascii")
        try:
            text = _dumps(self._requests(fact)) + "\n"
            if self._new:
                lowest = self._next - len(self._new)
                text = f"{_dumps([NAMES, lowest, *self._new])}\n{text}"
        except Exception:
            self._forget()  # or the names that could not be written would spoil the next line
            raise
        self._new = []
        if len(self._numbers) > MOST:
            self._forget()
        return text.encode("ascii")

    def _forget(self) -> None:
        self._new = []
        self._numbers.clear()
        self._lists.clear()

    def _requests(self, it: RecordedRequests) -> list[Any]:
        stages, births = len(it.whats), len(it.kinds)
        begun = [each for each in it.begun for _ in range(stages)]
        starts, ends = list(map(sub, it.starts, begun)), list(map(sub, it.ends, begun))
        tokens = it.tokens
        if births > 1:
            first = tokens[::births]
            if tokens == [each + place for each in first for place in range(births)]:
                tokens = first
        durations = [closed - begun for begun, closed in zip(it.begun, it.closed, strict=True)]
        head = (
            it.method, it.path, it.status, it.thread, it.watching, it.numbers, it.begun, durations,
            it.sizes,
        )  # fmt: skip
        row = [
            REQUESTS, head, self._several(it.whats), self._several(it.kinds), it.seen, it.viewed,
            it.responded, starts, ends, tokens, it.marks,
        ]  # fmt: skip
        more = {name: getattr(it, name) for name, usual in MORE if getattr(it, name) != usual}
        if more:
            row.append(more)
        return row

    def _several(self, names: tuple[Any, ...]) -> int:
        """Returns the number of several names in a row."""
        known = self._lists.get(id(names))
        if known is not None:
            return known[1]
        number = self._number(tuple([self._number(name) for name in names]))
        self._lists[id(names)] = names, number
        return number

    def _number(self, name: tuple[Any, ...]) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = self._next
            self._next += 1
            self._new.append(name)
        return number


def encode(*facts: Fact) -> bytes:
    """Returns the lines of a whole file, without its header."""
    return b"".join(map(Encoder().encode, facts))


def _row(fact: Fact) -> list[Any]:
    """Returns a fact that is no request as an array."""
    if isinstance(fact, Deaths):
        # What one collection freed died at one time.
        several = groupby(fact.deaths, key=attrgetter("at", "how"))
        return [DEATHS, *[(*end, [died.token for died in dead]) for end, dead in several]]
    return [_KINDS[type(fact)], *_plain(fact)]


def _plain(value: Any) -> Any:
    """Returns a fact, or a part of one, as arrays."""
    names = FIELDS.get(type(value))
    if names is not None:
        return [_plain(getattr(value, name)) for name in names]
    return [_plain(each) for each in value] if type(value) is tuple else value
