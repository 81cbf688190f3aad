"""One application, started under every kind of server in turn: `compare_servers`.

Each server gets the same requests; what its processes recorded is counted once it has stopped.

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
from tracer.journal.reader import processes
from tracer.journal.tail import JournalError
from tracer.model import Process
from tracer.servers import RECIPES, Reply, Server, ServerError, ServerMissing
from tracer.servers.errors import with_log
from tracer.servers.project import find

PATIENCE: Final = 10.0
"""Seconds that the records may take to be written once the last request was answered."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What each server is given to serve."""

    requests: int = 20
    concurrency: int = 4
    """How many of the requests are under way at a time, after the first, which is alone."""
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
    """Run a Django project under each server in turn, all of them by default, and compare.

    The names are those of `tracer.servers.RECIPES`. `project` is the directory with manage.py
    (None: the demo), `settings` its settings module (None: the one that manage.py names). A server
    that is not here, or fails, has a row that says so: no other one suffers.

    Raises ValueError, before anything is started, for a name, number, path or project that makes no
    sense.
    """
    for name in names:
        if name not in RECIPES:
            raise ValueError(unknown(name, f"there is {', '.join(RECIPES)}"))
    for what, number in (("requests", requests), ("concurrency", concurrency)):
        if number < 1:
            raise ValueError(f"{what} must be 1 or more, not {number}")
    if not path.startswith("/"):
        raise ValueError(f"the path must begin with /, unlike {path!r}")
    place = Path(project) if project is not None else None
    find(place, settings, {})
    trial = Trial(requests, concurrency, path, place, settings)
    return Comparison(requests, [measure(name, trial) for name in dict.fromkeys(names or RECIPES)])


def unknown(name: str, otherwise: str) -> str:
    """Say that there is no such server, and which one may have been meant."""
    close = difflib.get_close_matches(name, RECIPES, n=1)
    return f"there is no server {name!r}; {f'did you mean {close[0]}?' if close else otherwise}"


def _untold(step: str) -> None:
    """Nobody wants to know how far it has come."""


def measure(name: str, trial: Trial, tell: Callable[[str], None] = _untold) -> Row:
    """Run the application under one server and return its row. Never raises for a server's sake.

    `tell` is told each step before it is taken.
    """
    found = RECIPES[name].available()
    version = found.version or None
    if not found.ok:
        return Row(name, version, NOT_INSTALLED, found.why)
    try:
        with _journal() as journal:
            return _measured(name, version, trial, tell, journal)
    except ServerMissing as missing:
        return Row(name, version, NOT_INSTALLED, str(missing))
    except (ServerError, JournalError, OSError) as error:
        return Row(name, version, FAILED, str(error))


def _measured(
    name: str, version: str | None, trial: Trial, tell: Callable[[str], None], journal: Path
) -> Row:
    tell("starting")
    with servers.serve(
        name, project=trial.project, settings=trial.settings, journal=journal
    ) as server:
        tell(f"sending {trial.requests} requests")
        replies = [server.get(trial.path)]
        replies += server.load([trial.path] * (trial.requests - 1), trial.concurrency)
        wait_for(journal, trial.requests)
        tell("stopping")
    recorded = processes(journal)
    trouble = _trouble(trial, replies, recorded, server)
    if trouble:
        return Row(name, version, FAILED, trouble)
    return count(name, version, recorded, [reply.seconds for reply in replies])


def _trouble(
    trial: Trial, replies: Sequence[Reply], recorded: Sequence[Process], server: Server
) -> str:
    """Say in a sentence what keeps the numbers from meaning what they should; empty if nothing."""
    bad = [reply.status for reply in replies if not 200 <= reply.status < 400]
    if bad:
        told = (
            f"{len(bad)} of {trial.requests} requests to {trial.path} were answered with status "
            f"{bad[0]}"
        )
        # From 500 on it is the application that failed, whatever page is asked for.
        mend = "." if max(bad) >= 500 else ": choose a page that answers everybody, with --path."
        return with_log(told + mend, server.log())
    served = sum(process.served for process in recorded)
    if served != trial.requests:
        return f"{trial.requests} requests were answered and {served} recorded."
    return ""


@contextmanager
def _journal() -> Iterator[Path]:
    """A directory that every server's user can write to, whoever that is."""
    with tempfile.TemporaryDirectory(prefix="tracer-compare-") as directory:
        os.chmod(directory, 0o755)
        journal = Path(directory) / "journal"
        journal.mkdir()
        os.chmod(journal, 0o1777)
        yield journal


def wait_for(journal: Path, requests: int, patience: float = PATIENCE) -> None:
    """Return when so many requests are written, or after `patience` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if sum(process.served for process in processes(journal)) >= requests:
                return
        except JournalError:
            pass
        time.sleep(0.05)
