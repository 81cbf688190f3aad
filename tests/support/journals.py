"""Made-up journals, as processes would have written them."""

from __future__ import annotations

from pathlib import Path

from tests.support.recorded import recorded
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.model import (
    Barrier,
    Birth,
    Deaths,
    Died,
    Ended,
    Fact,
    ProcessStarted,
    Request,
    Span,
    ThreadSeen,
)
from tracer.model.recorded import RecordedRequests

BEGUN = 10**12
GAP = 10**8


def process(pid: int, started: float = 1_700_000_000.0) -> ProcessStarted:
    return ProcessStarted(pid, 1, "gunicorn", "sync worker", "3.11.7", "5.2.1", started, BEGUN)


def request(number: int, path: str = "/menu/") -> RecordedRequests:
    """Returns a request with one view, which lives until the next collection."""
    begun = BEGUN + number * GAP
    return recorded(
        Request(
            number=number,
            method="GET",
            path=f"{path}{number}",
            status=200,
            thread=1,
            thread_name="MainThread",
            started=1_700_000_000.0 + number,
            begun=begun,
            closed=begun + 6_000_000,
            size=1_923,
            watching=100_000,
            spans=(
                Span("request", f"GET {path}{number}", None, 0, 6_000_000, None, 1),
                Span("view", "cafe.views.Menu.get", 0, 1_000_000, 5_000_000, number, 1),
            ),
            births=(Birth(number, "view", "cafe.views.Menu", "Menu", begun + 1_000_000, 1),),
            seen=((number, 1),),
        )
    )


def story(pid: int, requests: int, *more: Fact) -> list[Fact]:
    """Returns the facts of a process that served so many requests."""
    served = [request(number) for number in range(1, requests + 1)]
    at = BEGUN + requests * GAP + GAP // 2
    deaths = [Deaths((Died(number, at, "collector"),)) for number in range(1, requests + 1)]
    return [
        process(pid, float(pid)),
        ThreadSeen(1, "MainThread", BEGUN),
        *served,
        *deaths,
        Barrier(at + 1, "collector"),
        *more,
    ]


def write(directory: Path, name: str, *facts: Fact) -> Path:
    """Writes a journal file, as a dead process would have left it."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.jsonl"
    path.write_bytes(HEADER + encode(*facts))
    return path


def two_processes(directory: Path) -> Path:
    """Writes a journal of two processes: 31 served eight requests and ended, 32 served two."""
    write(directory, "31-1", *story(31, 8, Ended(BEGUN + 10 * GAP)))
    write(directory, "32-2", *story(32, 2))
    return directory
