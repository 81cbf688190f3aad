"""`compare_servers`: starts one application under each server in turn and compares them.

Each server gets the same requests. After it has stopped, the trial counts what its processes
recorded.

    from tracer.compare import compare_servers
    print(compare_servers("gunicorn", "gunicorn-preload", requests=8))
"""

from __future__ import annotations

import difflib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer import servers
from tracer.compare.count import FAILED, NOT_INSTALLED, Row, count
from tracer.compare.table import Comparison
from tracer.journal.reader import processes, read
from tracer.journal.segments import JournalError
from tracer.model import Process
from tracer.servers import RECIPES, Reply, Server, ServerError, ServerMissing
from tracer.servers.errors import with_log
from tracer.servers.project import find_project

WRITE_TIMEOUT: Final = 10.0
"""Seconds to wait for the recordings to be written after the last reply."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The project and the requests that each server gets."""

    requests: int = 20
    concurrency: int = 4
    """How many requests are sent at a time, after the first, which is sent alone."""
    path: str = "/"
    project: Path | None = None
    settings: str | None = None


def compare_servers(
    *names: str,
    requests: int = 20,
    concurrency: int = 4,
    path: str = "/",
    project: str | os.PathLike[str] | None = None,
    settings: str | None = None,
) -> Comparison:
    """Runs a Django project under each server in turn, by default under all, and compares them.

    The names are those of `tracer.servers.RECIPES`. `project` is the directory with manage.py
    (None: the demo), `settings` its settings module (None: the one that manage.py names). A server
    that is not installed or fails gets a row that says so; the others run all the same.

    Raises ValueError for a wrong name, number, path or project, before it starts anything.
    """
    for name in names:
        if name not in RECIPES:
            raise ValueError(no_such_server(name, f"there is {', '.join(RECIPES)}"))
    for what, number in (("requests", requests), ("concurrency", concurrency)):
        if number < 1:
            raise ValueError(f"{what} must be 1 or more, not {number}")
    if not path.startswith("/"):
        raise ValueError(f"the path must begin with /, unlike {path!r}")
    directory = Path(project) if project is not None else None
    find_project(directory, settings, {})
    trial = Trial(requests, concurrency, path, directory, settings)
    rows = [measure_server(name, trial) for name in dict.fromkeys(names or RECIPES)]
    return Comparison(requests, rows)


def no_such_server(name: str, otherwise: str) -> str:
    """Returns a message that names the server most like `name`, or else says `otherwise`."""
    close = difflib.get_close_matches(name, RECIPES, n=1)
    return f"there is no server {name!r}; {f'did you mean {close[0]}?' if close else otherwise}"


def _ignore(step: str) -> None:
    pass


def measure_server(name: str, trial: Trial, report: Callable[[str], None] = _ignore) -> Row:
    """Runs the application under one server and returns its row, even if the server fails.

    It calls `report` with the name of each step before it begins.
    """
    found = RECIPES[name].available()
    version = found.version or None
    if not found.ok:
        return Row(name, version, NOT_INSTALLED, found.why)
    try:
        with _journal() as journal:
            return _run_trial(name, version, trial, report, journal)
    except ServerMissing as missing:
        return Row(name, version, NOT_INSTALLED, str(missing))
    except (ServerError, JournalError, OSError) as error:
        return Row(name, version, FAILED, str(error))


def _run_trial(
    name: str, version: str | None, trial: Trial, report: Callable[[str], None], journal: Path
) -> Row:
    report("starting")
    with servers.serve(
        name, project=trial.project, settings=trial.settings, journal=journal
    ) as server:
        report(f"sending {trial.requests} requests")
        replies = [server.get(trial.path)]
        replies += server.load([trial.path] * (trial.requests - 1), trial.concurrency)
        wait_for_requests(journal, trial.requests)
        report("stopping")
    recorded = processes(journal)
    failure = _failure(trial, replies, recorded, server)
    if failure:
        return Row(name, version, FAILED, failure)
    return count(name, version, recorded, [reply.seconds for reply in replies])


def _failure(
    trial: Trial, replies: Sequence[Reply], recorded: Sequence[Process], server: Server
) -> str:
    """Returns a sentence that says why the counts would mislead; empty if they would not."""
    bad = [reply.status for reply in replies if not 200 <= reply.status < 400]
    if bad:
        sentence = (
            f"{len(bad)} of {trial.requests} requests to {trial.path} were answered with status "
            f"{bad[0]}"
        )
        # Status 500 and above: the application failed, and another page would not help.
        advice = "." if max(bad) >= 500 else ": choose a page that answers everybody, with --path."
        return with_log(sentence + advice, server.log())
    served = sum(process.served for process in recorded)
    if served != trial.requests:
        return f"{trial.requests} requests were answered and {served} recorded."
    return ""


@contextmanager
def _journal() -> Iterator[Path]:
    """Makes a journal directory that a server can write to under any account."""
    with tempfile.TemporaryDirectory(prefix="tracer-compare-") as directory:
        os.chmod(directory, 0o755)
        journal = Path(directory) / "journal"
        journal.mkdir()
        os.chmod(journal, 0o1777)
        yield journal


def wait_for_requests(journal: Path, requests: int, timeout: float = WRITE_TIMEOUT) -> None:
    """Returns when the journal holds so many requests, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if sum(file.outline.served for file in read(journal).files) >= requests:
                return
        except JournalError:
            pass
        time.sleep(0.05)
