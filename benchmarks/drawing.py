"""How fast timelines are drawn, and what a request costs in the journal."""

from __future__ import annotations

import io
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import running
from benchmarks.site import PAGES


@dataclass(frozen=True, slots=True)
class Drawing:
    """Timelines per second, by page."""

    page: str
    rows: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Writing:
    """Bytes in the journal and microseconds of processor time per request."""

    page: str
    bytes_each: float
    microseconds: float


def timelines(page: str) -> Drawing:
    """Draw the timeline of this page's request again and again."""
    with running(page, "recording") as (child, _):
        told = child.tell("draw 200")
    return Drawing(page, int(told["rows"]), told["count"] / told["cpu"] * 1e9)


def writing(page: str, turns: int = 7) -> Writing:
    """What a request takes of the thread that writes, and how many bytes the journal has for it."""
    requests = 5 * PAGES[page].requests
    with running(page, "with journal") as (child, directory):
        child.tell("settle")
        costs = []
        before = _size(directory)
        for _ in range(turns):
            served, left = child.tell(f"run {requests}"), child.tell("settle")
            costs.append((served["cpu"] - served["thread"] + left["cpu"]) / requests / 1000)
        size = (_size(directory) - before) / (turns * requests)
    return Writing(page, size, statistics.median(costs))


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("own/traces/*.jsonl"))


def draw(count: int) -> dict[str, float]:
    """In the measured program: draw the newest request's timeline so many times."""
    from tracer import runtime
    from tracer.render.formats.terminal import Terminal
    from tracer.render.pictures.timeline import Timeline

    running_one = runtime.running()
    assert running_one is not None
    process = running_one.process()
    request = process.requests[-1]
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.write(Timeline(process, request))
    rows = stream.getvalue().count("\n")
    begun = time.process_time_ns()
    for _ in range(count):
        terminal.write(Timeline(process, request))
    return {"cpu": time.process_time_ns() - begun, "count": count, "rows": rows}
