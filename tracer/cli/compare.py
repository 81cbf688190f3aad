"""`python -m tracer compare`: its arguments, its progress, and what it prints.

Progress goes to standard error, the table or the JSON document to standard output. Exit statuses:
0, 1 (a server failed, or none could be started), 130 (interrupted), 143 (SIGTERM) and 129 (SIGHUP).
No process is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from tracer.cli import options, output, termination
from tracer.compare.count import FAILED, NOT_INSTALLED, OK, Row, to_document
from tracer.compare.server_list import ServerList
from tracer.compare.table import Comparison
from tracer.compare.trial import Trial, measure_server, no_such_server
from tracer.render.formats.svg import to_svg
from tracer.servers import RECIPES
from tracer.servers.project import find_project

SVG_WIDTH: Final = 150
"""Columns of an SVG drawing when --width is not given."""


def add_parser(commands: Any) -> None:
    """Adds the command `compare` to the command line's parser."""
    parser = commands.add_parser(
        "compare", help="run one application under every server, and count what each builds"
    )
    add = parser.add_argument
    add("--server", action="append", type=_server, metavar="NAME", help="this one only; repeatable")
    add("--list", action="store_true", help="list the servers, and say which can be started here")
    add("--requests", type=options.positive, default=20, help="sent to each server (20)")
    add("--concurrency", type=options.positive, default=4, help="of them at a time (4)")
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
    add("--width", type=options.positive, help="columns to draw on")
    options.add_no_colour(parser)
    parser.set_defaults(usage_error=parser.error)


def _server(name: str) -> str:
    if name in RECIPES:
        return name
    raise argparse.ArgumentTypeError(no_such_server(name, "--list shows the names"))


def _path(text: str) -> str:
    if not text.startswith("/") or any(char.isspace() for char in text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a path: a path begins with / and has no spaces"
        )
    return text


def check(arguments: argparse.Namespace) -> None:
    """Exits with a usage error before minutes go into a trial that cannot be served or written."""
    error = arguments.usage_error
    if not arguments.list:
        try:
            find_project(arguments.project, arguments.settings, {})
        except ValueError as reason:
            error(f"{reason}")
    target = arguments.output
    if target is None:
        return
    if arguments.format == "console":
        error("--output goes with --format json or svg")
    if target.is_dir() or not os.access(target.absolute().parent, os.W_OK):
        error(f"{target} cannot be written: name a file in a directory that can be")


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Compares the servers, or lists them, and returns the exit status."""
    writer = output.PictureWriter(out, arguments.width, arguments.colour)
    if arguments.list:
        writer.draw(ServerList(RECIPES.values()))
        return 0
    rows = _measure(arguments, err)
    requests, target = arguments.requests, arguments.output
    picture = Comparison(requests, rows)
    if arguments.format == "json":
        output.write([json.dumps(to_document(requests, rows), indent=1) + "\n"], target, out)
    elif arguments.format == "svg":
        title = "One application under every server"
        output.write(to_svg(picture, arguments.width or SVG_WIDTH, title), target, out)
    else:
        out.write("\n")
        writer.draw(picture)
    ran = any(row.status == OK for row in rows)
    return 0 if ran and not any(row.status == FAILED for row in rows) else 1


def _measure(arguments: argparse.Namespace, err: TextIO) -> list[Row]:
    names = list(dict.fromkeys(arguments.server or RECIPES))
    progress = Progress(err, names)
    trial = Trial(
        arguments.requests,
        arguments.concurrency,
        arguments.path,
        arguments.project,
        arguments.settings,
    )
    rows = []
    with termination.exit_on_signals():
        for name in names:
            begun = time.monotonic()
            row = measure_server(name, trial, partial(progress.step, name))
            rows.append(row)
            progress.done(name, _summary(row, time.monotonic() - begun))
    return rows


class Progress:
    """The comparison's progress on standard error: one line for each server."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self.stream = stream
        self.interactive = stream.isatty()
        self.width = max(map(len, names), default=0)
        self.place = {
            name: f"{index:{len(str(len(names)))}}" for index, name in enumerate(names, 1)
        }

    def step(self, name: str, text: str) -> None:
        """Shows what is being done at this moment, on a terminal only."""
        if self.interactive:
            self._write(name, f"{text} …", "")

    def done(self, name: str, text: str) -> None:
        """Writes how the server's trial ended."""
        self._write(name, text, "\n")

    def _write(self, name: str, text: str, end: str) -> None:
        head = f"[{self.place[name]}/{len(self.place)}] {name.ljust(self.width)}"
        clear = "\r\x1b[K" if self.interactive else ""
        print(f"{clear}{head}  {text}", end=end, file=self.stream, flush=True)


def _summary(row: Row, seconds: float) -> str:
    if row.status == OK:
        many = "1 process" if row.processes == 1 else f"{row.processes} processes"
        times = "once" if row.handlers_built == 1 else f"{row.handlers_built} times"
        return f"{many}, the handler built {times}, {seconds:.1f} s"
    if row.status == NOT_INSTALLED:
        return f"not here: {row.why}"
    return f"failed after {seconds:.1f} s: {row.why}"
