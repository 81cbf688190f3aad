"""Of requests that are alike the journal fills in one line: it must be each one's own."""

from __future__ import annotations

import gc
import itertools
import random
import weakref
from typing import Any

import pytest

from tests.journal.recorded import STAGES, Thing, made, once_more
from tracer.journal.encode import encode
from tracer.journal.line_rows import MOST_KINDS
from tracer.journal.line_templates import Stencil
from tracer.journal.request_lines import Lines
from tracer.model.assemble import Assembly
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace


def test_a_request_like_the_last_two_is_filled_into_their_line(
    recorder: Recorder, assembly: Assembly
) -> None:
    """Other times, tokens, addresses: the third of a kind is not written anew, and says the same.

    Whatever else is different about it is noticed.
    """
    lines = Lines(assembly)
    again, anew = lines._anew, []
    lines._anew = lambda trace, standing: anew.append(trace.number) or again(trace, standing)  # type: ignore[method-assign, assignment, func-returns-value]

    def request(
        path: str = "/", status: int = 200, late: int = 0, token: int | None = 0, **changes: Any
    ) -> bool:
        thing, other = Thing(), Thing()
        trace = recorder.begin(("GET", "", path, ""))
        at = trace.begun
        for each in (thing, other):
            own = recorder.weakrefs.watch(each)[0]
            number = recorder.classes.number(Thing)
            trace.births += [recorder.weakrefs.refs[own], own, "thing", number, None]
        trace.add((at + 1 + late, at + 5, ("middleware", 5, "Inner", "", "")))
        trace.add((at + 2, at + 7, ("connection", own, "open default", "sqlite", "")))
        trace.add((at + 8, at + 9, ("query", 4, "SELECT 1 FROM cafe_dish", ("default", -1), "")))
        trace.add((at + 9, at + 9, ("rows", None, 20, "", "")))
        trace.add((at + 10, at + 10, ("response", token, "HttpResponse", status, "")))
        trace.seen += [1, own, 2]
        trace.status, trace.responded = status, own - 1
        for name, value in changes.items():
            setattr(trace, name, value)
        recorder.finish(trace)
        assert lines._request(trace, [3]) == encode(assembly.request(trace, [3]))
        return trace.number not in anew

    recorder.weakrefs.tokens = itertools.count(10)
    assert [request() for _ in range(4)] == [False, False, True, True]
    assert request("/elsewhere/100%/")
    assert request(size=None)
    assert not request(size=5)
    assert not request(late=2), "another order"
    assert not request(status=404)
    assert not request(responded=None, token=None), "the response was not watched"
    assert not request(ending="never closed")
    assert not request(modules=["json"])
    assert request(), "it is still remembered"


def test_a_stencil_is_made_of_no_request_whose_stages_were_not_told_in_order(
    recorder: Recorder, assembly: Assembly
) -> None:
    """One that has the same stages side by side would be told to have them in each other."""
    lines, what = Lines(assembly), [("cache", 3, "get", ("key", "hit"), ""), STAGES[0][2]]
    for first, second in [((1, 10), (2, 5))] * 3 + [((1, 3), (4, 6))]:
        trace = made(recorder, (*first, what[0]), (*second, what[1]), first=100)
        assert lines._request(trace, ()) == encode(assembly.request(trace))


