"""The lifelines of one process."""

from __future__ import annotations

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, plain, row, uncoloured, widest
from tests.render.sample_process import Story, cafe
from tracer.model import Process, scope
from tracer.render import Lifelines, to_text
from tracer.render.layout.theme import TIMES


@pytest.fixture(scope="module")
def process() -> Process:
    """The café after six requests."""
    return cafe()


def drawn(story: Story, width: int = 118, last: int = 12) -> str:
    """The lifelines of a story, without colour."""
    return plain(Lifelines(story.process(), last), width)


def line_of(text: str, starts: str) -> str:
    """The row's line itself, without its label and its words."""
    found = row(text, starts)
    left = found.index("●")
    return found[left : max(found.rfind(mark) for mark in "○▶") + 1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("last", [1, 3, 12])
def test_no_line_is_wider_than_the_terminal(process: Process, width: int, last: int) -> None:
    """At every width, however many requests are asked for."""
    assert widest(plain(Lifelines(process, last), width)) <= width


@pytest.mark.parametrize("width", [80, 118, 200])
def test_every_scope_appears_in_one_picture(process: Process, width: int) -> None:
    """As a word, in capitals for what should not be."""
    lines = plain(Lifelines(process), width).splitlines()[2:]
    for verdict in scope.SCOPES:
        word = "KEPT" if verdict == scope.KEPT else verdict
        assert any(f" {word}" in line for line in lines), verdict


def test_the_rows_are_ordered_by_scope(process: Process) -> None:
    """Process first and undecided last, as a reader asks."""
    text = plain(Lifelines(process))
    rows = ["settings", "Template cafe/menu.html", "DatabaseWrapper", "QuerySet", "Basket " + TIMES,
            "model Dish + 11"]  # fmt: skip
    assert [text.index(name) for name in rows] == sorted(text.index(name) for name in rows)


def test_there_is_a_column_for_what_was_there_before_for_boot_and_for_each_request(
    process: Process,
) -> None:
    """The heads say which is which."""
    head = plain(Lifelines(process)).splitlines()[1]
    assert head.split() == ["before", "boot", "#1", "#2", "#3", "#4", "#5", "#6", "lives", "for"]


def test_what_lives_on_ends_in_an_arrow_and_what_died_in_a_ring(process: Process) -> None:
    """Births are dots."""
    text = plain(Lifelines(process))
    assert line_of(text, "settings").endswith("▶")
    assert line_of(text, "QuerySet").endswith("○")
    assert line_of(text, "QuerySet").count("●") == line_of(text, "QuerySet").count("○") == 6


def test_a_line_is_heavy_where_a_request_used_the_object_and_light_where_none_did() -> None:
    """Used by the first and the third request of four."""
    story = Story()
    (token,) = story.built("boot", ("engine", "Engine"))
    for number in range(1, 5):
        with story.request() as now:
            if number in (1, 3):
                now.uses(token)
    text = drawn(story)
    head, found = text.splitlines()[1], row(text, "Engine")
    shapes = [found[head.index(f"#{number}") + 1] for number in range(1, 5)]
    assert shapes == ["━", "─", "━", "─"]


def test_a_line_begins_in_the_column_of_its_birth_and_ends_in_that_of_its_death() -> None:
    """Born in the second request, freed by the collector while the fourth was the newest."""
    story = Story()
    tokens = []
    for number in range(1, 6):
        with story.request() as now:
            if number == 2:
                tokens.append(now.builds("form", "OrderForm"))
        if number == 4:
            story.collects(*tokens)
    text = drawn(story)
    head, found = text.splitlines()[1], row(text, "OrderForm")
    assert head.index("#2") == found.index("●")
    assert head.index("#4") < found.index("○") < head.index("#5")
    assert "request · freed late, by the collector" in found


def test_objects_that_wait_together_share_a_line(process: Process) -> None:
    """Three requests' WSGIRequests died in one collection, and the next two in another."""
    found = [
        line for line in plain(Lifelines(process)).splitlines() if line.startswith(" WSGIRequest")
    ]
    assert f"{TIMES} 5" in found[0]
    assert found[0].count("●") == 5
    assert found[0].count("○") == 2
    assert "undecided · no full collection since" in found[1]


def test_lives_of_one_name_that_overlap_but_end_apart_get_a_row_each() -> None:
    """A line never runs through another."""
    story = Story()
    with story.request() as now:
        first = now.builds("view", "Menu view")
    with story.request() as now:
        second = now.builds("view", "Menu view")
    with story.request():
        story.collects()
    story.dies(first, how="collector")
    with story.request():
        pass
    story.dies(second, how="collector")
    rows = [line for line in drawn(story).splitlines() if line.startswith(" Menu view")]
    assert len(rows) == 2
    assert all(line.count("●") == line.count("○") == 1 for line in rows)


def test_a_kept_object_says_since_when_and_what_holds_it(process: Process) -> None:
    """Two baskets in one list differ in their index, which is masked."""
    found = row(plain(Lifelines(process)), f"Basket {TIMES} 2")
    assert "KEPT since #3 · by cafe.views.RECENT[…]" in found
    assert line_of(plain(Lifelines(process)), f"Basket {TIMES} 2").count("●") == 2


def test_a_kept_object_alone_names_its_holder_in_full() -> None:
    """One basket, one path; without a path that is said."""
    story = Story()
    with story.request() as now:
        basket, other = now.builds("watched", "Basket"), now.builds("watched", "Crate")
    story.collects()
    story.held(basket, "cafe.views.RECENT[0]")
    text = drawn(story)
    assert "KEPT since #1 · by cafe.views.RECENT[0]" in row(text, "Basket")
    assert "KEPT since #1 · holder unknown" in row(text, "Crate")
    story.dies(other)
    assert "KEPT since #1 · holder unknown · freed since" in row(drawn(story), "Crate")


def test_kept_says_so_at_eighty_columns(process: Process) -> None:
    """The holder is shortened to its end."""
    found = row(plain(Lifelines(process), 80), f"Basket {TIMES} 2")
    assert "KEPT · " in found
    assert found.endswith(".RECENT[…]")


def test_many_alike_objects_fold_into_one_row(process: Process) -> None:
    """48 patterns are one row; seven middlewares of different classes too."""
    text = plain(Lifelines(process))
    assert "process · built on first use, in #1" in row(text, f"URLPattern {TIMES} 48")
    assert row(text, "SecurityMiddleware + 6")
    assert "SessionMiddleware" not in text


def test_a_resource_stands_below_its_owner(process: Process) -> None:
    """Indented, whatever its own scope."""
    lines = plain(Lifelines(process)).splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith(" DatabaseWrapper"))
    assert lines[index + 1].startswith("   sqlite connection")
    assert "connection · open in up to 4 requests" in lines[index + 1]


