"""What a request is said to have paid for being watched."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current
from tracer.runtime import overhead
from tracer.runtime.overhead import Overhead, Prices

PRICES = Prices(100.0, 200.0, 3_000.0)


def request(stages_: int = 9, births: int = 0, seen: int = 0, elsewhere: int = 0) -> Trace:
    """A request with so many stages, births and sightings, and stages on another thread."""
    recorder = Recorder()
    trace = recorder.begin(("GET", "", "/", ""))
    what = stages.VIEW, None, "", "", ""
    for _ in range(stages_):
        trace.add((1, 2, what))
    for number in range(births):
        trace.add_birth((None, number, "queryset", object, None))
    trace.seen = [*range(seen)]
    if elsewhere:
        trace.other_threads = [(7, 1, 2, what)] * elsewhere
    recorder.finish(trace)
    return trace


@pytest.mark.parametrize(
    ("what", "price"), [("stages_", 100), ("births", 200), ("seen", 50), ("elsewhere", 100)]
)
def test_each_costs_the_same_as_the_one_before(what: str, price: int) -> None:
    """Linear in what happened."""
    costs = [PRICES.of(request(**{what: count})) for count in (0, 2, 4, 6)]
    assert [later - earlier for earlier, later in pairwise(costs)] == [2 * price] * 3


def test_a_request_in_which_nothing_happened_costs_something_too() -> None:
    """It was begun, named and finished."""
    assert PRICES.of(request(0)) == 3_000


def test_prices_are_measured_on_this_machine() -> None:
    """Each is there, and nobody's request is used for it."""
    # Several times, for one may fall in a moment in which another process has the caches.
    measured = [measure() for _ in range(5)]
    assert all(price > 0 for price in map(max, zip(*measured, strict=True)))
    assert current.get() is None


def test_prices_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first request."""
    asked: list[Prices] = []
    monkeypatch.setattr(overhead, "measure", lambda: asked.append(PRICES) or PRICES)
    account = Overhead()
    assert not asked
    assert [account.of(request(count)) for count in (0, 1)] == [3_000, 3_100]
    assert asked == [PRICES]


def test_measuring_leaves_the_request_in_flight_alone() -> None:
    """It may be one that does its own thread's work: see `server_info.needs_single_thread`."""
    trace = Recorder().begin(("GET", "", "/", ""))
    token = current.set(trace)
    try:
        measure()
        assert current.get() is trace
    finally:
        current.reset(token)
    assert not trace.events
    assert not trace.births


measure = overhead.measure
"""As it is outside of tests, in which all tracers share what was measured once."""
