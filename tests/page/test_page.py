"""The page in a real browser: what it shows, and that all of it can be reached and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.render.sample_process import Cafe, Story, cafe
from tracer.model import Boot, Imported, Process, Span
from tracer.render.page import html

VIEWS = ("processes", "requests", "lifelines", "ledger", "boot")
NASTY = "/</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe"


def booted(process: Process) -> Process:
    """Return the process as one whose boot was seen."""
    spans = (
        Span("interpreter", "python", None, 0, 40_000_000),
        Span("setup", "django.setup", None, 40_000_000, 240_000_000),
        Span("app", "cafe", 1, 60_000_000, 90_000_000),
    )
    heaviest = (Imported("cafe.models", 30_000_000, 55_000_000),)
    return replace(process, boot=Boot(0, spans, 412, 180_000_000, heaviest))


def workers() -> list[Process]:
    """Two workers that served the same café, the second of them less."""
    story = Cafe()
    story.facts[0] = replace(story.facts[0], pid=48214)  # type: ignore[type-var]
    story.menu(2)
    story.menu(3, keep=True)
    story.ends()
    return [booted(cafe(end=True)), story.process()]


def nasty() -> Process:
    """A process that was asked for a path that is markup."""
    story = Story()
    with story.request(NASTY) as now:
        now.does("view", NASTY, now.builds("view", f"View {NASTY}"), detail=NASTY)
    return story.process()


def each_view(page: Any) -> Iterator[str]:
    """Go to each picture that the page has."""
    for view in VIEWS:
        if page.locator(f"#tab-{view}").count():
            page.evaluate(f"location.hash = '#{view}/1/3'")
            page.wait_for_selector(f"body[data-view={view}]")
            yield view


# -- names are text -------------------------------------------------------------------------------


def test_a_path_that_is_markup_is_shown_as_it_was_typed(opened: Any) -> None:
    """No script runs, no dialog opens, and what reorders text is written out."""
    page = opened([nasty()])
    for view in each_view(page):
        assert page.locator("script").count() == 2
        assert page.locator("main img, main script").count() == 0
        if view == "requests":
            shown = NASTY.replace("\u202e", "\\u202e")
            assert page.locator(".request-head bdi").inner_text() == shown
            page.locator(".row").first.hover()
            assert shown in page.locator("#card").inner_text()


# -- processes ------------------------------------------------------------------------------------


def test_two_workers_stand_side_by_side(opened: Any) -> None:
    """Beside each other, with the same kinds of objects at the same heights."""
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
    """Counts beside each other; where they differ, a word says so."""
    page = opened(workers())
    rows = page.locator(".compared tbody tr")
    told = {row.split("\t")[0]: row for row in rows.all_inner_texts()}
    heads = page.locator(".compared thead th").all_inner_texts()
    assert heads[1:3] == ["process 48213", "process 48214"]
    basket = next(row for name, row in told.items() if "Basket" in name)
    assert "differs" in basket
    assert re.search(r"\b6\b.*\b2\b", basket, re.S)
    handler = next(row for name, row in told.items() if "WSGIHandler" in name)
    assert "alike" in handler


def test_on_a_telephone_no_count_runs_into_the_next_process(opened: Any) -> None:
    """A count that needs more room makes its column wider, and the table is pushed aside."""
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
    """As CGI leaves them behind: one for each request."""
    page = opened([replace(cafe(), about=replace(cafe().about, pid=pid)) for pid in range(1, 8)])
    assert page.locator(".one-process").count() == 3
    page.get_by_role("button", name="later").click()
    assert "Process 4" in page.locator(".one-process").first.inner_text()
    assert page.locator("#process option").count() == 7


def test_a_master_that_serves_nothing_comes_last_with_what_it_built(opened: Any) -> None:
    """Of its objects nothing is proven, but they are the same kinds."""
    story = Story(pid=48200)
    story.built("boot", ("handler", "WSGIHandler"))
    page = opened([story.process(), cafe(end=True)])
    columns = page.locator(".one-process")
    assert "Process 48213" in columns.first.inner_text()
    row = columns.last.locator(".line-row", has_text="WSGIHandler")
    assert row.locator(".born").count() == 1
    other = columns.first.locator(".line-row", has_text="WSGIHandler")
    assert row.bounding_box()["y"] == other.bounding_box()["y"]
    assert "undecided" in row.get_attribute("class")


def test_another_process_can_be_chosen(opened: Any) -> None:
    """Its requests come with it."""
    page = opened(workers(), "#requests")
    assert page.locator(".option").count() == 6
    page.select_option("#process", index=1)
    assert page.locator(".option").count() == 2
    assert "process 48214" in page.locator(".request-head").inner_text()


# -- a request ------------------------------------------------------------------------------------


def test_a_request_can_be_chosen_and_its_stages_nest(opened: Any) -> None:
    """Each stage is a row that says at which depth it stands."""
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


def test_a_request_that_was_cut_off_is_told_as_such(opened: Any) -> None:
    """Nothing is known of it but how it began: no status, and no duration."""
    process = cafe()
    *before, last = process.requests
    cut = replace(last, ending="cut off", status=None, closed=last.begun, spans=(), births=())
    page = opened([replace(process, requests=(*before, cut))], "#requests")
    told = page.locator(".chosen-request").inner_text()
    assert "cut off: the process was gone before" in told
    assert "0 µs ·" not in told
    assert "No stage was recorded." in told
    assert "cut off" in page.locator(".option[aria-selected=true]").inner_text()


def test_facts_are_told_on_hover_and_on_focus_alike(opened: Any) -> None:
    """With the lesson of the stage; Escape closes them."""
    page = opened([cafe(end=True)], "#requests")
    row = page.locator(".row", has_text="SELECT cafe_dish").first
    row.hover()
    told = page.locator("#card").inner_text()
    assert "One statement on one connection" in told
    assert "default · 20 rows" in told
    page.mouse.move(0, 0)
    page.wait_for_selector("#card", state="hidden")
    page.locator("#search").focus()
    while page.evaluate("!document.activeElement.matches('.row')"):
        page.keyboard.press("Tab")
    assert "A signal, sent before any request object" in page.locator("#card").inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "card"
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()


def test_a_run_of_equal_stages_is_folded_and_can_be_opened(opened: Any) -> None:
    """Fifty queries are three rows until somebody asks for them."""
    page = opened([cafe(end=True)], "#requests/1/5")
    queries = page.locator(".row", has_text="SELECT cafe_dish")
    assert queries.count() == 3
    queries.last.focus()
    assert "48 more" in queries.last.inner_text()
    page.keyboard.press("ArrowRight")
    assert queries.count() == 50


def test_a_stage_can_be_closed_opened_and_magnified_by_keys(opened: Any) -> None:
    """And the focus stays where it was."""
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
    """What encloses them stays, faintly, so that the nesting can be read."""
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
    """By number, path, method and status; and by what they left."""
    page = opened([cafe(end=True)], "#requests")
    page.fill("#search", "#5 get 200")
    assert page.locator(".option").count() == 1
    assert page.locator(".count").inner_text() == "1 of 6 requests"
    page.fill("#search", "nowhere")
    assert page.locator(".option").count() == 0
    page.fill("#search", "")
    page.select_option("#kind", "kept")
    assert [text.split()[0] for text in page.locator(".option").all_inner_texts()] == ["#3", "#5"]


def test_requests_are_walked_through_by_keys(opened: Any) -> None:
    """The list says which one is chosen, and the address keeps it."""
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


# -- lifelines, ledger, boot ----------------------------------------------------------------------


def test_lifelines_tell_who_lives_how_long_and_who_holds_what(opened: Any) -> None:
    """In lines, and in words beside them."""
    page = opened([cafe(end=True)], "#lifelines")
    rows = page.locator(".line-row")
    told = dict(zip(rows.locator(".label").all_inner_texts(),
                    rows.locator(".words").all_inner_texts(), strict=True))  # fmt: skip
    assert told["WSGIHandler"] == "process"
    assert told["URLResolver '^/'"] == "process · built on first use, in #1"
    assert "KEPT since #3 · by cafe.views.RECENT[…]" in told.values()
    basket = page.locator(".line-row.kept", has_text="Basket").first
    assert basket.locator(".born").count() == 2
    assert basket.locator(".on").count() == 1
    page.get_by_role("button", name="KEPT").click()
    assert page.locator(".line-row:not(.kept)").count() == 0


def test_a_column_of_the_lifelines_leads_to_its_request(opened: Any) -> None:
    """One click."""
    page = opened([cafe(end=True)], "#lifelines")
    page.get_by_role("button", name="Open request 5").click()
    assert "its request 5" in page.locator(".request-head").inner_text()


def test_the_ledger_counts_every_kind(opened: Any) -> None:
    """As many rows as there are kinds of objects."""
    process = cafe(end=True)
    page = opened([process], "#ledger")
    assert page.locator("tbody tr").count() == len(process.ledger)
    row = page.locator("tbody tr", has_text="Basket").inner_text()
    assert "2 KEPT" in row
    assert "4 request" in row


def test_a_boot_that_was_seen_is_drawn(opened: Any) -> None:
    """Its stages and its heaviest imports; without one there is no such tab."""
    page = opened(workers(), "#boot")
    assert page.locator(".row .what").all_inner_texts() == ["python", "django.setup", "cafe"]
    assert "412 modules imported in 180 ms" in page.locator("main h2").inner_text()
    assert "cafe.models" in page.locator(".heaviest").inner_text()
    page.select_option("#process", index=1)
    assert "Its boot is not known" in page.locator("main").inner_text()
    assert opened([cafe()]).get_by_role("tab", name="Boot").count() == 0


def test_pages_of_little_are_no_fault(opened: Any) -> None:
    """No process, no request, no object."""
    assert "There is no process" in opened([]).locator("main").inner_text()
    empty = opened([Story().process()])
    assert "served no request yet" in empty.locator("main").inner_text()
    assert list(each_view(empty)) == list(VIEWS[:4])


# -- for everybody --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_in_light_and_dark_and_can_be_told_otherwise(
    opened: Any, scheme: str
) -> None:
    """The button says what it does."""
    page = opened([cafe()], "#requests", color_scheme=scheme)
    other = "dark" if scheme == "light" else "light"
    assert (brightness(page) > 128) == (scheme == "light")
    page.get_by_role("button", name=f"Use {other} colours").click()
    assert (brightness(page) > 128) == (other == "light")
    page.get_by_role("button", name=f"Use {scheme} colours").click()
    assert (brightness(page) > 128) == (scheme == "light")


def brightness(page: Any) -> float:
    """How bright the page's ground is, from 0 to 255."""
    told = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", told)[:3])) / 3


