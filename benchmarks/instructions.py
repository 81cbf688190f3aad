"""Instructions per request, counted by valgrind's callgrind.

Instructions are counted instead of time because they hardly depend on the machine or on what else
it does. The thread that serves requests is counted apart from all others, such as the tracer's
background thread: the first is what a request waits for. Under ASGI a request is served by several
threads, so that only the sum means anything.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import PATIENCE, CannotMeasure, running
from benchmarks.contestants import ALL
from benchmarks.site import PAGES

VALGRIND = (
    "valgrind",
    "--tool=callgrind",
    "--separate-threads=yes",
    # Or the background thread would hardly ever get its turn.
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
    """How many came in between; one costs as much as twenty short requests, on either thread."""

    @property
    def together(self) -> int:
        """All threads."""
        return self.request_thread + self.background_thread


def measure(page: str, contestant: str, requests: int | None = None, middleware: int = 0) -> Count:
    """Count one page with one contestant, in a process of its own. Raises CannotMeasure."""
    missing = [tool for tool in ("valgrind", "callgrind_control") if shutil.which(tool) is None]
    if missing:
        raise CannotMeasure(
            f"{' and '.join(missing)} cannot be found: install valgrind "
            "(on Debian and Ubuntu: apt install valgrind) and try again."
        )
    if requests is None:
        usual = PAGES[page].requests if page in PAGES else 20
        requests = max(usual // ALL[contestant].weight, 10)
    with running(page, contestant, VALGRIND, middleware) as (child, directory):
        _switch("on", child.process.pid)
        told = child.tell(f"run {requests}")
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
        told["full_collections"],
    )


def _switch(state: str, pid: int) -> None:
    command = ["callgrind_control", "-i", state, str(pid)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    except subprocess.SubprocessError as error:
        raise CannotMeasure(f"callgrind could not be steered: {error}") from error


def _total(file: Path) -> int:
    """Instructions in one thread's file."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    return 0
