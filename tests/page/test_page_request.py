"""Requests on the HTML page in a real browser: the list, the timeline, and the card of facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process


def test_a_request_can_be_chosen_and_its_stages_nest(opened: Any) -> None:
    """The row of each stage states its depth."""
    page = opened([cafe(end=True)], "#requests")
    page.locator(".option", has_text="#3").click()
    assert page.locator(".request-head h2").inner_text() == "GET /menu/?page=…"
    assert "200 OK" in page.locator(".request-head").inner_text()
    rows = page.locator(".row")
    depths = {
        row.locator(".what").inner_text(): int(row.get_attribute("aria-level"))
        for row in (rows.nth(index) for index in range(rows.count()))
    }
    assert depths["SecurityMiddleware"] == 1
    assert depths["XFrameOptionsMiddleware"] == 7
    assert depths["SELECT cafe_dish"] == 10
    fate = page.locator(".fate").inner_text()
    assert "KEPT" in fate
    assert "Basket" in fate


def test_a_request_that_was_cut_off_is_shown_as_cut_off(opened: Any) -> None:
    """Only its begin is known: it has no status and no duration."""
    process = cafe()
    *before, last = process.requests
    cut = replace(last, ending="cut off", status=None, closed=last.begun, spans=(), births=())
    page = opened([replace(process, requests=(*before, cut))], "#requests")
    text = page.locator(".chosen-request").inner_text()
    assert "cut off: the process was gone before" in text
    assert "0 µs ·" not in text
    assert "No stage was recorded." in text
    assert "cut off" in page.locator(".option[aria-selected=true]").inner_text()


def test_facts_are_shown_on_hover_and_on_focus(opened: Any) -> None:
    """The lesson of the stage is among them; Escape closes them."""
    page = opened([cafe(end=True)], "#requests")
    row = page.locator(".row", has_text="SELECT cafe_dish").first
    row.hover()
    text = page.locator("#card").inner_text()
    assert "One statement on one connection" in text
    assert "default · 20 rows" in text
    page.mouse.move(0, 0)
    page.wait_for_selector("#card", state="hidden")
    page.locator("#search").focus()
    while page.evaluate("!document.activeElement.matches('.row')"):
        page.keyboard.press("Tab")
    assert "A signal, sent before any request object" in page.locator("#card").inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "card"
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()


def test_a_run_of_alike_stages_is_folded_and_can_be_opened(opened: Any) -> None:
    """Fifty queries are three rows until the run is opened."""
    page = opened([cafe(end=True)], "#requests/1/5")
    queries = page.locator(".row", has_text="SELECT cafe_dish")
    assert queries.count() == 3
    queries.last.focus()
    assert "48 more" in queries.last.inner_text()
    page.keyboard.press("ArrowRight")
    assert queries.count() == 50


def test_a_stage_can_be_closed_opened_and_magnified_by_keys(opened: Any) -> None:
    """The focus stays on its row."""
    page = opened([cafe(end=True)], "#requests/1/4")
    rows = page.locator(".row")
    before = rows.count()
    rows.nth(1).focus()
    page.keyboard.press("ArrowLeft")
    assert rows.count() < before
    assert rows.nth(1).get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowRight")
    assert rows.count() == before
    page.keyboard.press("ArrowDown")
    assert rows.nth(2).evaluate("(row) => row === document.activeElement")
    ticks = page.locator(".axis").inner_text()
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.locator(".axis").inner_text() != ticks
    page.get_by_role("button", name="the whole again").click()
    assert page.locator(".axis").inner_text() == ticks


def test_stages_and_scopes_can_be_filtered(opened: Any) -> None:
    """Enclosing stages stay, faintly, so that the nesting is readable."""
    page = opened([cafe(end=True)], "#requests/1/2")
    page.locator(".stages summary").click()
    page.locator(".stages button", has_text="query").click()
    shown = page.locator(".row:not(.faint)")
    assert shown.all_inner_texts()
    assert all("SELECT" in text for text in shown.all_inner_texts())
    assert page.locator(".row.faint").count() > 5
    page.locator(".stages button", has_text="query").click()
    page.get_by_role("button", name="thread", exact=True).click()
    scopes = set(page.locator(".row:not(.faint) .lives").all_inner_texts())
    assert scopes == {"thread"}


def test_requests_can_be_found(opened: Any) -> None:
    """By number, path, method and status, and by kept objects."""
    page = opened([cafe(end=True)], "#requests")
    page.fill("#search", "#5 get 200")
    assert page.locator(".option").count() == 1
    assert page.locator(".count").inner_text() == "1 of 6 requests"
    page.fill("#search", "nowhere")
    assert page.locator(".option").count() == 0
    page.fill("#search", "")
    page.select_option("#kind", "kept")
    assert [text.split()[0] for text in page.locator(".option").all_inner_texts()] == [
        "#3",
        "#4",
        "#5",
    ]


def test_keys_move_from_request_to_request(opened: Any) -> None:
    """The list marks the chosen request, and the address names it."""
    page = opened([cafe(end=True)], "#requests")
    page.locator(".options").focus()
    page.keyboard.press("Home")
    assert page.locator(".option[aria-selected=true] b").inner_text() == "#1"
    page.keyboard.press("ArrowDown")
    box = page.locator(".options")
    assert box.get_attribute("aria-activedescendant") == "request-2"
    assert page.evaluate("location.hash") == "#requests/1-48213/2"
    assert "its request 2" in page.locator(".request-head").inner_text()
    page.get_by_role("button", name="Next request").click()
    assert box.get_attribute("aria-activedescendant") == "request-3"
    assert page.evaluate("document.activeElement.title") == "Next request"


@pytest.fixture(scope="module")
def thousands() -> Process:
    """Returns a process that served five thousand requests."""
    sample = SampleProcess()
    sample.thread(1, "MainThread")
    handler, *_ = sample.built("boot", ("handler", "WSGIHandler"))
    waiting = []
    for number in range(5_000):
        with sample.request(f"/menu/{number}") as now:
            now.uses(handler)
            waiting.append(now.builds("request", "WSGIRequest"))
            with now.stage("middleware", "SecurityMiddleware", handler, 20):
                now.does("view", "cafe.views.Menu", now.builds("view", "Menu view"), 50)
                now.does("query", "SELECT cafe_dish", None, 30)
        if number % 9 == 8:
            sample.collects(*waiting)
            waiting.clear()
    return sample.process()


def work_of(page: Any) -> Callable[[], float]:
    """Returns a function that returns the processor seconds of the page's main thread so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["ThreadTime"])

    return seconds


def test_five_thousand_requests_open_and_answer_at_once(opened: Any, thousands: Process) -> None:
    """Only requests in sight are elements of the document."""
    page = opened([thousands], "#requests")
    worked = work_of(page)
    page.reload()
    page.wait_for_selector("#view > *")
    assert 0.01 < worked() < 10
    page.locator(".options").focus()
    for key, number in (("Home", 1), ("End", 5_000), ("PageUp", None), ("ArrowUp", None)):
        before = worked()
        page.keyboard.press(key)
        chosen = page.locator(".option[aria-selected=true] b").inner_text()
        assert worked() - before < 2
        assert number is None or chosen == f"#{number}"
    assert page.evaluate("document.querySelectorAll('*').length") < 1_500
    page.fill("#search", "/menu/4999")
    assert page.locator(".option").count() == 1
    page.get_by_role("tab", name="Lifelines").click()
    assert page.locator(".line-row").count() > 2
    for _ in range(5):
        page.get_by_role("button", name="Earlier requests").click()
    assert worked() < 30
    assert page.evaluate("document.querySelectorAll('*').length") < 3_000
