"""What was seen, as frozen data; capture and rendering both know it and never each other."""

from tracer.model.facts import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    Ended,
    Fact,
    Held,
    Imported,
    Named,
    ProcessStarted,
    Request,
    Span,
    ThreadSeen,
)
from tracer.model.history import History
from tracer.model.process import Fate, LedgerRow, Lifetime, Process

__all__ = [
    "Barrier",
    "Birth",
    "Boot",
    "Built",
    "Deaths",
    "Died",
    "Ended",
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
    "Request",
    "Span",
    "ThreadSeen",
]
