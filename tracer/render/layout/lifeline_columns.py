"""The columns of the lifelines: the time before the first request, then one for each request."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.model import Lifetime, Process, Request

BEFORE: Final = "before"
INHERITED: Final = "inherited"
BOOT: Final = "boot"
OMITTED: Final = "…"
"""Head of the column for requests that have no column of their own."""


@dataclass(frozen=True, slots=True)
class LifelineColumns:
    """The columns of time from left to right, and in which of them something happened."""

    heads: tuple[str, ...]
    first: int
    """Index of the first request's column."""
    numbers: tuple[int, ...]
    """Numbers of the requests that have a column."""
    begun: tuple[int, ...]
    """When each of them began."""

    @classmethod
    def of(
        cls, requests: Sequence[Request], early: tuple[str, ...], omitted: bool
    ) -> LifelineColumns:
        """Makes columns with the heads `early` and then one for each request.

        `omitted`: there were earlier requests, which share one column.
        """
        ordered = sorted(requests, key=lambda request: request.number)
        heads = early + ((OMITTED,) if omitted else ())
        numbers = tuple(request.number for request in ordered)
        names = tuple(f"#{number}" for number in numbers)
        return cls(heads + names, len(heads), numbers, tuple(each.begun for each in ordered))

    def of_request(self, number: int) -> int:
        """Returns the column of a request; of one without a column, the column before it."""
        if number <= 0:
            return self._last_early
        return self.first + bisect_right(self.numbers, number) - 1

    def of_birth(self, life: Lifetime) -> int:
        """Returns the column in which an object was born."""
        if life.built_in is not None:
            return self.of_request(life.built_in)
        if life.phase in self.heads and life.phase != BOOT:
            return self.heads.index(life.phase)
        # Built outside any request, but perhaps after some of them.
        after = bisect_right(sorted(self.begun), life.built_at)
        return self.first + after - 1 if after else self._last_early

    def of_death(self, life: Lifetime, birth: int) -> int | None:
        """Returns the column in which an object died that was born in `birth`; None if alive."""
        if life.died_at is None:
            return None
        return max(self.of_request(life.freed_in or 0), birth)

    @property
    def has_omitted(self) -> bool:
        """Whether there is a column for requests that have none of their own."""
        return self.heads[self.first - 1] == OMITTED

    @property
    def _last_early(self) -> int:
        """The last column of the time before the first request."""
        return self.first - 1 - self.has_omitted


def early_heads(process: Process, wide: bool) -> tuple[str, ...]:
    """Returns the heads of the columns for the time before the first request.

    Objects that existed before tracing have a column if there is room. Inherited objects have one
    if there are any; then boot has none, unless other objects were built outside requests too.
    """
    phases = {life.phase for life in process.lifetimes if life.built_in is None}
    heads: list[str] = [phase for phase in (BEFORE, INHERITED) if phase in phases]
    if not wide and BEFORE in heads:
        heads.remove(BEFORE)
    if phases != {INHERITED}:
        heads.append(BOOT)
    return tuple(heads)
