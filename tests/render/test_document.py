"""The JSON document."""

from __future__ import annotations

import json

import pytest

from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import document


def test_it_can_be_written_as_json_and_read_back(process: Process) -> None:
    """It holds JSON's types only."""
    whole = document([process, process])
    assert json.loads(json.dumps(whole)) == whole
    assert whole["format"] == 1
    assert len(whole["processes"]) == 2


def test_a_process_has_its_fields(process: Process) -> None:
    """Names stay; fields may be added."""
    (found,) = document([process])["processes"]
    assert {"pid", "parent", "server", "python", "django", "started", "requests", "lifetimes"} <= (
        found.keys()
    )
    assert (found["pid"], found["parent"], found["server"]) == (48213, 48200, "gunicorn")
    assert found["started"] == "2026-09-21T14:13:20.000+00:00"


def test_a_request_has_its_fields_and_counts(process: Process) -> None:
    """Milliseconds are floats, counts are integers."""
    first = document([process])["processes"][0]["requests"][0]
    expected = {
        "number": 1,
        "method": "GET",
        "path": "/menu/?page=…",
        "status": 200,
        "thread": "ThreadPoolExecutor-0_0",
        "bytes": 1900,
        "watching_ms": 0.12,
        "born": 61,
        "freed_with_response": 4,
        "waiting_for_collector": 0,
        "kept": 0,
        "imports": 26,
    }
    assert {name: first[name] for name in expected} == expected
    assert first["duration_ms"] == pytest.approx(5.2, abs=0.1)
    assert first["started"].startswith("2026-09-21T14:13:20")


def test_a_span_names_its_object_by_the_id_of_a_lifetime(process: Process) -> None:
    """Or by none; never by an id without a lifetime."""
    found = document([process])["processes"][0]
    ids = {life["id"] for life in found["lifetimes"]}
    spans = found["requests"][0]["spans"]
    assert {span["object"] for span in spans} - {None} <= ids
    span = next(span for span in spans if span["stage"] == "query")
    assert span["name"] == "SELECT cafe_dish"
    assert spans[span["parent"]]["name"] == "cafe/base.html"
    assert 0 < span["start_ms"] < span["end_ms"]
    assert span["detail"] == "default · 20 rows"
    assert span["thread"] == "ThreadPoolExecutor-0_0"


def test_an_object_that_is_no_longer_remembered_is_null() -> None:
    """Its token would name nothing in the document."""
    sample = SampleProcess()
    with sample.request() as now:
        now.does("view", "page", 999)
    found = document([sample.process()])["processes"][0]
    assert found["requests"][0]["spans"][0]["object"] is None


def test_a_lifetime_has_its_fields(process: Process) -> None:
    """From birth to death."""
    lives = document([process])["processes"][0]["lifetimes"]
    kept = [life for life in lives if life["scope"] == "kept"]
    assert {"id", "name", "class", "scope", "built_in", "freed", "freed_after", "requests",
            "held_by"} <= kept[0].keys()  # fmt: skip
    assert [life["built_in"] for life in kept] == [3, 4, 5]
    assert [life["held_by"] for life in kept] == [f"cafe.views.RECENT[{i}]" for i in range(3)]
    assert {(life["spot"], life["root"]) for life in kept} == {("cafe.views.RECENT[*]", "module")}
    assert kept[0]["class"] == "watcheds.Basket"
    late = next(life for life in lives if life["name"] == "WSGIRequest")
    assert (late["freed"], late["freed_after"], late["scope"]) == ("collector", 2, "request")
    boot = next(life for life in lives if life["name"] == "WSGIHandler")
    assert (boot["built_in"], boot["freed"], boot["requests"]) == (None, None, 6)


def test_freed_is_null_or_one_of_four_words() -> None:
    """At the end of the process, all living objects are freed with it."""
    lives = document([cafe(end=True)])["processes"][0]["lifetimes"]
    assert {life["freed"] for life in lives} == {"response", "collector", "process"}
