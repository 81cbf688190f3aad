"""What was recorded, as frozen data, and everything concluded from it: pure functions, no I/O.

May import `conf` only. Recording, journal and rendering all import it, and none needs another.
"""

from tracer.model.facts import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    Ended,
    EndedWithThread,
    Fact,
    Held,
    Imported,
    Named,
    ProcessStarted,
    Replaced,
    SegmentBegan,
    Span,
    ThreadSeen,
    Walk,
)
from tracer.model.history import History
from tracer.model.process import Fate, LedgerRow, Lifetime, Process
from tracer.model.requests import Request

__all__ = [
    "Barrier",
    "Birth",
    "Boot",
    "Built",
    "Deaths",
    "Died",
    "Ended",
    "EndedWithThread",
    "Fact",
    "Fate",
    "Held",
    "History",
    "Imported",
    "LedgerRow",
    "Lifetime",
    "Named",
    "Process",
    "ProcessStarted",
    "Replaced",
    "Request",
    "SegmentBegan",
    "Span",
    "ThreadSeen",
    "Walk",
]