def test_a_thread_is_named() -> None:
    """One wrapper, one thread; another thread serves too."""
    story = Story()
    story.thread(2, "worker-2")
    with story.request(thread=2) as now:
        wrapper = now.builds("database", "DatabaseWrapper default")
    with story.request(thread=3):
        pass
    with story.request(thread=2) as now:
        now.uses(wrapper)
    story.collects()
    assert "thread · worker-2" in row(drawn(story), "DatabaseWrapper")
    story.thread_ends(2)
    with story.request(thread=3):
        pass
    story.dies(wrapper)
    assert "thread · worker-2 · ended with it" in row(drawn(story), "DatabaseWrapper")


@pytest.mark.parametrize(
    ("how", "later", "said"),
    [
        ("reference", False, "request"),
        ("reference", True, "request · freed late"),
        ("collector", False, "request · freed by the collector"),
        ("collector", True, "request · freed late, by the collector"),
    ],
)
def test_how_an_object_of_one_request_was_freed_is_told(how: str, later: bool, said: str) -> None:
    """With it or late, by reference count or by the collector."""
    story = Story()
    with story.request() as now:
        form = now.builds("form", "OrderForm")
    if later:
        with story.request():
            pass
    story.dies(form, how=how)
    assert row(drawn(story), "OrderForm").endswith(f" {said}")


