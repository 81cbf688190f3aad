"""The command line: `python -m tracer show DIR`, `watch DIR`, `run -- COMMAND` and `compare`.

Needs no Django settings. Pictures go to standard output, everything that is said about them to
standard error. Exit statuses: 0, 1 (what was asked for is not there) and 2 (it was asked for in a
wrong way); those of `run` are the command's.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from rich.console import RenderableType

from tracer import __version__
from tracer.cli import compare, drawings, output, run
from tracer.cli.watch import Follower
from tracer.journal.reader import JournalFile, read
from tracer.journal.tail import JournalError
from tracer.model import Process, Request
from tracer.model.process_tree import build_process_tree
from tracer.render.formats.terminal import NARROWEST, Terminal, to_text
from tracer.render.pictures.boot import BootTree
from tracer.render.pictures.first_request import FirstRequest
from tracer.render.pictures.ledger import Ledger
from tracer.render.pictures.lifelines import Lifelines
from tracer.render.pictures.overview import Overview
from tracer.render.pictures.processes import Processes
from tracer.render.pictures.sentence import Sentence
from tracer.render.pictures.timeline import Timeline

PICTURES: Final = (
    "processes", "overview", "boot", "timeline", "first-request", "lifelines", "ledger"
)  # fmt: skip
LATEST: Final = 5
"""Timelines that `show` draws of each process where no request is named."""
PAUSE: Final = 0.2
"""Seconds between two looks of `watch`."""


class Page:
    """Where pictures go: one write for each, with an empty line below it."""

    def __init__(self, stream: TextIO, width: int | None, colour: bool) -> None:
        """`width` None and `colour` True leave it to what the stream is."""
        self.terminal = Terminal(stream)
        self.width = width
        self.colour = colour and self.terminal.colour

    def draw(self, picture: RenderableType) -> None:
        """Draw one picture. Raises BrokenPipeError when nobody reads any more."""
        terminal = self.terminal
        width = self.width or terminal.width
        text = to_text(picture, width=width, colour=self.colour, encoding=terminal.encoding)
        terminal.stream.write(f"{text}\n")
        terminal.stream.flush()


def main(
    argv: Sequence[str] | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    pause: Callable[[], None] | None = None,
) -> int:
    """Run one command and return its exit status; `pause` waits between two looks of `watch`."""
    out, err = stdout or sys.stdout, stderr or sys.stderr
    try:
        words, rest = run.split(sys.argv[1:] if argv is None else argv)
        asked = _parser().parse_args(words)
        _refuse_nonsense(asked)
        if asked.command == "run":
            return run.run(asked, run.command(asked, rest), err, os.environ)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        if asked.command == "watch":
            return _watch(asked, out, err, pause or _rest)
        if asked.command == "compare":
            return compare.run(asked, Page(out, asked.width, asked.colour).draw, out, err)
        return _show(asked, out, err)
    except (JournalError, output.Unwritable) as error:
        print(f"{error}", file=err)
        return 1
    except KeyboardInterrupt:
        return 0 if asked.command == "watch" else 130
    except BrokenPipeError:
        _deafen(out)
        return 0
    except OSError as error:
        print(f"The picture cannot be written: {error.strerror or error}.", file=err)
        _deafen(out)
        return 1


def _rest() -> None:
    time.sleep(PAUSE)


def _deafen(stream: TextIO) -> None:
    """Send what is left in the stream's buffer nowhere, or Python complains of it at its end."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


# -- what may be asked for ------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracer",
        description="Trace any Django project, draw what was recorded, compare servers.",
    )
    parser.add_argument("--version", action="version", version=f"tracer {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="show|watch|run|compare"
    )
    show = commands.add_parser("show", help="draw what a journal holds")
    watch = commands.add_parser("watch", help="follow all processes of a journal, live")
    for command in (show, watch):
        command.add_argument("directory", type=Path, help='the directory of TRACER["JOURNAL"]')
        command.add_argument("--width", type=_width, help="columns to draw on")
        command.add_argument("--no-colour", "--no-color", dest="colour", action="store_false")
    show.add_argument("--request", type=_request, metavar="N", help='a request\'s number, or "all"')
    show.add_argument("--process", type=_process, metavar="PID", help="one process only")
    show.add_argument("--only", choices=PICTURES, help="one kind of picture only")
    show.add_argument("--format", choices=("console", "svg", *output.FORMATS), default="console")
    show.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where a document goes; with svg, a directory too",
    )
    show.set_defaults(refuse=show.error)
    run.add_parser(commands)
    compare.add_parser(commands)
    return parser


def _width(text: str) -> int:
    if not text.isdecimal() or int(text) < NARROWEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of columns from {NARROWEST} on")
    return int(text)


def _request(text: str) -> int | str:
    if text == "all":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor 'all'")
    return int(text)


def _process(text: str) -> str:
    if not text.rstrip("abcdefghijklmnopqrstuvwxyz").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no process, such as 4711 or 4711b")
    return text


def _refuse_nonsense(asked: argparse.Namespace) -> None:
    """Exit with a usage error for options that contradict each other."""
    if asked.command == "compare":
        compare.refuse_nonsense(asked)
    if asked.command != "show":
        return
    if asked.request is not None and asked.only not in (None, "timeline"):
        asked.refuse(f"--request draws a timeline; it does not go with --only {asked.only}")
    if asked.output == Path("-"):
        asked.output = None
    if asked.format == "console":
        if asked.output is not None:
            asked.refuse("--output takes a document: name its --format, such as html")
        return
    if asked.format == "svg":
        return
    for option, given in (("--only", asked.only), ("--width", asked.width)):
        if given is not None:
            asked.refuse(f"{option} is for pictures; it does not go with --format {asked.format}")


