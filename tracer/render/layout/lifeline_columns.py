"""The columns of the lifelines: what was there before the first request, and the requests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.model import Lifetime, Process, Request

BEFORE: Final = "before"
INHERITED: Final = "inherited"
BOOT: Final = "boot"
CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of time, from left to right, and which column a request has."""

    heads: tuple[str, ...]
    first: int
    """Index of the first request's column."""
    numbers: tuple[int, ...]
    begun: tuple[int, ...]

    @classmethod
    def of(cls, requests: Sequence[Request], early: tuple[str, ...], cut: bool) -> Columns:
        """`early` names the columns before the first request (see `early`); `cut`: some are gone.

        What has no such column of its own stands in the last of them.
        """
        ordered = sorted(requests, key=lambda request: request.number)
        heads = early + ((CUT,) if cut else ())
        numbers = tuple(request.number for request in ordered)
        names = tuple(f"#{number}" for number in numbers)
        return cls(heads + names, len(heads), numbers, tuple(each.begun for each in ordered))

    def of_request(self, number: int) -> int:
        """Returns the column of a request; of one that is not shown, the column before it."""
        if number <= 0:
            return self._last_early
        return self.first + bisect_right(self.numbers, number) - 1

    def of_birth(self, life: Lifetime) -> int:
        """Returns the column in which an object was born."""
        if life.built_in is not None:
            return self.of_request(life.built_in)
        if life.phase in self.heads and life.phase != BOOT:
            return self.heads.index(life.phase)
        # Outside any request, but perhaps after some.
        after = bisect_right(sorted(self.begun), life.built_at)
        return self.first + after - 1 if after else self._last_early

    @property
    def _last_early(self) -> int:
        """The last column before the first request, and before those that are not shown."""
        return self.first - 1 - (self.heads[self.first - 1] == CUT)

    def of_death(self, life: Lifetime) -> int | None:
        """Returns the column in which an object died; None while it lives."""
        if life.died_at is None:
            return None
        return max(self.of_request(life.freed_in or 0), self.of_birth(life))


def early(process: Process, wide: bool) -> tuple[str, ...]:
    """Returns the heads of the columns before the first request.

    What was there before tracing has one if there is room; what was inherited has one if anything
    was, and leaves that of the boot out if nothing else was built outside requests.
    """
    phases = {life.phase for life in process.lifetimes if life.built_in is None}
    heads: list[str] = [phase for phase in (BEFORE, INHERITED) if phase in phases]
    if not wide and BEFORE in heads:
        heads.remove(BEFORE)
    if phases != {INHERITED}:
        heads.append(BOOT)
    return tuple(heads)
