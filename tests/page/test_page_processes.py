"""Several processes on the HTML page in a real browser: side by side, compared, one at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tests.page.samples import workers
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess


def test_two_workers_stand_side_by_side(opened: Any) -> None:
    """Rows of the same kind of object stand at the same height."""
    page = opened(workers())
    columns = page.locator(".one-process")
    assert columns.count() == 2
    one, two = (columns.nth(index).bounding_box() for index in range(2))
    assert one["y"] == two["y"]
    assert one["x"] + one["width"] <= two["x"]
    assert "Process 48213" in columns.nth(0).inner_text()
    assert "Process 48214" in columns.nth(1).inner_text()
    rows = [columns.nth(index).locator(".line-row") for index in range(2)]
    assert rows[0].count() == rows[1].count() > 8
    labels = [
        [re.sub(r" \u00d7 [\d,]+$", "", text) for text in each.locator(".label").all_inner_texts()]
        for each in rows
    ]
    assert labels[0] == labels[1]


def test_what_each_of_them_built_is_compared(opened: Any) -> None:
    """Counts stand side by side; a word says where they differ."""
    page = opened(workers())
    rows = page.locator(".compared tbody tr")
    by_name = {row.split("\t")[0]: row for row in rows.all_inner_texts()}
    heads = page.locator(".compared thead th").all_inner_texts()
    assert heads[1:3] == ["process 48213", "process 48214"]
    basket = next(row for name, row in by_name.items() if "Basket" in name)
    assert "differs" in basket
    assert re.search(r"\b6\b.*\b2\b", basket, re.S)
    handler = next(row for name, row in by_name.items() if "WSGIHandler" in name)
    assert "alike" in handler


def test_on_a_telephone_no_count_runs_into_the_next_process(opened: Any) -> None:
    """A count that needs more room makes its column wider, and the table scrolls."""
    page = opened(workers(), viewport={"width": 390, "height": 844})
    over = page.locator(".compared .side").evaluate_all(
        """sides => {
            const verdicts = sides.flatMap((side) => [...side.querySelectorAll(".scope")]);
            for (const verdict of verdicts) verdict.lastChild.textContent = "1,234 undecided";
            const right = (each) => each.getBoundingClientRect().right;
            return sides.filter((side) =>
                [...side.querySelectorAll(".scope")].some((one) => right(one) > right(side) + 0.5)
            ).length;
        }"""
    )
    assert over == 0


def test_of_many_processes_a_few_are_drawn_at_a_time(opened: Any) -> None:
    """Under CGI there is one process for each request."""
    page = opened([replace(cafe(), about=replace(cafe().about, pid=pid)) for pid in range(1, 8)])
    assert page.locator(".one-process").count() == 3
    page.get_by_role("button", name="later").click()
    assert "Process 4" in page.locator(".one-process").first.inner_text()
    assert page.locator("#process option").count() == 7


def test_a_master_that_serves_nothing_comes_last_with_what_it_built(opened: Any) -> None:
    """Its objects are undecided, but stand in the rows of the same kinds."""
    sample = SampleProcess(pid=48200)
    sample.built("boot", ("handler", "WSGIHandler"))
    page = opened([sample.process(), cafe(end=True)])
    columns = page.locator(".one-process")
    assert "Process 48213" in columns.first.inner_text()
    row = columns.last.locator(".line-row", has_text="WSGIHandler")
    assert row.locator(".born").count() == 1
    other = columns.first.locator(".line-row", has_text="WSGIHandler")
    assert row.bounding_box()["y"] == other.bounding_box()["y"]
    assert "undecided" in row.get_attribute("class")


def test_another_process_can_be_chosen(opened: Any) -> None:
    """Then its requests are shown."""
    page = opened(workers(), "#requests")
    assert page.locator(".option").count() == 6
    page.select_option("#process", index=1)
    assert page.locator(".option").count() == 2
    assert "process 48214" in page.locator(".request-head").inner_text()