# -- show -----------------------------------------------------------------------------------------


def _show(asked: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    with _no_collections():
        reading = read(asked.directory)
    for note in reading.notes:
        print(f"note: {note}", file=err)
    stories = _of_process(reading.files, asked.process)
    if isinstance(asked.request, int):
        stories = _with_request(stories, asked.request)
    if asked.format == "svg":
        drawings.draw(_drawn(asked, stories), asked.width, asked.output, out)
        return 0
    if asked.format != "console":
        return _export(asked, stories, out, err)
    page = Page(out, asked.width, asked.colour)
    for _, _, picture in _chosen(asked, stories):
        page.draw(picture)
    return 0


def _chosen(
    asked: argparse.Namespace, stories: Sequence[JournalFile]
) -> Iterator[tuple[str, int, RenderableType]]:
    """Give the pictures asked for, each with its kind and its process's pid."""
    only = "timeline" if asked.request is not None else asked.only
    if only == "processes" or (not only and len(stories) > 1):
        roots = build_process_tree(story.process for story in stories)
        yield "processes", stories[0].process.about.pid, Processes(roots)
    names = (only,) if only else ("overview", "timeline", "lifelines", "ledger")
    for story in stories:
        for name in names:
            for picture in _pictures(name, story, asked.request):
                yield name, story.process.about.pid, picture


def _drawn(
    asked: argparse.Namespace, stories: Sequence[JournalFile]
) -> Iterator[tuple[str, int, RenderableType]]:
    """Give the pictures asked for, with their kinds and processes; what is only said stays out."""
    for name, pid, picture in _chosen(asked, stories):
        if not isinstance(picture, Sentence):
            yield name, pid, picture


def _export(
    asked: argparse.Namespace, stories: Sequence[JournalFile], out: TextIO, err: TextIO
) -> int:
    if asked.format == "html" and asked.output is None and Terminal(out).is_terminal:
        print("A page is for a browser: name a file for it, as in --output page.html.", file=err)
        return 1
    with _no_collections():
        text = output.FORMATS[asked.format](story.process for story in stories)
    output.write(text, asked.output, out)
    return 0


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Nothing that is read forms cycles; looking for them would take as long as the reading."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _of_process(stories: Sequence[JournalFile], name: str | None) -> Sequence[JournalFile]:
    """Return the stories of one process, or all. Raises JournalError if there is none.

    A pid alone stands for every process that had it.
    """
    chosen = [
        story
        for story in stories
        if name in (None, story.process.name, str(story.process.about.pid))
    ]
    if not chosen:
        there = ", ".join(story.process.name for story in stories)
        raise JournalError(f"There is no process {name} in this journal; there is {there}.")
    return chosen


def _with_request(stories: Sequence[JournalFile], number: int) -> Sequence[JournalFile]:
    """Return the stories that have a request, with it alone. Raises JournalError if none has."""
    chosen = []
    for story in stories:
        requests = tuple(each for each in story.process.requests if each.number == number)
        if requests:
            chosen.append(replace(story, process=replace(story.process, requests=requests)))
    if not chosen:
        there = "; ".join(f"process {s.process.name} has {_served(s)}" for s in stories)
        raise JournalError(f"There is no request {number} in this journal: {there}.")
    return chosen


def _served(story: JournalFile) -> str:
    numbers = [request.number for request in story.process.requests]
    if not numbers:
        return "none"
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def _pictures(name: str, story: JournalFile, request: int | str | None) -> Iterable[RenderableType]:
    process = story.process
    match name:
        case "overview":
            yield Overview(process)
            if not process.ended and story.alive is not None:
                yield Sentence(_state(story))
        case "boot":
            yield BootTree(process)
        case "timeline":
            yield from _timelines(process, request)
        case "first-request":
            yield FirstRequest(process)
        case "lifelines":
            yield Lifelines(process)
        case "processes":
            return
        case _:
            yield Ledger(process)


def _state(story: JournalFile) -> str:
    pid = story.process.name
    if story.alive:
        pending = len(story.pending)
        plural = "request has" if pending == 1 else "requests have"
        begun = f"; {pending} {plural} begun and not been written yet" if pending else ""
        return f"Process {pid} is still running: this is how far it has come{begun}."
    return f"Process {pid} is gone without a word: killed, or its server runs no exit handlers."


def _timelines(process: Process, request: int | str | None) -> Iterable[RenderableType]:
    requests: Sequence[Request] = process.requests
    if request is None and len(requests) > LATEST:
        requests = requests[-LATEST:]
        yield Sentence(
            f"The last {LATEST} of {len(process.requests)} requests of process "
            f"{process.name}; --request N draws another, --request all draws all."
        )
    for each in requests:
        yield Timeline(process, each)


# -- watch ----------------------------------------------------------------------------------------


def _watch(asked: argparse.Namespace, out: TextIO, err: TextIO, pause: Callable[[], None]) -> int:
    """Follow the directory until interrupted."""
    page = Page(out, asked.width, asked.colour)
    follower = Follower(asked.directory)
    told: set[str] = set()
    there = list(follower.look())
    # Said after the first look: from this line on, whatever is written will be drawn.
    print(f"Watching {asked.directory}; Ctrl-C ends.", file=err, flush=True)
    for picture in there:
        page.draw(picture)
    while True:
        for note in follower.notes():
            if note not in told:
                told.add(note)
                print(f"note: {note}", file=err, flush=True)
        pause()
        for picture in follower.look():
            page.draw(picture)
