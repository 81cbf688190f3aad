"""The objects in a timeline: those of its stages, and what became of those of the request."""

from __future__ import annotations

from dataclasses import replace

from tests.render.drawing import (
    draw_timeline,
    plain,
    row,
)
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import Timeline
from tracer.render.layout.theme import TIMES


def test_the_scope_of_each_object_is_shown_as_a_word(process: Process) -> None:
    """Beside its colour."""
    text = plain(Timeline(process, process.requests[0]))
    assert " process " in row(text, "SecurityMiddleware")
    assert " thread " in row(text, "SQL SELECT cafe_dish")
    assert " connection " in row(text, "connection open default")
    assert " request " in row(text, "view cafe.views.Menu.get")


def test_uses_are_counted_up_to_this_request(process: Process) -> None:
    """The first request shows use 1 although five more have followed."""
    for number, request in enumerate(process.requests, 1):
        text = plain(Timeline(process, request))
        assert f"built at boot · use {number}" in row(text, "SecurityMiddleware")
    assert "built in #1 · use 2" in row(
        plain(Timeline(process, process.requests[1])), "template cafe/menu.html"
    )


def test_uses_are_counted_where_other_requests_are_not_known(process: Process) -> None:
    """Of a long run only the first requests and the newest ones are remembered."""
    for known in (process.requests[:1], [*process.requests[:2], *process.requests[4:]]):
        some = replace(process, requests=known)
        for request in known:
            text = plain(Timeline(some, request))
            assert f"built at boot · use {request.number}" in row(text, "SecurityMiddleware")


def test_a_scope_taken_from_earlier_objects_is_marked_and_explained(process: Process) -> None:
    """The last request's view is undecided; those before it were freed with their requests."""
    text = plain(Timeline(process, process.requests[5]))
    assert "≈ request" in row(text, "view cafe.views.Menu.get")
    assert "≈ undecided, shown is what earlier ones turned out to be" in text


def test_an_undecided_object_without_earlier_ones_is_shown_as_not_known() -> None:
    """No scope is guessed."""
    sample = SampleProcess()
    with sample.request() as now:
        view = now.builds("view", "Menu view")
        now.does("view", "cafe.views.Menu", view)
    text = draw_timeline(sample)
    assert "not known yet" in row(text, "view cafe.views.Menu")
    assert "≈" not in text


def test_a_kept_object_names_its_holder() -> None:
    """The row of its stage shows KEPT and what holds it."""
    sample = SampleProcess()
    for index in range(3):
        with sample.request() as now:
            basket = now.builds("watched", "Basket")
            now.does("watched", "Basket.add", basket)
        sample.held(basket, f"cafe.views.RECENT[{index}]")
    assert "KEPT" not in draw_timeline(sample)
    sample.walks()
    for number in (1, 2, 3):
        text = draw_timeline(sample, number=number)
        assert "KEPT" in row(text, "Basket.add")
        assert f"held by cafe.views.RECENT[{number - 1}]" in text


def test_the_notes_say_what_became_of_the_requests_objects(process: Process) -> None:
    """Counts and names, in words."""
    first = plain(Timeline(process, process.requests[0]), 200)
    assert "born 61 → 4 freed with it · 0 kept · 3 freed by the collector" in first
    assert f"54 stay for later requests: URLResolver '^/', URLPattern {TIMES} 48" in first
    assert "imported 26 modules: cafe.part_0, cafe.part_1, cafe.part_2 and 23 more" in first
    assert "the tracer's own share: 120 µs, 2%" in first
    assert "1 KEPT: Basket" in plain(Timeline(process, process.requests[4]))
    last = plain(Timeline(process, process.requests[5]))
    assert "3 undecided: WSGIRequest, RequestContext, Menu view" in last


def test_the_notes_say_what_is_missing_in_the_recording() -> None:
    """No close, births beyond the limit, no status, unknown status, a collection inside."""
    sample = SampleProcess()
    with sample.request(ending="never closed", uncounted=312, status=None, size=None) as now:
        now.does("collection", "generation 2", took=800)
    with sample.request(status=799, uncounted=0):
        pass
    text = draw_timeline(sample, 200)
    assert "never closed: the server skipped the response's close()" in text
    assert "312 more births not watched" in text
    assert "no response" in text
    assert "1 garbage collection inside it, 800 µs" in text
    assert "nothing born" in text
    assert "  799  " in draw_timeline(sample, number=2)


def test_a_request_without_stages_is_a_heading_and_its_notes() -> None:
    """It is drawn without an error."""
    sample = SampleProcess()
    with sample.request("/nothing/"):
        pass
    assert "GET /nothing/" in draw_timeline(sample)


def test_long_names_are_cropped_so_that_the_count_is_seen() -> None:
    """Each name is cropped, not the whole line."""
    sample = SampleProcess()
    with sample.request(imports=tuple(f"package.{'x' * 40}.m{i}" for i in range(9))) as now:
        for index in range(9):
            now.builds(f"kind{index}", f"Thing{index}{'y' * 40}")
    text = draw_timeline(sample, 118)
    assert text.count("and 6 more") == 2
    assert "xxx.m2 and 6 more" in text
