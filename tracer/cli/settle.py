"""`python -m tracer settle DIR`: asks the living processes of a journal to collect and walk, now.

What they find is then in the journal, and is printed: what requests left behind, and what holds it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TextIO

from tracer.cli import options
from tracer.cli.output import PictureWriter
from tracer.journal import flight_record
from tracer.journal.reader import read
from tracer.journal.segments import is_alive
from tracer.journal.tail import NewFacts, Tail
from tracer.model import Barrier, Walk
from tracer.render.pictures.leftovers import Leftovers

PATIENCE: Final = 60.0
"""Seconds that a process has for its answer."""


def add_parser(commands: Any) -> None:
    """Adds the command `settle` to the command line's parser."""
    parser = commands.add_parser(
        "settle", help="ask the living processes what their requests left behind, now"
    )
    options.add_journal(parser)


def run(
    arguments: argparse.Namespace,
    out: TextIO,
    err: TextIO,
    pause: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Asks and waits; prints a picture for each process. Status 1 if one did not answer."""
    tail = Tail(arguments.directory)
    files = [news.path for news in tail.read()]
    asked = [path for path in files if is_alive(path) and flight_record.ask_to_settle(path)]
    if not asked:
        print(
            f"No process that lives keeps a journal in {arguments.directory}, or none that can be "
            "asked: start a server with this journal, and send it a request.",
            file=err,
        )
        return 1
    answered = _wait(asked, tail, pause, clock)
    writer = PictureWriter(out, arguments.width, arguments.colour)
    for file in read(arguments.directory).files:
        if file.path in answered:
            writer.draw(Leftovers(file.load()))
    silent = [path for path in asked if path not in answered]
    for path in silent:
        print(f"{path.name}: {_why_silent(path)}", file=err)
    return 1 if silent else 0


def _wait(
    asked: list[Path], tail: Tail, pause: Callable[[], None], clock: Callable[[], float]
) -> set[Path]:
    """Waits for the answers; returns the files whose processes gave one."""
    answered, collected = set[Path](), set[Path]()
    deadline = clock() + PATIENCE
    while any(path not in answered and is_alive(path) is not False for path in asked):
        if clock() >= deadline:
            break
        pause()
        answered |= {news.path for news in tail.read() if _has_answer(news, collected)}
    return answered


def _why_silent(path: Path) -> str:
    """Returns why the process of this file gave no answer."""
    if is_alive(path) is False:
        return "the process ended before it answered."
    return (
        f"no answer within {PATIENCE:.0f} s. The process may be busy, stopped, or one that the "
        "tracer gives no thread; then it answers with its next request."
    )


def _has_answer(news: NewFacts, collected: set[Path]) -> bool:
    """Whether a file has a walk after a collection that the tracer ran, which it is noted in."""
    for fact in news.facts:
        if isinstance(fact, Barrier) and fact.by == "tracer":
            collected.add(news.path)
        elif isinstance(fact, Walk) and news.path in collected:
            return True
    return False
