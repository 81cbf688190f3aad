"""What a request is said to have paid for being watched."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tracer.model import stages
from tracer.overhead import Costs, Prices, measure
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current

LITTLE, MUCH = 8_000, 256_000
COSTS = Costs(Prices(100, 200, 300), Prices(200, 400, 600), LITTLE, MUCH)
"""Made up: what is five times as many doublings away costs twice as much."""
MS = 1_000_000


def request(took: int, stages_: int = 9, births: int = 0, kind: str = "queryset") -> Trace:
    """A request that took so many nanoseconds, with so many stages and births."""
    now = 1
    recorder = Recorder(lambda: now)
    trace = recorder.begin(("GET", "", "/", ""))
    for _ in range(stages_):
        trace.add((1, 2, (stages.VIEW, None, "", "", "")))
    for number in range(births):
        trace.bear((None, number, kind, object, None))
    now += took
    recorder.finish(trace)
    return trace


def test_each_stage_and_each_birth_costs_the_same_as_the_one_before() -> None:
    """Linear in what happened."""
    close = 10 * LITTLE
    bare = COSTS.of(request(close))
    one, two = (COSTS.of(request(close, births=count)) for count in (1, 2))
    assert one - bare == two - one > 0
    ten, nineteen = (COSTS.of(request((count + 1) * LITTLE, count)) for count in (10, 19))
    assert nineteen - ten == pytest.approx(ten - COSTS.of(request(2 * LITTLE, 1)), abs=2)


def test_a_request_that_does_much_between_its_stages_pays_more_for_them() -> None:
    """The caches have forgotten the tracer meanwhile."""
    close, apart = (COSTS.of(request(10 * distance)) for distance in (LITTLE, MUCH))
    assert apart == pytest.approx(2 * close, abs=1)


def test_each_doubling_of_what_happens_in_between_adds_as_much_as_the_one_before() -> None:
    """Prices are told from two, by the logarithm of the distance."""
    stage = [COSTS.at(LITTLE * 2**doublings).stage for doublings in range(6)]
    steps = [later - earlier for earlier, later in pairwise(stage)]
    assert steps == pytest.approx([steps[0]] * 5)
    assert steps[0] > 0


def test_a_request_that_waits_for_ten_seconds_is_not_said_to_have_paid_for_that() -> None:
    """From a distance on, prices rise no more."""
    second, ten = (COSTS.of(request(seconds * 1000 * MS)) for seconds in (1, 10))
    assert second == ten


def test_a_request_of_stages_closer_than_any_that_were_measured_pays_the_lowest_price() -> None:
    """Below, nothing is known."""
    assert COSTS.at(1) == COSTS.at(LITTLE)


def test_a_connection_opened_and_closed_costs_more_than_another_object() -> None:
    """It is asked whose it is, and whether it has really ended."""
    close = 10 * LITTLE
    connection, queryset = (
        COSTS.of(request(close, births=1, kind=kind)) for kind in ("connection", "queryset")
    )
    assert connection > queryset


def test_a_link_that_is_watched_costs_a_part_of_a_stage() -> None:
    """One after another; those that are not watched cost nothing: see `test_reverse`."""
    asked = request(10 * MS)
    none = COSTS.of(asked)
    asked.asks = 1
    one = COSTS.of(asked)
    asked.asks = 40
    assert COSTS.of(asked) - none == pytest.approx(40 * (one - none), abs=40)
    assert 0 < one - none < COSTS.at(MS).stage


def test_prices_are_measured_on_this_machine() -> None:
    """Each is there, and what has been forgotten meanwhile costs more; nobody's request is used."""
    costs = measure()
    assert all(price > 0 for price in costs.near)
    assert costs.much > 10 * costs.little
    assert costs.far.stage > costs.near.stage
    assert current.get() is None


def test_measuring_leaves_the_request_in_flight_alone() -> None:
    """It may be one that does its own thread's work: see `surroundings.stays_alone`."""
    trace = Recorder().begin(("GET", "", "/", ""))
    token = current.set(trace)
    try:
        measure()
        assert current.get() is trace
    finally:
        current.reset(token)
    assert not trace.events
    assert not trace.births
