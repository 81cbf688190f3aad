"""Masking: only requests that built, used and did the same are kept together."""

from __future__ import annotations

from tracer.model.masking import Masking
from tracer.model.privacy import Privacy
from tracer.model.trace import Trace
from tracer.recorder.trace import begun

NUMBERS = range(1, 200)


def trace(number: int, label: str) -> Trace:
    """Returns the trace of a request that built one object with this label."""
    made = begun(number, number * 100, 1, 1, ("GET", "", "/", ""), [])
    made.first, made.closed = number, number * 100 + 50
    made.births.extend((number * 100 + 10, number, "watched", 0, label))
    return made


def test_each_request_keeps_what_it_built_itself() -> None:
    """However many kinds of the same page there are, and whichever addresses are used again."""
    labels = {number: f"thing {number % 7}" for number in NUMBERS}
    masking = Masking(Privacy(False, False, ["shop.Thing"].__getitem__))
    several = masking.recorded(trace(*each) for each in labels.items())
    kept = {each.number: each.kinds[0][2] for alike in several for each in alike}
    assert kept == labels


def test_requests_that_are_alike_are_kept_together() -> None:
    """One of them says for all what they had in common."""
    masking = Masking(Privacy(False, False, ["shop.Thing"].__getitem__))
    several = masking.recorded(trace(number, "thing") for number in NUMBERS)
    assert [alike.numbers for alike in several] == [list(NUMBERS)]
