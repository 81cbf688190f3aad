"""Compares the scopes that were concluded with those that are true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import tests.fates.lasting
import tests.fates.left
import tests.fates.passing  # noqa: F401
from tests.fates.django_fates import fate_of
from tests.fates.fate import FATES, KEPT, THREAD, Fate
from tracer.model import Lifetime, Process, Request
from tracer.model.scope import UNDECIDED

RIGHT: Final = "right"
WRONG: Final = "wrong"
OPEN: Final = "undecided"
IN_A_VARIABLE: Final = "in a variable"
TOO_SELDOM: Final = "too seldom"
"""What requests leave is kept if they do so as a rule: one of fewer than `FEWEST` shows no rule."""
FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Serving:
    """What a way of serving has to do with how long objects live."""

    own_threads: bool = False
    """Each request has a thread of its own, which ends with it."""
    asgi: bool = False
    """Each request has a thread and a context of its own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One object's scope as concluded, and what is true."""

    row: str
    """What kind of object it is, as a row of the table."""
    outcome: str
    got: str
    expected: str
    held_by: str
    """What the tracer found to hold it."""
    where: str
    """The page that built it, or the phase."""


class _Story:
    """One process: what it served, and what is true of its objects."""

    def __init__(self, process: Process, serving: Serving) -> None:
        self.process = process
        self.serving = serving
        self.requests = {request.number: request for request in process.requests}
        self.by_page: dict[tuple[str, int], list[int]] = {}
        """(page, thread, or 0 for all) to the numbers of its requests."""
        for number, request in sorted(self.requests.items()):
            for thread in (0, request.thread):
                self.by_page.setdefault((request.page, thread), []).append(number)

    def verdicts(self) -> Iterator[Verdict]:
        """Yields one for each object of which it is known how long it lives."""
        for life in self.process.lifetimes:
            request = self.requests.get(life.built_in or 0)
            fate = FATES.get(life.cls) or fate_of(life, request)
            if fate is not None:
                yield self._verdict(life, fate, request)

    def _verdict(self, life: Lifetime, fate: Fate, request: Request | None) -> Verdict:
        true = self._true(life, fate, request)
        if fate.in_a_variable and life.died_at is None:
            outcome = IN_A_VARIABLE
        elif life.scope in true and _is_held_right(life, fate):
            outcome = RIGHT
        elif true[0] == KEPT and len(self._like(request, fate)) < FEWEST:
            outcome = TOO_SELDOM
        else:
            outcome = OPEN if life.scope == UNDECIDED else WRONG
        row = life.cls.rpartition(".")[2] if life.kind == "watched" else life.kind
        if life.kind != "watched" and true[0] == KEPT:
            row = f"kept {row}"
        where = request.page if request is not None else life.phase
        return Verdict(row, outcome, life.scope, true[0], life.held_by or "", where)

    def _true(self, life: Lifetime, fate: Fate, request: Request | None) -> list[str]:
        """Returns the scopes that are true, the best first."""
        if self.serving.asgi and fate.asgi:
            return list(fate.asgi)
        if self.serving.own_threads and fate.own_thread:
            return [fate.own_thread]
        true = [fate.scope]
        if life.died_at is not None and fate.let_go:
            true.append(fate.let_go)
            if fate.on_its_thread and self._like(request, fate)[-1:] == [life.built_in]:
                # No later request has replaced it: its thread has ended, and it with that.
                true.append(THREAD)
        return true

    def _like(self, request: Request | None, fate: Fate) -> list[int]:
        """Returns the requests for a page: on its thread, if a thread holds what they leave."""
        if request is None:
            return []
        return self.by_page[request.page, request.thread if fate.on_its_thread else 0]


def verdicts(processes: Iterable[Process], serving: Serving) -> Iterator[Verdict]:
    """Yields one for each object of these processes of which it is known how long it lives."""
    for process in processes:
        yield from _Story(process, serving).verdicts()


def _is_held_right(life: Lifetime, fate: Fate) -> bool:
    """Whether it says truly what holds it; it must say so of what is kept, as long as it lives."""
    if life.died_at is not None or life.scope != fate.scope:
        return True
    return fate.held_by in life.held_by if life.held_by else life.scope != KEPT