def test_a_request_is_filled_in_wherever_the_collector_came_and_however_often(
    recorder: Recorder, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes into most requests of a longer page, each time at another place."""
    kinds = (
        (130, 140, ("middleware", 5, "Inner", "", "")),
        (150, 170, ("query", 6, "SELECT 1 FROM cafe_dish", ("default", -1), "")),
        (170, 170, ("rows", None, 20, "", "")),
        (120, 190, ("middleware", 4, "Outer", "", "")),
        (210, 230, ("close", None, "100 %", "", "")),
    )
    filled: list[bool] = []

    def fill(*args: Any, **kwargs: Any) -> list[bytes | None] | None:
        found = real(*args, **kwargs)
        filled.append(found is not None and None not in found)
        return found

    real = Stencil.fill
    monkeypatch.setattr(Stencil, "fill", fill)
    lines, choose = Lines(assembly), random.Random(1)

    def ask(*places: tuple[int, int]) -> None:
        collected = [
            (start, end, ("collection", None, choose.randrange(3), choose.randrange(99), ""))
            for start, end in places
        ]
        trace = made(
            recorder, *sorted((*kinds, *collected), key=lambda event: event[1]), begun=100, first=50
        )
        assert lines._request(trace, ()) == encode(assembly.request(trace, ()))

    for start in (115, 125, 135):
        ask((start, start + 1))
    assert filled == [True]
    for first in (101, 121, 131, 141, 151, 172, 191, 211, 231):
        ask()
        ask((first, first + 2))
        ask((first, first + 2), (first + 4, first + 6), (250, 252))
    assert all(filled)
    assert len(filled) == 1 + 9 * 3
    # Something else happened while it was at work, or nobody can tell.
    for start, end in ((125, 145), (140, 145), (115, 120), (145, 150), (110, 240), (170, 170)):
        ask((start, end))
        assert not filled.pop()
    ask((101, 103), (102, 104))
    assert not filled.pop()
    for _ in range(300):
        starts = [choose.randrange(100, 240) for _ in range(choose.randrange(4))]
        ask(*[(start, start + choose.randrange(12)) for start in starts])
    assert 100 < filled.count(True) < len(filled)


def test_requests_that_came_together_are_each_written_as_if_alone_and_in_their_order(
    recorder: Recorder, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two views, on two threads, some with a collection, some unlike all others."""
    together: list[int] = []
    real = Stencil.fill

    def fill(self: Stencil, events: list[Any], *others: Any) -> list[bytes | None] | None:
        together.append(len(events) // self.size)
        return real(self, events, *others)

    monkeypatch.setattr(Stencil, "fill", fill)
    lines, choose, faults = Lines(assembly), random.Random(2), []
    late = (96, 96, ("response", 0, "HttpResponse", 200, "")), (10, 97, ("view", 0, None, "", ""))
    stages = STAGES[0], STAGES[1], STAGES[4], STAGES[5], STAGES[7], *late
    collection = (98, 99, ("collection", None, 0, 7, ""))
    within = (46, 55, ("collection", None, 2, 7, ""))

    def ask(number: int, *others: Any, **changes: Any) -> Trace:
        """One that begins where the one before it is over, with its own object."""
        events = sorted((*stages, *others), key=lambda event: event[1])
        events = [(1000 * number + start, 1000 * number + end, what) for start, end, what in events]
        token, _ = recorder.weakrefs.watch(thing := Thing())
        things.append(thing)
        births = [recorder.weakrefs.refs[token], token, "thing", Thing, None]
        usual = {"begun": 1000 * number, "births": births, "first": token, "status": 200}
        usual |= {"responded": token, "viewed": token}
        changes.setdefault("view", (f"views.view{choose.randrange(2)}", "", None))
        return made(recorder, *events, **{**usual, **changes})

    recorder.weakrefs.tokens = itertools.count(1000)
    things: list[Thing] = []
    odd: list[dict[str, Any]] = [
        {}, {}, {"status": 404}, {"method": "POST"}, {"thread": 77}, {"ending": "never closed"},
        {"view": ("views.view0", "", ["cannot", "be", "hashed"])}, {"modules": ["json"]},
        {"path": "/other/100%/", "query": "a=%d"}, {"size": 3}, {"responded": None},
        {"viewed": None},
    ]  # fmt: skip
    for changes in odd:
        collected = dict.fromkeys(choose.sample(range(60), 12), collection) | {40: within}
        traces = [
            ask(
                number,
                *([collected[number]] if number in collected else []),
                **(changes if number == 20 else {}),
            )
            for number in range(60)
        ]
        together.clear()
        expected = [encode(assembly.request(trace, [3])) for trace in traces]
        assert lines.requests(traces, [3], faults.append) == expected
        assert max(together) > 10
        assert sum(together) - together.count(1) > 30
    assert faults == []


def test_one_that_cannot_be_written_takes_no_other_along(
    recorder: Recorder, assembly: Assembly
) -> None:
    """It is told why there is no line of it."""
    lines, faults = Lines(assembly), []

    def path(trace: Trace) -> str:
        if trace.number in broken:
            raise RuntimeError(trace.number)
        return "/"

    broken: set[int] = set()
    assembly.path = path  # type: ignore[method-assign]
    trace = made(recorder, *STAGES[:2], first=100)
    several = [trace, *[trace := once_more(trace) for _ in range(9)]]
    assert len(lines.requests(several, [], faults.append)) == 10
    broken = {several[2].number, several[7].number}
    expected = [encode(assembly.request(each)) for each in several if each.number not in broken]
    assert lines.requests(several, [], faults.append) == expected
    assert [fault.args for fault in faults] == [(number,) for number in sorted(broken)]


def test_a_class_made_for_one_request_dies_though_its_birth_was_written(
    recorder: Recorder, assembly: Assembly
) -> None:
    """And another at its address is not taken for it."""
    lines = Lines(assembly)
    for number in range(30):
        cls = type(f"Made{number}", (), {})
        thing, gone = cls(), weakref.ref(cls)
        token, _ = recorder.weakrefs.watch(thing)
        trace = made(recorder, births=[recorder.weakrefs.refs[token], token, "thing", cls, None])
        assert f"Made{number}".encode() in lines.request(trace)
        del cls, thing, trace
        recorder.finished.clear()
        gc.collect()
        assert gone() is None


def test_what_is_remembered_of_stages_and_classes_is_bounded(
    recorder: Recorder, assembly: Assembly
) -> None:
    """However many different ones there are."""
    lines = Lines(assembly)
    token, _ = recorder.weakrefs.watch(Thing)
    for number in [each // 2 for each in range(6 * MOST_KINDS)]:
        births = [None, token, "thing", Thing, f"number {number}"]
        stage = (20, 30, ("middleware", 5, f"Layer{number}", "", ""))
        view = f"views.view{number}", "", None
        lines.request(made(recorder, stage, births=births, first=100, view=view))
        recorder.finished.clear()
        for known in (
            lines.rows._births,
            lines.rows._stages,
            lines.learning._met,
            lines.learning.stencils,
        ):
            assert len(known) <= MOST_KINDS
    assert (
        min(
            map(
                len,
                (
                    lines.rows._births,
                    lines.rows._stages,
                    lines.learning._met,
                    lines.learning.stencils,
                ),
            )
        )
        > 0
    )
