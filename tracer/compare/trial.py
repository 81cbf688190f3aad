"""One application, started under every kind of server in turn: `compare_servers`, and the command.

Each server gets the same requests; what its processes recorded is counted once it has stopped.

    from tracer.compare import compare_servers
    print(compare_servers("gunicorn", "gunicorn-preload", requests=8))

`python -m tracer compare` tells its progress on standard error, and puts the table or the JSON
document on standard output. Exit statuses: 0, 1 (a server failed, or none was there), 130
(interrupted) and 143 or 129 (told to end, or its terminal was closed); no process is left behind.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from rich.console import RenderableType

from tracer import servers
from tracer.cli.main import output, termination
from tracer.compare.count import FAILED, NOT_INSTALLED, OK, Row, count, document
from tracer.compare.server_list import Servers
from tracer.compare.table import Comparison
from tracer.journal.reader import JournalError, processes
from tracer.model import Process
from tracer.render.formats.svg import to_svg
from tracer.servers import RECIPES, Reply, Server, ServerError, ServerMissing
from tracer.servers.errors import with_log
from tracer.servers.project import find

WIDTH: Final = 150
"""Columns of a drawing for which no width was asked."""
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
            raise ValueError(_unknown(name, f"there is {', '.join(RECIPES)}"))
    for what, number in (("requests", requests), ("concurrency", concurrency)):
        if number < 1:
            raise ValueError(f"{what} must be 1 or more, not {number}")
    if not path.startswith("/"):
        raise ValueError(f"the path must begin with /, unlike {path!r}")
    place = Path(project) if project is not None else None
    find(place, settings, {})
    trial = Trial(requests, concurrency, path, place, settings)
    return Comparison(requests, [measure(name, trial) for name in dict.fromkeys(names or RECIPES)])


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line's."""
    parser = commands.add_parser(
        "compare", help="run one application under every server, and count what each builds"
    )
    add = parser.add_argument
    add("--server", action="append", type=_server, metavar="NAME", help="this one only; repeatable")
    add("--list", action="store_true", help="tell the servers' names, and which are here")
    add("--requests", type=_positive, default=20, help="sent to each server (20)")
    add("--concurrency", type=_positive, default=4, help="of them at a time (4)")
    add("--path", default="/", type=_path, help="the page to ask for (/)")
    add("--project", type=Path, metavar="DIR", help="where manage.py is (default: the demo)")
    add("--settings", metavar="MODULE", help="the project's settings")
    add("--format", choices=("console", "json", "svg"), default="console")
    add(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="the same as --format json",
    )
    add("--output", type=Path, metavar="FILE", help="where a document or a drawing goes")
    add("--width", type=_positive, help="columns to draw on")
    add("--no-colour", "--no-color", dest="colour", action="store_false")
    parser.set_defaults(refuse=parser.error)


def _server(name: str) -> str:
    if name in RECIPES:
        return name
    raise argparse.ArgumentTypeError(_unknown(name, "--list tells the names"))


def _unknown(name: str, otherwise: str) -> str:
    """Say that there is no such server, and which one may have been meant."""
    close = difflib.get_close_matches(name, RECIPES, n=1)
    return f"there is no server {name!r}; {f'did you mean {close[0]}?' if close else otherwise}"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _path(text: str) -> str:
    if not text.startswith("/") or any(char.isspace() for char in text):
        raise argparse.ArgumentTypeError(f"{text!r} is no path: it begins with / and has no spaces")
    return text


class Progress:
    """Tells on standard error how far the comparison has come: a line for each server."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self.width = max(map(len, names), default=0)
        self.place = {
            name: f"{index:{len(str(len(names)))}}" for index, name in enumerate(names, 1)
        }

    def _put(self, name: str, text: str, end: str) -> None:
        head = f"[{self.place[name]}/{len(self.place)}] {name.ljust(self.width)}"
        clear = "\r\x1b[K" if self.live else ""
        print(f"{clear}{head}  {text}", end=end, file=self.stream, flush=True)

    def step(self, name: str, text: str) -> None:
        """What is being done just now; only a terminal shows it."""
        if self.live:
            self._put(name, f"{text} …", "")

    def done(self, name: str, text: str) -> None:
        """How it came out."""
        self._put(name, text, "\n")


def refuse_nonsense(asked: argparse.Namespace) -> None:
    """Exit with a usage error before minutes are spent on what could not be served or written."""
    if not asked.list:
        try:
            find(asked.project, asked.settings, {})
        except ValueError as error:
            asked.refuse(f"{error}")
    if asked.output is None:
        return
    if asked.format == "console":
        asked.refuse("--output goes with --format json or svg")
    if asked.output.is_dir() or not os.access(asked.output.absolute().parent, os.W_OK):
        asked.refuse(f"{asked.output} cannot be written: name a file in a directory that can be")


def run(
    asked: argparse.Namespace, draw: Callable[[RenderableType], None], out: TextIO, err: TextIO
) -> int:
    """Carry out the command; `draw` puts a picture on standard output. Returns the exit status."""
    if asked.list:
        draw(Servers(RECIPES.values()))
        return 0
    names = list(dict.fromkeys(asked.server or RECIPES))
    progress = Progress(err, names)
    trial = Trial(asked.requests, asked.concurrency, asked.path, asked.project, asked.settings)
    rows = []
    with termination.orderly():
        for name in names:
            begun = time.monotonic()
            row = measure(name, trial, partial(progress.step, name))
            rows.append(row)
            progress.done(name, _told(row, time.monotonic() - begun))
    picture = Comparison(asked.requests, rows)
    if asked.format == "json":
        output.write(json.dumps(document(asked.requests, rows), indent=1) + "\n", asked.output, out)
    elif asked.format == "svg":
        title = "One application under every server"
        output.write(to_svg(picture, asked.width or WIDTH, title), asked.output, out)
    else:
        out.write("\n")
        draw(picture)
    ran = any(row.status == OK for row in rows)
    return 0 if ran and not any(row.status == FAILED for row in rows) else 1


def _told(row: Row, seconds: float) -> str:
    if row.status == OK:
        many = "1 process" if row.processes == 1 else f"{row.processes} processes"
        times = "once" if row.handlers_built == 1 else f"{row.handlers_built} times"
        return f"{many}, the handler built {times}, {seconds:.1f} s"
    if row.status == NOT_INSTALLED:
        return f"not here: {row.why}"
    return f"failed after {seconds:.1f} s: {row.why}"


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
