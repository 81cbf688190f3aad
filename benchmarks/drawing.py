"""Measures how fast timelines are drawn, and what a request costs in the journal."""

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
    """Draws the timeline of one request of this page again and again."""
    with running(page, "recording") as (child, _):
        answer = child.send("draw 200")
    return Drawing(page, int(answer["rows"]), answer["count"] / answer["cpu"] * 1e9)


def writing(page: str, turns: int = 7) -> Writing:
    """Measures a request's time on the worker thread, and its bytes in the journal."""
    requests = 5 * PAGES[page].requests
    with running(page, "with journal") as (child, directory):
        child.send("settle")
        costs = []
        before = _size(directory)
        for _ in range(turns):
            served, left = child.send(f"run {requests}"), child.send("settle")
            costs.append((served["cpu"] - served["thread"] + left["cpu"]) / requests / 1000)
        size = (_size(directory) - before) / (turns * requests)
    return Writing(page, size, statistics.median(costs))


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("own/traces/*.jsonl"))


def draw(count: int) -> dict[str, float]:
    """Draws the newest request's timeline so many times; runs in the measured program."""
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
