"""The HTML page of a real server with two workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Run
from tracer.servers import RECIPES, serve

ROUNDS = 30
"""How often the server is asked again until both of its workers have had a turn."""


@pytest.mark.slow
def test_the_page_of_a_run_with_two_workers_shows_both_side_by_side(
    opened: Any, tmp_path: Path
) -> None:
    """Each worker is shown with its own objects and requests."""
    found = RECIPES["gunicorn"].available()
    if not found.ok:
        assert not os.environ.get("CI"), found.why
        pytest.skip(f"gunicorn: {found.why}")
    traces, target = tmp_path / "traces", tmp_path / "page.html"
    asked = 0
    with serve("gunicorn", workers=2, journal=traces) as server:
        for _ in range(ROUNDS):
            replies = server.load(["/menu/"] * 8, concurrency=4)
            asked += len(replies)
            if len([each for each in server.processes() if each.served]) >= 2:
                break
    run = Run("show", traces, "--format", "html", "--output", target)
    assert (run.status, run.out, run.err) == (0, "", "")
    page = opened(target)
    columns = page.locator(".one-process")
    told = [each for each in columns.all_inner_texts() if "gunicorn" in each]
    assert len(told) == 2
    boxes = [columns.nth(index).bounding_box() for index in range(2)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    for index in range(2):
        lines = columns.nth(index).locator(".line-row")
        assert lines.filter(has_text="URLResolver").locator(".on").count() >= 1
    handler = page.locator(".compared tr", has_text="WSGIHandler").inner_text()
    assert "alike" in handler
    page.get_by_role("tab", name="Requests").click()
    served = 0
    for index in range(2):
        page.select_option("#process", index=index)
        served += int(page.locator(".count").inner_text().split()[0])
    assert served == asked
