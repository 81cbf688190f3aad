"""What a process says of its old requests, which it only counts, is as true as of the newest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Recording
from tracer.model import Lifetime
from tracer.runtime.backlog import REQUESTS_REMEMBERED

MANY = 5 * REQUESTS_REMEMBERED


@pytest.mark.parametrize("journal", [False, True], ids=["without a journal", "with a journal"])
def test_what_every_request_uses_has_been_used_by_every_request(
    db: None, record: Callable[..., Recording], tmp_path: Path, journal: bool
) -> None:
    """A middleware, a handler, and what a first request has built for all others."""
    choices: dict[str, Any] = {"journal": tmp_path} if journal else {}
    with record(**choices) as recording:
        for number in range(MANY):
            recording.get("/hello/")
            if number % 50 == 49:
                recording.tracer.handle_recorded()
        process = recording.settle()
    lasting = {"middleware", "handler", "resolver"}
    used = [life for life in process.lifetimes if life.kind in lasting and life.requests > 1]
    assert {life.kind for life in used} == lasting
    assert {uses(life) for life in used} == {(MANY, MANY)}
    rows = [row for row in process.ledger if row.name == "SessionMiddleware"]
    assert [row.requests for row in rows] == [MANY]
    (row,) = [row for row in process.ledger if row.name == "WSGIRequest"]
    assert (row.built - row.alive, row.requests) == (MANY, MANY)


def uses(life: Lifetime) -> tuple[int, int | None]:
    """Returns how many requests used it, and the number of the last."""
    return life.requests, life.last_request
