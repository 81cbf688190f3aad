"""Objects that a fork handed down are drawn as inherited, and never as built again."""

from __future__ import annotations

from tests.render.drawing import WIDTHS, plain, row, widest
from tests.render.sample_process import SampleProcess
from tracer.model import Process, scope
from tracer.render import Ledger, Lifelines, Timeline
from tracer.render.pictures.overview import Overview


def worker(built: str = "") -> Process:
    """Returns a preloaded worker that served twice; `built` is an object that it built itself."""
    sample = SampleProcess()
    handler, layer, _ = sample.built(
        "inherited", ("handler", "WSGIHandler"), ("middleware", "Doorbell"), ("signal", "Signal")
    )
    if built:
        sample.built(built, ("thread", "mailer"))
    for _ in range(2):
        with sample.request("/menu/") as now:
            now.uses(handler)
            now.does("middleware", "Doorbell", layer)
    return sample.process()


def test_an_inherited_object_that_was_used_has_scope_process() -> None:
    """As an object that was built at boot has."""
    found = {life.name: life for life in worker().lifetimes}
    for name in ("WSGIHandler", "Doorbell"):
        assert (found[name].phase, found[name].scope) == ("inherited", scope.PROCESS)
        assert found[name].built_in is None
    assert found["Signal"].scope == scope.UNDECIDED


def test_the_lifelines_have_a_column_for_inherited_objects() -> None:
    """And none for boot, if nothing was built there."""
    for width in (80, 118, 200):
        lines = plain(Lifelines(worker()), width).splitlines()
        head = lines[1]
        assert head.split()[:3] == ["inherited", "#1", "#2"]
        handler = row("\n".join(lines), "WSGIHandler")
        assert handler.index("●") == head.index("inherited")


def test_objects_that_a_worker_built_itself_have_another_column() -> None:
    """Objects from before tracing have none where there is no room."""
    heads = {
        ("boot", 80): ["inherited", "boot", "#1", "#2"],
        ("boot", 118): ["inherited", "boot", "#1", "#2"],
        ("before", 80): ["inherited", "boot", "#1", "#2"],
        ("before", 118): ["before", "inherited", "boot", "#1", "#2"],
    }
    for (phase, width), expected in heads.items():
        text = plain(Lifelines(worker(built=phase)), width)
        assert text.splitlines()[1].split()[: len(expected)] == expected
        own = "before" if "before" in expected else "boot"
        assert row(text, "mailer").index("●") == text.splitlines()[1].index(f" {own}") + 1


def test_a_timeline_names_the_process_from_which_an_object_was_inherited() -> None:
    """By its pid; where there is no room for that, its use is still shown."""
    process = worker()
    text = plain(Timeline(process, process.requests[1]), 200)
    assert "inherited · use 2 · from 48200" in row(text, "Doorbell")
    assert "built at boot" not in text
    assert "inherited · use 2 ·" in row(plain(Timeline(process, process.requests[1])), "Doorbell")


def test_the_overview_counts_inherited_objects() -> None:
    """Objects that the worker built itself are counted apart."""
    text = plain(Overview(worker()))
    assert "WSGIHandler" in row(text, "inherited from process 48200: 3")
    assert "built at boot" not in text
    assert "built before tracing" not in text
    assert row(plain(Overview(worker(built="boot"))), "built at boot: 1")
    assert row(plain(Overview(worker(built="before"))), "built before tracing: 1")


def test_the_ledger_says_that_the_first_was_inherited() -> None:
    """In the column for where the first one was built."""
    assert " inherited " in row(plain(Ledger(worker())), "WSGIHandler")


def test_no_line_is_wider_than_the_terminal() -> None:
    """With three columns before the first request."""
    for width in WIDTHS:
        assert widest(plain(Lifelines(worker(built="before")), width)) <= width
