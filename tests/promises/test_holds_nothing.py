"""Nothing of the application lives longer for being watched: not an object, not a class.

A program serves the café, the admin, and pages that make classes for each request; then it runs one
full collection and counts what is alive. See `tests.promises.census`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.promises.census import SHARED
from tests.support.programs import run

LONG, SHORT = 12_000, 1_800
"""Visits."""
WAYS = {
    "quiet": LONG,
    "journal": LONG,
    "console": SHORT,
    "settled": SHORT,
    "walked": SHORT,
    "record()": SHORT,
    SHARED: SHORT,
}
"""How the site is watched, and how many visits are made."""
MARGINS = {LONG: 2**19, SHORT: 2**20}
"""Bytes by which memory may grow more than without the tracer, from the second third of the visits
to the last: an eighth of a kilobyte a visit, or 1.7. What is bounded fills up for longer than the
short ones last, by up to half a megabyte."""

pytestmark = pytest.mark.slow


def served(way: str, visits: int, directory: Path) -> Any:
    """What was alive after so many visits, watched in this way."""
    found = directory / "found.json"
    source = f"from tests.promises.census import main; main({way!r}, {visits}, {str(found)!r})"
    done = run(source, PYTHONMALLOC="malloc")
    assert done.stderr == "", "the tracer has no fault of its own"
    return json.loads(found.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is alive without the tracer."""
    return served("off", 1_500, tmp_path_factory.mktemp("off"))


@pytest.mark.parametrize(("way", "visits"), WAYS.items())
def test_after_one_collection_the_same_is_alive_as_without_the_tracer(
    way: str, visits: int, unwatched: Any, tmp_path: Path
) -> None:
    """Object by object and class by class; and after the first third of the visits memory grows no
    more than it does without."""
    watched = served(way, visits, tmp_path)
    found, expected = watched["objects"], unwatched["objects"]
    different = {
        name: (found.get(name, 0), expected.get(name, 0))
        for name in found.keys() | expected.keys()
        if found.get(name) != expected.get(name)
    }
    assert different == {}
    assert growth(watched["memory"]) <= growth(unwatched["memory"]) + MARGINS[visits]


def growth(memory: list[int]) -> int:
    """By how many bytes the least that was in use grew, from the second third to the last.

    The least, because what is bounded fills up and is emptied again: a journal's table of names
    swings by three megabytes.
    """
    third = len(memory) // 3
    return min(memory[-third:]) - min(memory[third:-third])


def test_the_program_counts_what_it_is_said_to_count(unwatched: Any) -> None:
    """Or nothing that is kept could be seen."""
    found = unwatched["objects"]
    assert found["object django.core.handlers.wsgi.WSGIHandler"] == 1
    assert found["object django.core.handlers.wsgi.WSGIRequest"] > 1, "the café keeps some"
    assert found["class cafe.models.Basket"] == 1
    assert found["function Basket.add"] == 1
    assert not [name for name in found if ".Made" in name], "made for a request, dead with it"