TEXTS = """
() => {
  const numbers = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? found.map((v, i) => (i < 3 ? v * 255 : v)) : found;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, :disabled, .faint, option")) continue;
    const colour = numbers(getComputedStyle(element).color).slice(0, 3);
    texts.push([walker.currentNode.data.trim(), colour, ground(element)]);
  }
  return texts;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(opened: Any, scheme: str) -> None:
    """4.5 to one at least, against what it stands on."""
    page = opened(workers(), color_scheme=scheme)
    for view in each_view(page):
        texts = page.evaluate(TEXTS)
        assert len(texts) > 20
        low = {
            (view, text, round(html.contrast(tuple(colour), tuple(ground)), 2))
            for text, colour, ground in texts
            if html.contrast(tuple(colour), tuple(ground)) < 4.5
        }
        assert low == set()


ODD_CELLS = """
() => [...document.querySelectorAll("[role=row] > *")].map((cell) => cell.getAttribute("role"))
  .filter((role) => !/^(gridcell|cell|columnheader|rowheader)$/.test(role))
"""
FOCUS = """
() => {
  const at = document.activeElement;
  return [at.className || at.id || at.tagName, getComputedStyle(at).outlineStyle];
}
"""
UNNAMED = """
() => [...document.querySelectorAll(
    "button, select, input, [tabindex], [role=treegrid], [role=table]")]
  .filter((element) => element.checkVisibility() && element.id !== "view")
  .filter((element) => !(element.getAttribute("aria-label") || element.innerText
    || element.labels?.length))
  .map((element) => element.outerHTML.slice(0, 120))
