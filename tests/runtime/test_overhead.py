"""What a request is said to have paid for being watched."""

from __future__ import annotations

import io
import operator
from itertools import pairwise

import pytest

from tracer.conf import Config
from tracer.model import stages
from tracer.recorder import server_info
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current
from tracer.runtime import shutdown
from tracer.runtime.overhead import Costs, Overhead, Prices, measure, median
from tracer.runtime.tracer import Tracer

LITTLE, MUCH = 8_000, 256_000
COSTS = Costs(Prices(100, 200, 300), Prices(200, 400, 600), LITTLE, MUCH)
"""Made up: what is five times as many doublings away costs twice as much."""
MS = 1_000_000


def request(
    took: int, stages_: int = 9, births: int = 0, kind: str = "queryset", begun: int = 1
) -> Trace:
    """A request that took so many nanoseconds, with so many stages and births."""
    now = begun
    recorder = Recorder(lambda: now)
    trace = recorder.begin(("GET", "", "/", ""))
    for _ in range(stages_):
        trace.add((1, 2, (stages.VIEW, None, "", "", "")))
    for number in range(births):
        trace.add_birth((None, number, kind, object, None))
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
    asked.repeated_lookups = 1
    one = COSTS.of(asked)
    asked.repeated_lookups = 40
    assert COSTS.of(asked) - none == pytest.approx(40 * (one - none), abs=40)
    assert 0 < one - none < COSTS.at(MS).stage


def test_of_requests_that_are_alike_each_is_said_to_pay_what_it_is_said_to_pay_alone() -> None:
    """However long each took, and however often it made links."""
    alike = [request(took * LITTLE, births=3, kind="connection") for took in (5, 50, 50, 20, 500)]
    for trace, asks in zip(alike, (0, 0, 7, 7, 0), strict=True):
        trace.repeated_lookups = asks
    alone = [COSTS.of(trace) for trace in alike]
    assert COSTS.of_alike(alike) == alone
    assert len(set(alone)) == 5
    account = Overhead(lambda: COSTS)
    account.worker_ran(1 - MS, 1 + MS, MS)
    disturbed = [account.of(trace) for trace in alike]
    assert account.of_alike(alike) == disturbed
    assert all(map(operator.lt, alone, disturbed))


def test_prices_are_measured_on_this_machine() -> None:
    """Each is there, and what has been forgotten meanwhile costs more; nobody's request is used."""
    # Seven times, for one may fall in a moment in which another process has the caches.
    costs = median([measure() for _ in range(7)])
    assert all(price > 0 for price in costs.near)
    assert costs.much > 10 * costs.little
    assert costs.far.stage > costs.near.stage
    assert current.get() is None


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


class Measured:
    """Gives prices that are so many times those of `COSTS`, and counts how often it is asked."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)
        self.asked = 0

    def __call__(self) -> Costs:
        self.asked += 1
        factor = self.times.pop(0) if self.times else 1.0
        near, far = (Prices(*(factor * price for price in each)) for each in COSTS[:2])
        return COSTS._replace(near=near, far=far)


def numbered(number: int) -> Trace:
    """A request of that number."""
    trace = request(10 * MS)
    trace.number = number
    return trace


def test_a_request_pays_too_for_what_the_tracer_computes_while_it_is_in_flight() -> None:
    """Drawing earlier ones, for example; as much of it as falls into the request."""
    account = Overhead(Measured())
    served = request(10 * MS, begun=100 * MS)
    alone = account.of(served)
    assert alone == COSTS.of(served)
    account.worker_ran(100 * MS, 102 * MS, 1 * MS)
    one = account.of(served) - alone
    assert 0 < one < 1 * MS
    account.worker_ran(104 * MS, 106 * MS, 1 * MS)
    assert account.of(served) - alone == pytest.approx(2 * one, abs=2)
    account.worker_ran(109 * MS, 111 * MS, 1 * MS)
    assert account.of(served) - alone == pytest.approx(2.5 * one, abs=2)


def test_what_the_tracer_computed_before_a_request_or_after_it_is_not_charged_to_it() -> None:
    """Others may pay for that."""
    account = Overhead(Measured())
    served = request(10 * MS, begun=100 * MS)
    for began, ended in ((80, 90), (95, 100), (110, 115), (130, 140)):
        account.worker_ran(began * MS, ended * MS, 5 * MS)
    assert account.of(served) == COSTS.of(served)


def test_a_request_is_not_disturbed_for_longer_than_it_can_have_computed() -> None:
    """Of eleven milliseconds in which the tracer computed ten, one is left."""
    least, most = Overhead(Measured()), Overhead(Measured())
    least.worker_ran(100 * MS, 110 * MS, 1 * MS)
    most.worker_ran(100 * MS, 110 * MS, 10 * MS)
    served = request(11 * MS, begun=100 * MS)
    assert least.of(served) == most.of(served) > COSTS.of(served)


def test_a_request_is_never_said_to_have_gained_by_being_watched() -> None:
    """Even where two looks overlapped for all of its time."""
    account = Overhead(Measured())
    for _ in range(2):
        account.worker_ran(99 * MS, 112 * MS, 13 * MS)
    served = request(10 * MS, begun=100 * MS)
    assert account.of(served) == COSTS.of(served)


def test_prices_are_measured_at_the_first_request_then_after_a_thousand_and_each_doubling() -> None:
    """What it costs to measure them vanishes among what is served."""
    measured = Measured()
    account = Overhead(measured)
    asked = []
    for number in range(1, 5001):
        account.of(numbered(number))
        if len(asked) < measured.asked:
            asked.append(number)
    assert asked == [1, 1000, 2000, 4000]


def test_one_bad_moment_of_the_machine_does_not_last() -> None:
    """The median of the newest five counts."""
    account = Overhead(Measured(3.0, 1.0, 1.1))
    first, second, third = (account.of(numbered(number)) for number in (1, 1000, 2000))
    assert first == pytest.approx(3 * COSTS.of(numbered(1)), abs=2)
    assert first > second > third
    assert third == pytest.approx(1.1 * COSTS.of(numbered(1)), abs=2)
    account = Overhead(Measured(9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0))
    told = [account.of(numbered(number)) for number in (1, 1000, 2000, 4000, 8000, 16000)]
    assert told[-1] == COSTS.of(numbered(1)) < told[-2]


def test_a_request_in_flight_while_a_timeline_is_drawn_pays_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither does the one that is drawn, nor one that is served alone."""
    monkeypatch.setattr(server_info, "needs_single_thread", lambda _modules: True)
    tracer = Tracer(Config(enabled=True, console=True), io.StringIO())
    flat = COSTS._replace(far=COSTS.near)
    monkeypatch.setattr(tracer.overhead, "_measure", lambda: flat)
    begin, finish = tracer.recorder.begin, tracer.recorder.finish
    finish(begin(("GET", "", "/alone/", "")))
    disturbed = begin(("GET", "", "/disturbed/", ""))
    finish(begin(("GET", "", "/drawn/", "")))
    finish(disturbed)
    shutdown.close(tracer)
    paid = {request.path: request.watching for request in tracer.process().requests}
    assert paid["/alone/"] == paid["/drawn/"] < paid["/disturbed/"]
