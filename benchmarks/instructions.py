"""Instructions per request, counted by valgrind's callgrind.

Instructions hardly depend on the machine or on its load, unlike time. The thread that serves
requests is counted separately from all others, such as the tracer's worker thread, because a
request waits for the first only. Under ASGI several threads serve one request, so only the sum is
meaningful.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.child import TIMEOUT, CannotMeasure, running
from benchmarks.contestants import ALL
from benchmarks.site import PAGES

VALGRIND = (
    "valgrind",
    "--tool=callgrind",
    "--separate-threads=yes",
    # Otherwise the worker thread would hardly ever run.
    "--fair-sched=try",
    "--instr-atstart=no",
    "--callgrind-out-file={directory}/counts",
)


@dataclass(frozen=True, slots=True)
class Count:
    """Instructions per request."""

    page: str
    contestant: str
    requests: int
    request_thread: int
    background_thread: int
    """All other threads."""
    full_collections: int
    """Full collections meanwhile; one costs as much as twenty short requests, on either thread."""

    @property
    def together(self) -> int:
        """The instructions of all threads."""
        return self.request_thread + self.background_thread


def measure(
    page: str,
    contestant: str,
    requests: int | None = None,
    middleware: int = 0,
    layouts: Sequence[int] = (0,),
) -> Count:
    """Counts one page with one contestant, in a process for each layout. Raises CannotMeasure.

    Python's caches are indexed by addresses and by the versions of classes. So two programs that do
    the same differ by up to 0.7 per cent, each of them always by the same amount. The mean over
    several `layouts` is nearer to the truth; a layout is the number of classes that the program
    makes before anything else.
    """
    found = [_count(page, contestant, requests, middleware, layout) for layout in layouts]
    return replace(
        found[0],
        request_thread=sum(each.request_thread for each in found) // len(found),
        background_thread=sum(each.background_thread for each in found) // len(found),
        full_collections=sum(each.full_collections for each in found),
    )


def _count(page: str, contestant: str, requests: int | None, middleware: int, layout: int) -> Count:
    missing = [tool for tool in ("valgrind", "callgrind_control") if shutil.which(tool) is None]
    if missing:
        raise CannotMeasure(
            f"{' and '.join(missing)} cannot be found: install valgrind "
            "(on Debian and Ubuntu: apt install valgrind) and try again."
        )
    if requests is None:
        usual = PAGES[page].requests if page in PAGES else 20
        requests = max(usual // ALL[contestant].request_divisor, 10)
    with running(page, contestant, VALGRIND, middleware, layout) as (child, directory):
        _switch("on", child.process.pid)
        answer = child.send(f"run {requests}")
        _switch("off", child.process.pid)
        child.end()
        totals = [_total(file) for file in sorted(directory.glob("counts-*"))]
    if not totals or not totals[0]:
        raise CannotMeasure("callgrind counted nothing: counting could not be switched on.")
    first, *others = totals
    return Count(
        page,
        contestant,
        requests,
        first // requests,
        sum(others) // requests,
        answer["full_collections"],
    )


def _switch(state: str, pid: int) -> None:
    command = ["callgrind_control", "-i", state, str(pid)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    except subprocess.SubprocessError as error:
        raise CannotMeasure(f"callgrind could not be switched {state}: {error}") from error


def _total(file: Path) -> int:
    """Returns the instructions in one thread's file."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    return 0