"""


def test_all_that_can_be_used_has_a_name_and_a_role(opened: Any) -> None:
    """For those who hear the page; and no two things have one id."""
    page = opened(workers())
    for view in each_view(page):
        assert page.evaluate(UNNAMED) == []
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))
        assert page.locator("[role=tab][aria-selected=true]").inner_text().lower() == view
        assert page.locator("h1").count() == page.locator("main").count() == 1
        assert page.evaluate(ODD_CELLS) == []
    assert page.evaluate("document.documentElement.lang") == "en"


PICTURE = {"processes": "line-row", "requests": "row", "lifelines": "line-row", "ledger": "scrolls",
           "boot": "row"}  # fmt: skip
"""View to what can be walked through in it."""


def test_what_has_the_focus_can_be_seen_and_all_is_reached_by_tab(opened: Any) -> None:
    """The tabs of the page, its filters, and every picture."""
    page = opened(workers())
    for view in each_view(page):
        page.evaluate("document.activeElement.blur()")
        reached = []
        for _ in range(40):
            page.keyboard.press("Tab")
            where, outline = page.evaluate(FOCUS)
            if where == "BODY":
                break
            assert outline != "none", (view, where)
            reached.append(where.split()[0])
        assert {PICTURE[view], "toggle"} <= set(reached)


def test_tabs_are_walked_through_by_arrows(opened: Any) -> None:
    """Round and round."""
    page = opened(workers())
    page.get_by_role("tab", name="Processes").focus()
    for name in ("Requests", "Lifelines", "Ledger", "Boot", "Processes"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.innerText") == name
        assert page.locator("[aria-selected=true][role=tab]").inner_text() == name


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_hangs_over_the_edge(opened: Any, width: int) -> None:
    """On a desk and on a telephone."""
    page = opened(workers(), viewport={"width": width, "height": 844})
    over = {
        view: page.evaluate("document.documentElement.scrollWidth - innerWidth")
        for view in each_view(page)
    }
    assert max(over.values()) <= 0, over


def test_an_address_leads_to_what_it_showed(opened: Any) -> None:
    """And one that makes no sense to the beginning."""
    page = opened(workers(), "#requests/2-48214/2")
    assert "process 48214" in page.locator(".request-head").inner_text()
    assert "its request 2" in page.locator(".request-head").inner_text()
    page.evaluate("location.hash = '#lifelines/1-48213'")
    page.wait_for_selector(".all-lines")
    assert opened(workers(), "#nonsense/9/x").locator(".one-process").count() == 2


# -- thousands ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousands() -> Process:
    """A process that served five thousand requests."""
    story = Story()
    story.thread(1, "MainThread")
    handler, *_ = story.built("boot", ("handler", "WSGIHandler"))
    waiting = []
    for number in range(5_000):
        with story.request(f"/menu/{number}") as now:
            now.uses(handler)
            waiting.append(now.builds("request", "WSGIRequest"))
            with now.stage("middleware", "SecurityMiddleware", handler, 20):
                now.does("view", "cafe.views.Menu", now.builds("view", "Menu view"), 50)
                now.does("query", "SELECT cafe_dish", None, 30)
        if number % 9 == 8:
            story.collects(*waiting)
            waiting.clear()
    return story.process()


def work_of(page: Any) -> Callable[[], float]:
    """Return what tells the seconds of processor time that the page's own thread takes from now."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def told() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["ThreadTime"])

    return told


def test_five_thousand_requests_open_and_answer_at_once(opened: Any, thousands: Process) -> None:
    """Only what is in sight are elements, wherever one goes."""
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
