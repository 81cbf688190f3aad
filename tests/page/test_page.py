"""The HTML page in a real browser: lifelines, ledger, boot and addresses."""

from __future__ import annotations

from typing import Any

from tests.page.samples import NASTY, VIEWS, each_view, hostile, workers
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess


def test_a_path_that_is_markup_is_shown_as_it_was_typed(opened: Any) -> None:
    """No script runs, no dialog opens, and a character that reorders text is shown as an escape."""
    page = opened([hostile()])
    for view in each_view(page):
        assert page.locator("script").count() == 2
        assert page.locator("main img, main script").count() == 0
        if view == "requests":
            shown = NASTY.replace("\u202e", "\\u202e")
            assert page.locator(".request-head bdi").inner_text() == shown
            page.locator(".row").first.hover()
            assert shown in page.locator("#card").inner_text()


def test_lifelines_show_how_long_objects_live_and_what_holds_them(opened: Any) -> None:
    """The chart shows it in lines, the words beside it in full."""
    page = opened([cafe(end=True)], "#lifelines")
    rows = page.locator(".line-row")
    by_name = dict(zip(rows.locator(".label").all_inner_texts(),
                    rows.locator(".words").all_inner_texts(), strict=True))  # fmt: skip
    assert by_name["WSGIHandler"] == "process"
    assert by_name["URLResolver '^/'"] == "process · built on first use, in #1"
    assert "KEPT since #3 · by cafe.views.RECENT[…]" in by_name.values()
    basket = page.locator(".line-row.kept", has_text="Basket").first
    assert basket.locator(".born").count() == 3
    assert basket.locator(".on").count() == 1
    page.get_by_role("button", name="KEPT").click()
    assert page.locator(".line-row:not(.kept)").count() == 0


def test_a_column_of_the_lifelines_leads_to_its_request(opened: Any) -> None:
    """A click on its head opens the request."""
    page = opened([cafe(end=True)], "#lifelines")
    page.get_by_role("button", name="Open request 5").click()
    assert "its request 5" in page.locator(".request-head").inner_text()


def test_the_ledger_has_a_row_for_each_class(opened: Any) -> None:
    """Each row counts the objects of a class."""
    process = cafe(end=True)
    page = opened([process], "#ledger")
    assert page.locator("tbody tr").count() == len(process.ledger)
    row = page.locator("tbody tr", has_text="Basket").inner_text()
    assert "3 KEPT" in row
    assert "3 request" in row


def test_a_boot_that_was_recorded_is_drawn(opened: Any) -> None:
    """Stages and slowest imports are shown; without any boot there is no such tab."""
    page = opened(workers(), "#boot")
    assert page.locator(".row .what").all_inner_texts() == ["python", "django.setup", "cafe"]
    assert "412 modules imported in 180 ms" in page.locator("main h2").inner_text()
    assert "cafe.models" in page.locator(".heaviest").inner_text()
    page.select_option("#process", index=1)
    assert "Its boot is not known" in page.locator("main").inner_text()
    assert opened([cafe()]).get_by_role("tab", name="Boot").count() == 0


def test_a_page_without_processes_requests_or_objects_is_drawn(opened: Any) -> None:
    """A sentence says what is missing."""
    assert "There is no process" in opened([]).locator("main").inner_text()
    empty = opened([SampleProcess().process()])
    assert "served no request yet" in empty.locator("main").inner_text()
    assert list(each_view(empty)) == list(VIEWS[:4])


def test_an_address_opens_what_it_names(opened: Any) -> None:
    """One that names nothing opens the first picture."""
    page = opened(workers(), "#requests/2-48214/2")
    assert "process 48214" in page.locator(".request-head").inner_text()
    assert "its request 2" in page.locator(".request-head").inner_text()
    page.evaluate("location.hash = '#lifelines/1-48213'")
    page.wait_for_selector(".all-lines")
    assert opened(workers(), "#nonsense/9/x").locator(".one-process").count() == 2
