"""`python -m tracer show DIR`: draws a journal, or exports it as JSON, HTML, Perfetto or SVG."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import RenderableType

from tracer.cli import options, output
from tracer.journal.reader import JournalFile, no_collections, read
from tracer.journal.segments import JournalError
from tracer.model import Process, Request
from tracer.model.process_tree import build_process_tree
from tracer.model.request_log import ALWAYS_REMEMBERED
from tracer.model.requests import heads
from tracer.render.formats.terminal import Terminal
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
NEWEST_TIMELINES: Final = 5
"""Timelines drawn of each process when no request is named."""
REMEMBERED: Final = 16
"""Requests of each process that are remembered one by one: more than the lifelines have columns."""


def add_parser(commands: Any) -> None:
    """Adds the command `show` to the command line's parser."""
    parser = commands.add_parser("show", help="draw what a journal holds")
    options.add_journal(parser)
    add = parser.add_argument
    add("--request", type=_request, metavar="N", help='a request\'s number, or "all"')
    add("--process", type=_process, metavar="PID", help="one process only")
    add("--only", choices=PICTURES, help="one kind of picture only")
    add("--format", choices=("console", "svg", *output.FORMATS), default="console")
    add(
        "--output",
        type=Path,
        metavar="FILE",
        help="where a document goes; with svg, a directory too",
    )
    parser.set_defaults(usage_error=parser.error)


def _request(text: str) -> int | str:
    if text == "all":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a request's number, 1 or more, nor 'all'"
        )
    return int(text)


def _process(text: str) -> str:
    if not text.rstrip("abcdefghijklmnopqrstuvwxyz").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a process, such as 4711 or 4711b")
    return text


def check(arguments: argparse.Namespace) -> None:
    """Exits with a usage error if two options contradict each other."""
    error = arguments.usage_error
    if arguments.request is not None and arguments.only not in (None, "timeline"):
        error(f"--request draws a timeline; it does not go with --only {arguments.only}")
    if arguments.output == Path("-"):
        arguments.output = None
    if arguments.format == "console":
        if arguments.output is not None:
            error("--output takes a document: name its --format, such as html")
        return
    if arguments.format == "svg":
        return
    for option, given in (("--only", arguments.only), ("--width", arguments.width)):
        if given is not None:
            error(f"{option} is for pictures; it does not go with --format {arguments.format}")


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Draws or exports the journal and returns the exit status.

    Raises JournalError if the journal, the process or the request is not there.
    """
    contents = read(arguments.directory)
    files = _of_process(contents.files, arguments.process)
    if isinstance(arguments.request, int):
        files = _with_request(files, arguments.request)
    status = 0
    if arguments.format == "console":
        writer = output.PictureWriter(out, arguments.width, arguments.colour)
        for _, _, picture in _pictures(arguments, files):
            writer.draw(picture)
    elif arguments.format == "svg":
        # A sentence is no picture for a document.
        pictures = [p for p in _pictures(arguments, files) if not isinstance(p[2], Sentence)]
        output.write_drawings(pictures, arguments.width, arguments.output, out)
    else:
        status = _export(arguments, files, out, err)
    for note in contents.notes:
        print(f"note: {note}", file=err)
    return status


def _of_process(files: Sequence[JournalFile], name: str | None) -> Sequence[JournalFile]:
    """Returns the files of one process, or all. Raises JournalError if there is none.

    A pid alone stands for every process that had it.
    """
    chosen = [
        file for file in files if name in (None, file.outline.name, str(file.outline.about.pid))
    ]
    if not chosen:
        there = ", ".join(file.outline.name for file in files)
        raise JournalError(f"There is no process {name} in this journal; there is {there}.")
    return chosen


def _with_request(files: Sequence[JournalFile], number: int) -> Sequence[JournalFile]:
    """Returns the files that have a request. Raises JournalError if none has."""
    chosen = [file for file in files if number in _numbers(file)]
    if not chosen:
        there = "; ".join(
            f"process {each.outline.name} has {_request_range(each)}" for each in files
        )
        raise JournalError(f"There is no request {number} in this journal: {there}.")
    return chosen


def _numbers(file: JournalFile) -> list[int]:
    return [request.number for request in heads(file.outline.requests)]


def _request_range(file: JournalFile) -> str:
    numbers = _numbers(file)
    if not numbers:
        return "none"
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def _export(
    arguments: argparse.Namespace, files: Sequence[JournalFile], out: TextIO, err: TextIO
) -> int:
    if arguments.format == "html" and arguments.output is None and Terminal(out).is_terminal:
        print(
            "The HTML page is for a browser: name a file for it, as in --output page.html.",
            file=err,
        )
        return 1
    processes = (
        replace(process, requests=_requests(process, arguments.request))
        for process in (file.load() for file in files)
    )
    with no_collections():
        output.write(output.FORMATS[arguments.format](processes), arguments.output, out)
    return 0


def _requests(process: Process, number: int | str | None) -> Sequence[Request]:
    """Returns the request of this number, if there is one; all if none is named."""
    if not isinstance(number, int):
        return process.requests
    numbers = [each.number for each in heads(process.requests)]
    return [process.requests[numbers.index(number)]] if number in numbers else []


def _pictures(
    arguments: argparse.Namespace, files: Sequence[JournalFile]
) -> Iterator[tuple[str, int, RenderableType]]:
    """Yields the pictures that the arguments choose, each with its kind and its process's pid."""
    only = "timeline" if arguments.request is not None else arguments.only
    if only == "processes" or (not only and len(files) > 1):
        trees = build_process_tree(file.outline for file in files)
        yield "processes", files[0].outline.about.pid, Processes(trees)
    if only == "processes":
        return
    kinds = (only,) if only else ("overview", "timeline", "lifelines", "ledger")
    for file in files:
        process = _load(file, arguments.request)
        for kind in kinds:
            for picture in _pictures_of(kind, file, process, arguments.request):
                yield kind, file.outline.about.pid, picture


def _load(file: JournalFile, request: int | str | None) -> Process:
    """Returns a process as far as pictures show it."""
    if request == "all":
        return file.load()
    if isinstance(request, int):
        return file.load(REMEMBERED, ALWAYS_REMEMBERED | {request}, request)
    return file.load(REMEMBERED)


def _pictures_of(
    kind: str, file: JournalFile, process: Process, request: int | str | None
) -> Iterable[RenderableType]:
    match kind:
        case "overview":
            yield Overview(process)
            if not process.ended and file.alive is not None:
                yield Sentence(_state(file))
        case "boot":
            yield BootTree(process)
        case "timeline":
            yield from _timelines(process, request)
        case "first-request":
            yield FirstRequest(process)
        case "lifelines":
            yield Lifelines(process)
        case _:
            yield Ledger(process)


def _state(file: JournalFile) -> str:
    pid = file.outline.name
    if file.alive:
        pending = len(file.pending)
        plural = "request has" if pending == 1 else "requests have"
        begun = f"; {pending} {plural} begun and not been written yet" if pending else ""
        return f"Process {pid} is still running: this is how far it has come{begun}."
    return f"Process {pid} is gone without a word: killed, or its server runs no exit handlers."


def _timelines(process: Process, request: int | str | None) -> Iterable[RenderableType]:
    requests = _requests(process, request)
    if request is None and len(requests) > NEWEST_TIMELINES:
        requests = requests[-NEWEST_TIMELINES:]
        yield Sentence(
            f"The last {NEWEST_TIMELINES} of {process.served} requests of process "
            f"{process.name}; --request N draws another, --request all draws all."
        )
    for each in requests:
        yield Timeline(process, each)