def test_a_lent_connection_says_whose_it_is() -> None:
    """A pool owns what it lends, wherever the loan was; narrow pictures say what they can."""
    story = Story()
    pool, owned = 0, []
    for number in range(4):
        with story.request() as now:
            pool = pool or now.builds("pool", "ConnectionPool default")
            now.uses(pool)
            if number < 2:
                owned.append(now.builds("connection", "pg", owner=pool))
            now.uses(owned[-1])
    wide, narrow = drawn(story, 200), drawn(story, 80)
    lines = [line.strip() for line in wide.splitlines()]
    place = next(index for index, line in enumerate(lines) if line.startswith("ConnectionPool"))
    assert lines[place + 1].startswith("pg ")
    said = "connection · of ConnectionPool default · open in up to 3 requests"
    assert lines[place + 1].endswith(said)
    assert "connection · of ConnectionPool default" in row(drawn(story, 118), "pg")
    assert row(narrow, "pg").endswith("connection · 3 requests")


def test_undecided_says_why() -> None:
    """Not used, no collection yet, or used again without one."""
    story = Story()
    story.built("before", ("admin", "admin site"))
    with story.request() as now:
        engine = now.builds("engine", "Engine")
    with story.request() as now:
        now.uses(engine)
        now.builds("form", "OrderForm")
        raw = now.builds("connection", "raw", mortal=False)
    with story.request() as now:
        lost = now.builds("cache", "LocMemCache")
    with story.request() as now:
        now.uses(lost)
    story.dies(lost)
    assert raw
    text = drawn(story)
    assert "undecided · not used by a request" in row(text, "admin site")
    assert "undecided · used again, no full collection since" in row(text, "Engine")
    assert "undecided · no full collection since" in row(text, "OrderForm")
    assert "undecided · its end cannot be seen" in row(text, "raw")
    assert "undecided · gone before a full collection" in row(text, "LocMemCache")


def test_only_the_latest_requests_get_a_column_and_what_is_gone_is_counted() -> None:
    """Twenty requests, twelve columns; a line from before the cut begins in its column."""
    story = Story()
    engine = 0
    for number in range(1, 21):
        with story.request() as now:
            engine = engine or now.builds("engine", "Engine")
            now.uses(engine)
            form = now.builds("form", "OrderForm")
        story.dies(form)
        assert number
    text = drawn(story, 200)
    head = text.splitlines()[1].split()
    assert head[:3] == ["boot", "…", "#9"]
    assert head[-3] == "#20"
    assert row(text, "Engine").index("●") == text.splitlines()[1].index("…")
    assert row(text, "OrderForm").count("●") == 12
    assert "8 objects lived and died before #9" in text


def test_too_many_rows_are_cut_and_counted_but_kept_ones_stay() -> None:
    """Sixty kinds of request objects give way to one kept one."""
    story = Story()
    with story.request() as now:
        for index in range(60):
            story.dies(now.builds(f"kind{index}", f"Thing{index}"))
        basket = now.builds("watched", "Basket")
    story.collects()
    story.held(basket, "cafe.views.RECENT[0]")
    text = drawn(story)
    assert "KEPT since #1" in text
    assert len(text.splitlines()) < 46
    assert "and 21 more kinds in the ledger: 21 request" in text


def test_kept_ones_that_do_not_fit_are_counted_loudly() -> None:
    """Even they end somewhere."""
    story = Story()
    with story.request() as now:
        for index in range(60):
            now.builds(f"kind{index}", f"Thing{index}")
    story.collects()
    assert "and 20 more kinds in the ledger: 20 KEPT" in drawn(story)


