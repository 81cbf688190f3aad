"""The rows of the lifelines: which objects share one, and which rows are drawn."""

from __future__ import annotations

from tests.render.drawing import draw_lifelines, plain, row
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import Lifelines
from tracer.render.layout.theme import TIMES


def request_rows(process: Process) -> list[str]:
    """Returns the rows of the WSGIRequests."""
    lines = plain(Lifelines(process)).splitlines()
    return [line for line in lines if line.startswith(" WSGIRequest")]


def leaks_each(sample: SampleProcess, *names: str) -> None:
    """Serves requests that each leave an object of each name, in a list of its own."""
    for number in range(3):
        with sample.request() as now:
            for name in names:
                token = now.builds(name, name)
                sample.held(token, f"cafe.views.{name}[{number}]")
    sample.walks()


def test_the_rows_are_ordered_by_scope(process: Process) -> None:
    """Process comes first and undecided last."""
    text = plain(Lifelines(process))
    rows = ["settings", "Template cafe/menu.html", "DatabaseWrapper", "QuerySet", "Basket " + TIMES]
    places = [*(text.index(name) for name in rows), text.rindex("Menu view")]
    assert places == sorted(places)


def test_objects_that_died_in_the_same_column_share_a_line(process: Process) -> None:
    """Those of two requests died in one collection, and that of a later one in another."""
    late, *_ = request_rows(process)
    assert f"{TIMES} 3" in late
    assert late.count("●") == 3
    assert late.count("○") == 2


def test_objects_of_which_another_sentence_is_true_have_a_row_of_their_own(
    process: Process,
) -> None:
    """Freed late by the collector, freed by it before a later request began, undecided."""
    late, early, undecided = request_rows(process)
    assert late.endswith("request · freed late, by the collector")
    assert early.endswith("request · freed by the collector")
    assert early.count("●") == early.count("○") == 2
    assert "undecided" in undecided


def test_each_holder_has_a_row_of_its_own() -> None:
    """Though the objects are of one name, and one request leaves one with each."""
    sample = SampleProcess()
    for number in range(3):
        with sample.request() as now:
            for holder in ("cafe.views.RECENT", "cafe.log.BUFFER"):
                sample.held(now.builds("watched", "Basket"), f"{holder}[{number}]")
    sample.walks()
    rows = [line for line in draw_lifelines(sample).splitlines() if line.startswith(" Basket")]
    assert [line.rpartition("by ")[2] for line in rows] == [
        "cafe.views.RECENT[…]",
        "cafe.log.BUFFER[…]",
    ]


def test_lives_of_one_name_that_overlap_but_end_apart_get_a_row_each() -> None:
    """No line runs through another."""
    sample = SampleProcess()
    with sample.request() as now:
        first = now.builds("view", "Menu view")
    with sample.request() as now:
        second = now.builds("view", "Menu view")
    with sample.request():
        sample.collects()
    sample.dies(first, how="collector")
    with sample.request():
        pass
    sample.dies(second, how="collector")
    rows = [line for line in draw_lifelines(sample).splitlines() if line.startswith(" Menu view")]
    assert len(rows) == 2
    assert all(line.count("●") == line.count("○") == 1 for line in rows)


def test_many_alike_objects_fold_into_one_row(process: Process) -> None:
    """48 patterns share a row, and so do seven middleware of different classes."""
    text = plain(Lifelines(process))
    assert "process · built on first use, in #1" in row(text, f"URLPattern {TIMES} 48")
    assert row(text, "SecurityMiddleware + 6")
    assert "SessionMiddleware" not in text


def test_a_resource_stands_below_its_owner(process: Process) -> None:
    """It is indented, whatever its own scope."""
    lines = plain(Lifelines(process)).splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith(" DatabaseWrapper"))
    assert lines[index + 1].startswith("   sqlite connection")
    assert "connection · used by up to 4 requests" in lines[index + 1]


def test_of_too_many_rows_some_are_counted_but_kept_ones_are_drawn() -> None:
    """Sixty kinds of request objects lose rows to those that a list keeps."""
    sample = SampleProcess()
    sample.leaks("Basket")
    with sample.request() as now:
        for index in range(60):
            sample.dies(now.builds(f"kind{index}", f"Thing{index}"))
    text = draw_lifelines(sample)
    assert "KEPT since #1" in text
    assert len(text.splitlines()) < 46
    assert "and 21 more kinds in the ledger: 21 request" in text


def test_kept_ones_that_do_not_fit_are_counted_as_kept() -> None:
    """There is a limit for them too."""
    sample = SampleProcess()
    leaks_each(sample, *(f"Thing{index}" for index in range(60)))
    assert "and 20 more kinds in the ledger: 60 KEPT" in draw_lifelines(sample)


def test_of_too_many_rows_the_most_used_are_drawn() -> None:
    """An object that every request used is drawn before one of a single request."""
    sample = SampleProcess()
    tokens = sample.built("boot", *((f"kind{index}", f"Thing{index}") for index in range(60)))
    for number in range(3):
        with sample.request() as now:
            now.uses(tokens[59], *(tokens if number == 0 else ()))
    text = draw_lifelines(sample)
    assert row(text, "Thing59")
    assert "20 more kinds in the ledger: 20 process" in text


def test_unused_objects_share_a_row_whatever_their_kind() -> None:
    """Nothing but their names would distinguish the rows."""
    sample = SampleProcess()
    sample.built("before", ("app", "app cafe"), ("model", "model Dish"), ("admin", "admin site"))
    words = "undecided · nobody has looked yet for what holds it"
    assert words in row(draw_lifelines(sample), "app cafe + 2")


def test_every_other_scope_gives_way_before_a_kept_object_does() -> None:
    """Thirty kinds kept, thirty of requests: all of the first and ten of the others are drawn."""
    sample = SampleProcess()
    leaks_each(sample, *(f"Kept{index}" for index in range(30)))
    with sample.request() as now:
        for index in range(30):
            sample.dies(now.builds(f"kind{index}", f"Thing{index}"))
    text = draw_lifelines(sample)
    assert text.count("KEPT since #1") == 30
    assert "and 20 more kinds in the ledger: 20 request" in text
