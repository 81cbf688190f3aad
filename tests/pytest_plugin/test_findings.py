"""What a run found is counted, sent, added up and told right."""

from __future__ import annotations

from dataclasses import replace

from tests.support.journals import request as plain
from tracer.model import Request, Span, assemble, stages
from tracer.model.known import spot_of
from tracer.pytest_plugin.report import Cost, Findings, Left, own_times
from tracer.pytest_plugin.suite import fitting


def nested() -> Request:
    """A request through two layers, one of them with a hook; nanoseconds."""
    (recorded,) = plain(1)
    made = assemble.request(recorded, "MainThread", 0.0)
    spans = (
        Span(stages.MIDDLEWARE, "Outer", None, 0, 100),
        Span(stages.MIDDLEWARE, "Inner", 0, 10, 80),
        Span(stages.HOOK, "Outer.process_view", 1, 20, 25),
        Span(stages.VIEW, "shop.views.page", 1, 30, 70),
        Span(stages.QUERY, "SELECT shop", 3, 40, 60),
    )
    return replace(made, spans=spans)


def test_a_layer_is_charged_with_its_own_time_alone() -> None:
    """Neither with the layers inside it nor with the view; its hooks are its own."""
    assert list(own_times(nested())) == [("Outer", 30), ("Inner", 25), ("Outer", 5)]
    findings = Findings()
    findings.served(nested())
    findings.served(nested())
    assert findings.costs == {"Outer": Cost(2, 70), "Inner": Cost(2, 50)}


def test_the_innermost_layer_is_not_charged_with_what_django_does_inside_it() -> None:
    """Finding and importing what a template needs has no row, and is no layer's work."""
    spans = (
        Span(stages.MIDDLEWARE, "Inner", None, 0, 200),
        Span(stages.QUERY, "SELECT session", 0, 5, 10),
        Span(stages.RESOLVE, "shop.views.page", 0, 20, 25),
        Span(stages.VIEW, "shop.views.page", 0, 30, 70),
        Span(stages.TEMPLATE, "page.html", 0, 170, 180),
        Span(stages.QUERY, "UPDATE session", 0, 185, 190),
    )
    made = replace(nested(), spans=spans)
    # In: 20, of which a query took 5. Out: 20, of which another took 5.
    assert list(own_times(made)) == [("Inner", 30)]


def found() -> Findings:
    """What one worker found."""
    findings = Findings(started=True, tests=3, asking=2, accepted=4, held_by_tests=1, looking=1.5)
    findings.served(nested())
    findings.left = [
        left("t.py::one", "WSGIRequest", "shop.RECENT[0]"),
        left("t.py::one", "SessionStore", "shop.RECENT[0].session"),
        left("t.py::one", "Basket", "shop.BASKETS[0]"),
        left("t.py::one", "Basket", "shop.BASKETS[1]"),
        left("t.py::two", "WSGIRequest", "shop.RECENT[1]"),
    ]
    findings.expected = ["lib.SEEN[*]", "lib.cache['…']"]
    findings.met = ["lib.cache[*]"]
    return findings


def left(test: str, name: str, path: str) -> Left:
    """An object that a test left there."""
    return Left(test, name, f"shop.{name}", path, spot_of(path))


def test_what_workers_found_is_added_up() -> None:
    """After it was sent as text."""
    whole = Findings()
    for _ in range(2):
        whole.add(Findings.loads(found().dumps()))
    assert (whole.started, whole.tests, whole.asking, whole.requests) == (True, 6, 4, 2)
    assert len(whole.left) == 10
    assert whole.costs["Outer"] == Cost(2, 70)
    said = "\n".join(whole.lines())
    assert "a full collection was run and a walk through the heap: 3.0 s." in said
    assert "Accepted by the baseline: 8 objects." in said
    assert "Not counted: 2 objects that fixtures" in said


def test_the_report_names_what_holds_and_counts_what_it_reaches() -> None:
    """Objects in one place stand in one line."""
    lines = list(found().lines())
    start = lines.index("  t.py::one")
    assert lines[start - 1] == "2 tests left something of their requests behind:"
    assert lines[start + 1 : start + 5] == [
        "    2 Basket, held by shop.BASKETS[…]",
        "    WSGIRequest and 1 object that it reaches, held by shop.RECENT[0]",
        "  t.py::two",
        "    WSGIRequest, held by shop.RECENT[1]",
    ]


def test_an_accepted_finding_that_no_worker_met_is_said_once() -> None:
    """However its items are written; one that any worker has met is not."""
    whole = Findings()
    for expected, met in ((["lib.SEEN[*]"], []), (["lib.SEEN[*]", "lib.a['…']"], ["lib.a[*]"])):
        whole.add(Findings(started=True, expected=expected, met=met))
    said = [line for line in whole.lines() if "not met" in line]
    assert said == ["In the baseline, and not met in this run: lib.SEEN[*]"]


def test_a_long_line_is_broken_between_words() -> None:
    """Further pieces stand under the first; a path stays whole, so that it can be copied."""
    path = "shop.views.a_module_level_name_that_is_longer_than_the_screen_is_wide[0]"
    assert fitting("    Basket", 40) == ["    Basket"]
    assert fitting(f"    Basket and 4 objects that it reaches, held by {path}", 40) == [
        "    Basket and 4 objects that it",
        "      reaches, held by",
        f"      {path}",
    ]