def test_the_tracers_own_collection_is_admitted() -> None:
    """And only its own."""
    story = Story()
    with story.request():
        pass
    story.collects()
    said = "The tracer ran a full collection before drawing this, to see which objects"
    assert said not in drawn(story)
    story.collects(by="tracer")
    assert said in drawn(story)


def test_the_title_says_which_process_and_server(process: Process) -> None:
    """And how much it served."""
    title = plain(Lifelines(process)).splitlines()[0].strip()
    assert title == (
        "Lifelines of process 48213 · gunicorn gthread · 6 requests · one column per request"
    )


def test_the_marks_are_explained_and_an_ended_process_says_so() -> None:
    """A legend at the bottom."""
    assert plain(Lifelines(cafe())).splitlines()[-1].endswith("▶ lives on")
    assert "▶ lived until the process ended" in plain(Lifelines(cafe(end=True)))
    assert "● born · ○ freed · ━ used by a request · ─ alive but not used" in plain(
        Lifelines(cafe())
    )


def test_a_process_without_requests_or_objects_is_drawn() -> None:
    """There is nothing yet, and that is said."""
    text = drawn(Story())
    assert "0 requests" in text
    assert "nothing was seen being built yet" in text


def test_an_object_built_between_requests_begins_in_the_column_of_the_newest() -> None:
    """Boot is what comes before the first request, nothing later."""
    story = Story()
    for _ in range(2):
        with story.request():
            pass
    story.built("boot", ("thread", "mailer"))
    text = drawn(story)
    assert row(text, "mailer").index("●") == text.splitlines()[1].index("#2")


def test_colour_adds_codes_and_changes_no_character(process: Process) -> None:
    """Nothing is told by colour alone."""
    coloured = to_text(Lifelines(process), width=118, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == plain(Lifelines(process))
    assert ESCAPE not in plain(Lifelines(process))


def test_ascii_streams_get_ascii_lines(process: Process) -> None:
    """Every mark has a character of its own."""
    text = plain(Lifelines(process), encoding="ascii")
    assert text.isascii()
    assert "?" not in text
    assert "o==x" in row(text, "QuerySet")
    assert row(text, "settings").rstrip().endswith("> process")


def test_hostile_names_are_escaped() -> None:
    """Names of objects, holders, threads and servers."""
    story = Story(server="\x1b[2J", mode="\x07")
    story.thread(1, "\x1b[31m")
    with story.request() as now:
        token = now.builds("form", "\x1b[31mForm[bold]")
    with story.request(thread=4):
        pass
    story.collects()
    story.held(token, "a.\x9bb")
    text = drawn(story, 200)
    assert ESCAPE not in text
    assert "\\x1b[31mForm[bold]" in text
    assert "a.\\x9bb" in text


def test_of_too_many_rows_those_that_tell_most_are_drawn() -> None:
    """What every request used stays, what one request used goes."""
    story = Story()
    tokens = story.built("boot", *((f"kind{index}", f"Thing{index}") for index in range(60)))
    for number in range(3):
        with story.request() as now:
            now.uses(tokens[59], *(tokens if number == 0 else ()))
    text = drawn(story)
    assert row(text, "Thing59")
    assert "20 more kinds in the ledger: 20 process" in text


def test_what_no_request_used_is_one_row_whatever_it_is() -> None:
    """It has no story to tell apart."""
    story = Story()
    story.built("before", ("app", "app cafe"), ("model", "model Dish"), ("admin", "admin site"))
    assert "undecided · not used by a request" in row(drawn(story), "app cafe + 2")


def test_every_other_scope_gives_way_before_a_kept_object_does() -> None:
    """Thirty kinds kept, thirty of requests: all of the first and ten of the others are drawn."""
    story = Story()
    with story.request() as now:
        for index in range(30):
            now.builds(f"kept{index}", f"Kept{index}")
            story.dies(now.builds(f"kind{index}", f"Thing{index}"))
    story.collects()
    text = drawn(story)
    assert text.count("KEPT since #1") == 30
    assert "and 20 more kinds in the ledger: 20 request" in text
