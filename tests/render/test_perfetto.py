"""The trace-event format: its rules are kept, and every event stands at its time."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.support.recorded import recorded
from tracer.model import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    Fact,
    History,
    Process,
    ProcessStarted,
    Request,
    Span,
    ThreadSeen,
)
from tracer.render.formats.perfetto import perfetto_text

SECOND = 10**9
MS = 10**6
WALL = 1_790_000_000
PHASES = {"X", "i", "b", "e", "M"}


def process_of(
    *facts: Fact | Request, pid: int = 31, started: float = WALL + 1, begun: int = SECOND
) -> Process:
    """Returns the process of these facts."""
    history = History()
    history.feed(ProcessStarted(pid, 1, "gunicorn", "gthread", "3.11.7", "5.2.1", started, begun))
    for fact in facts:
        history.feed(recorded(fact) if isinstance(fact, Request) else fact)
    return history.snapshot()


def request(number: int, begun: int, spans: tuple[Span, ...] = (), **more: Any) -> Request:
    """Returns a request of 10 ms, whose process's clock showed 0 at `WALL`."""
    about: dict[str, Any] = {
        "path": "/menu/",
        "thread": 1,
        "closed": begun + 10 * MS,
        "births": (),
        **more,
    }
    return Request(
        number=number,
        method="GET",
        status=200,
        thread_name="MainThread",
        started=WALL + begun / SECOND,
        begun=begun,
        size=10,
        watching=0,
        spans=spans,
        seen=(),
        **about,
    )


def stage(start: int, end: int, name: str = "view", thread: int = 1, **more: Any) -> Span:
    """Returns a stage; times in milliseconds."""
    return Span("view", name, None, start * MS, end * MS, thread=thread, **more)


def events(*processes: Process, phase: str = "") -> list[dict[str, Any]]:
    """Returns the events, of one phase or all, after checking every rule of the format."""
    trace = json.loads("".join(perfetto_text(processes)), parse_constant=pytest.fail)
    check(trace)
    return [each for each in trace["traceEvents"] if phase in ("", each["ph"])]


def check(trace: dict[str, Any]) -> None:
    """Checks a trace: each phase's own fields, nesting, and pairs that close."""
    assert isinstance(trace["traceEvents"], list)
    opened: dict[tuple[Any, ...], list[float]] = {}
    for event in trace["traceEvents"]:
        assert event["ph"] in PHASES
        assert isinstance(event["name"], str)
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert isinstance(event["args"], dict)
        if event["ph"] == "M":
            continue
        assert event["cat"]
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] > 0
        if event["ph"] == "i":
            assert event["s"] in ("t", "p", "g")
        if event["ph"] in "be":
            assert int(event["id"], 16) >= 0
            key = event["pid"], event["cat"], event["id"], event["name"]
            if event["ph"] == "b":
                opened.setdefault(key, []).append(event["ts"])
            else:
                assert opened[key].pop() <= event["ts"]
    assert not any(opened.values()), "every slice is closed"
    tracks: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            ends = event["ts"], event["ts"] + event["dur"]
            tracks.setdefault((event["pid"], event["tid"]), []).append(ends)
    for slices in tracks.values():
        check_nesting(slices)


def check_nesting(slices: list[tuple[float, float]]) -> None:
    """Checks that a track's events are apart or one holds the other; to a thousandth of a µs."""
    stack: list[float] = []
    for start, end in sorted(slices, key=lambda each: (each[0], -each[1])):
        while stack and stack[-1] <= start + 0.0005:
            stack.pop()
        assert not stack or end <= stack[-1] + 0.0005
        stack.append(end)


def test_a_process_and_its_threads_have_names() -> None:
    """Metadata come before the events that need them."""
    process = process_of(
        ThreadSeen(1, "MainThread", 0), ThreadSeen(2, "pool_0", 0),
        request(1, SECOND, (stage(1, 2), stage(3, 4, thread=2))),
    )  # fmt: skip
    found = events(process)
    names = {(each["name"], each["tid"]): each["args"] for each in found if each["ph"] == "M"}
    assert names["process_name", 0] == {"name": "gunicorn gthread · pid 31"}
    assert names["process_labels", 0] == {"labels": "Python 3.11.7, Django 5.2.1"}
    assert names["thread_name", 1] == {"name": "MainThread"}
    assert names["thread_name", 2] == {"name": "pool_0"}
    phases = [each["ph"] for each in found]
    assert "M" not in phases[phases.index("X") :]


def test_a_request_is_an_event_around_its_stages() -> None:
    """It has the method, the path and the status."""
    process = process_of(request(1, SECOND, (stage(1, 9, "Menu.get", detail="new instance"),)))
    whole, inner = events(process, phase="X")
    assert (whole["name"], whole["cat"], whole["dur"]) == ("GET /menu/", "request", 10_000)
    assert whole["args"]["number"] == 1
    assert (whole["args"]["path"], whole["args"]["status"]) == ("/menu/", 200)
    assert (inner["name"], inner["cat"], inner["dur"]) == ("Menu.get", "view", 8_000)
    assert inner["ts"] - whole["ts"] == pytest.approx(1_000)
    assert inner["args"] == {"request": 1, "detail": "new instance"}


