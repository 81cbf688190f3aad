"""`python -m tracer compare`: its arguments, its progress, and what it prints.

It tells its progress on standard error, and puts the table or the JSON document on standard output.
Exit statuses: 0, 1 (a server failed, or none was there), 130 (interrupted) and 143 or 129 (told to
end, or its terminal was closed); no process is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from rich.console import RenderableType

from tracer.cli import output, termination
from tracer.compare.count import FAILED, NOT_INSTALLED, OK, Row, document
from tracer.compare.server_list import Servers
from tracer.compare.table import Comparison
from tracer.compare.trial import Trial, measure, unknown
from tracer.render.formats.svg import to_svg
from tracer.servers import RECIPES
from tracer.servers.project import find

WIDTH: Final = 150
"""Columns of a drawing for which no width was asked."""


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
    raise argparse.ArgumentTypeError(unknown(name, "--list tells the names"))


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
        self.tracer = stream.isatty()
        self.width = max(map(len, names), default=0)
        self.place = {
            name: f"{index:{len(str(len(names)))}}" for index, name in enumerate(names, 1)
        }

    def _put(self, name: str, text: str, end: str) -> None:
        head = f"[{self.place[name]}/{len(self.place)}] {name.ljust(self.width)}"
        clear = "\r\x1b[K" if self.tracer else ""
        print(f"{clear}{head}  {text}", end=end, file=self.stream, flush=True)

    def step(self, name: str, text: str) -> None:
        """What is being done just now; only a terminal shows it."""
        if self.tracer:
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
