"""KEPT is an alarm: a site that leaves nothing behind has none, and one planted leak shows."""

from __future__ import annotations

import json

import pytest

from tests.fates.planted import LEAKS
from tests.support.programs import run

pytestmark = pytest.mark.slow
CHANGES = """
DEBUG = True
MIDDLEWARE = [*MIDDLEWARE, "tests.fates.planted.Planted"]
TRACER = {"ENABLED": True, "CONSOLE": False}
"""


def left_behind(kind: str) -> list[list[str]]:
    """What the tracer says that the site left behind: class and holder."""
    source = f"from tests.fates.clean_site import main; main({kind!r})"
    found = json.loads(run(source, CHANGES).stdout.splitlines()[-1])
    assert found["served"] >= 200
    kept: list[list[str]] = found["kept"]
    return kept


def test_the_admin_and_the_cafe_leave_nothing_behind() -> None:
    """Every page, for two members and a guest, three times each."""
    assert left_behind("") == []


@pytest.mark.parametrize("kind", LEAKS)
def test_a_planted_leak_is_found_by_its_holder(kind: str) -> None:
    """And nothing else: all that is kept is held there."""
    kept = left_behind(kind)
    assert kept
    assert all(LEAKS[kind][1] in holder for _, holder in kept), kept