def test_a_stage_that_took_no_time_is_an_instant_of_its_thread() -> None:
    """A complete event without duration would be invisible."""
    (instant,) = events(process_of(request(1, SECOND, (stage(2, 2, "response"),))), phase="i")
    assert (instant["name"], instant["s"], instant["tid"]) == ("response", "t", 1)


def test_requests_that_share_a_thread_at_a_time_get_tracks_of_their_own() -> None:
    """As on an event loop: no request overlaps or seems to contain another."""
    process = process_of(
        ThreadSeen(1, "MainThread", 0),
        request(1, SECOND, (stage(1, 9, "long"),)),
        request(2, SECOND + 5 * MS, (stage(1, 9, "crossing"),)),
        request(3, SECOND + 2 * MS, (stage(0, 1, "within"),), closed=SECOND + 4 * MS),
    )
    found = {each["name"]: each["tid"] for each in events(process, phase="X")}
    assert len({found["long"], found["crossing"], found["within"]}) >= 2
    assert found["long"] not in (found["crossing"], found["within"])
    names = {
        each["tid"]: each["args"]["name"]
        for each in events(process, phase="M")
        if each["name"] == "thread_name"
    }
    assert (names[found["long"]], names[found["crossing"]]) == ("MainThread", "MainThread (2)")


@pytest.mark.parametrize("seed", range(5))
def test_complete_events_nest_whatever_was_recorded(seed: int) -> None:
    """Stages of one request that overlap, on shared threads, in any order."""
    numbers = itertools.cycle(((seed + 1) * 37 + step * step * 11) % 97 for step in range(97))
    requests = []
    for number in range(1, 40):
        begun = SECOND + next(numbers) * MS // 3
        spans = tuple(
            stage(start := next(numbers) % 12, start + next(numbers) % 9, thread=next(numbers) % 3)
            for _ in range(8)
        )
        requests.append(request(number, begun, spans, thread=next(numbers) % 2))
    process = process_of(*requests)
    drawn = events(process)
    assert sum(each["ph"] in "Xi" for each in drawn) == 39 * 9


def test_a_life_is_a_slice_of_its_scope() -> None:
    """From birth to death; that of a living object goes on to the last event."""
    process = process_of(
        Built((Birth(5, "handler", "x.Handler", "WSGIHandler", SECOND, 1, "boot"),)),
        request(
            1, 2 * SECOND, births=(Birth(6, "view", "x.Menu", "Menu view", 2 * SECOND, 1),)
        ),
        Deaths((Died(6, 3 * SECOND, "collector"),)),
        Barrier(3 * SECOND, "collector"),
    )  # fmt: skip
    lives = {
        (each["name"], each["ph"]): each for each in events(process) if each["ph"] in ("b", "e")
    }
    begin, end = lives["Menu view", "b"], lives["Menu view", "e"]
    assert (begin["cat"], begin["args"]["built in"]) == ("request", "request 1")
    assert end["ts"] - begin["ts"] == pytest.approx(1e6)
    assert end["args"] == {"freed": "collector"}
    alive = lives["WSGIHandler", "e"]
    assert (alive["args"], alive["ts"]) == ({"freed": "still alive"}, end["ts"])
    (barrier,) = (each for each in events(process, phase="i"))
    assert (barrier["name"], barrier["s"], barrier["ts"]) == ("full collection", "p", end["ts"])


def test_processes_stand_side_by_side_by_the_wall_clock() -> None:
    """Their monotonic clocks may have begun at any time."""
    first = process_of(request(1, 5 * SECOND), pid=31)
    second = process_of(request(1, 70 * SECOND), pid=32, started=WALL + 5.25, begun=70 * SECOND)
    one, two = events(first, second, phase="X")
    assert (one["pid"], two["pid"]) == (31, 32)
    assert two["ts"] - one["ts"] == pytest.approx(250_000, abs=1)


def test_two_processes_of_one_pid_are_two() -> None:
    """An operating system reuses pids."""
    found = events(process_of(request(1, SECOND)), process_of(request(1, SECOND)), phase="X")
    assert len({each["pid"] for each in found}) == 2


def test_a_recorded_boot_is_drawn() -> None:
    """Its stages count from the interpreter's start."""
    process = process_of(
        Boot(SECOND, (Span("settings", "cafe_site.settings", None, 0, 40 * MS),)),
        request(1, 2 * SECOND),
    )
    boot, first = events(process, phase="X")
    assert (boot["name"], boot["cat"], boot["dur"]) == ("cafe_site.settings", "settings", 40_000)
    assert first["ts"] - boot["ts"] == pytest.approx(1e6)


def test_a_process_without_requests_has_a_name_and_nothing_more() -> None:
    """An empty journal is no fault, either."""
    assert {each["ph"] for each in events(process_of())} == {"M"}
    assert events() == []


def test_names_from_outside_are_made_safe() -> None:
    """Lone surrogates are no Unicode, and readers of JSON refuse them."""
    process = process_of(request(1, SECOND, path="/caf\udce9/\u202e"))
    (whole,) = events(process, phase="X")
    assert whole["args"]["path"] == "/caf\\udce9/\\u202e"
