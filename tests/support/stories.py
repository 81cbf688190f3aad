"""For tests of the command line: journals as processes left them, and runs of the command."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tracer.cli.main import main
from tracer.cli.watch import wait
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
)

ROOT = Path(__file__).parents[2]
BEGUN = 10**12
GAP = 10**8


def process(pid: int, started: float = 1_700_000_000.0) -> ProcessStarted:
    return ProcessStarted(pid, 1, "gunicorn", "sync worker", "3.11.7", "5.2.1", started, BEGUN)


def request(number: int, path: str = "/menu/") -> Request:
    """Return a request with one view, which lives until the next collection."""
    begun = BEGUN + number * GAP
    return Request(
        number=number,
        method="GET",
        path=f"{path}{number}",
        status=200,
        thread=1,
        thread_name="MainThread",
        ident=7,
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


def story(pid: int, requests: int, *more: Fact) -> list[Fact]:
    served = [request(number) for number in range(1, requests + 1)]
    at = BEGUN + requests * GAP + GAP // 2
    deaths = [Deaths((Died(number, at, "collector", 7),)) for number in range(1, requests + 1)]
    return [process(pid, float(pid)), *served, *deaths, Barrier(at + 1, "collector"), *more]


def write(directory: Path, name: str, *facts: Fact) -> Path:
    """Write a file as a process that is gone would have left it."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.jsonl"
    path.write_bytes(HEADER + b"".join(map(encode, facts)))
    return path


def two_processes(directory: Path) -> Path:
    """Write a journal of two processes: 31 served eight requests and ended, 32 served two."""
    write(directory, "31-1", *story(31, 8, Ended(BEGUN + 10 * GAP)))
    write(directory, "32-2", *story(32, 2))
    return directory


class Run:
    """One run of the command in this process."""

    def __init__(self, *arguments: object, pause: Callable[[], None] = wait) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.status = main([str(each) for each in arguments], out, err, pause)
        self.out, self.err = out.getvalue(), err.getvalue()


def timelines(text: str) -> list[tuple[int, int]]:
    """Return the process and number of each request whose timeline is drawn."""
    found = re.findall(r"process (\d+) · its request (\d+)", text)
    return [(int(pid), int(number)) for pid, number in found]


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a Python that knows of no Django settings and takes warnings for errors."""
    environ = {key: value for key, value in os.environ.items() if "DJANGO" not in key}
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
    )
