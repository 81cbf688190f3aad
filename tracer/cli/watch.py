"""`python -m tracer watch DIR`: follows a journal live and draws what its processes do."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from rich.console import RenderableType

from tracer.cli import options
from tracer.cli.output import PictureWriter
from tracer.journal import flight_record
from tracer.journal.reader import unwritten_requests
from tracer.journal.segments import is_alive
from tracer.journal.tail import NewFacts, Tail
from tracer.model import Ended, History, Process, ProcessStarted
from tracer.model.process_tree import build_process_tree, letter
from tracer.model.recorded import RecordedRequests
from tracer.render.layout import wording
from tracer.render.pictures.processes import Processes
from tracer.render.pictures.sentence import Sentence
from tracer.render.pictures.timeline import Timeline

POLL_INTERVAL: Final = 0.2
"""Seconds between two polls of the journal."""
KEPT_REQUESTS: Final = 64
"""Requests of each process that are remembered one by one."""
TIMELINES_PER_POLL: Final = 12
"""Timelines drawn of one process in one poll: the newest. The others are counted."""


def add_parser(commands: Any) -> None:
    """Adds the command `watch` to the command line's parser."""
    parser = commands.add_parser("watch", help="follow all processes of a journal, live")
    options.add_journal(parser)


def wait() -> None:
    """Waits until the next poll."""
    time.sleep(POLL_INTERVAL)


def run(
    arguments: argparse.Namespace, out: TextIO, err: TextIO, pause: Callable[[], None]
) -> NoReturn:
    """Follows the directory until KeyboardInterrupt, with a `pause` before each further poll."""
    writer = PictureWriter(out, arguments.width, arguments.colour)
    follower = Follower(arguments.directory)
    noted: set[str] = set()
    already_there = list(follower.poll())
    # Printed after the first poll: whatever is written after this line is drawn.
    print(f"Watching {arguments.directory}; Ctrl-C ends.", file=err, flush=True)
    for picture in already_there:
        writer.draw(picture)
    while True:
        for note in follower.notes():
            if note not in noted:
                noted.add(note)
                print(f"note: {note}", file=err, flush=True)
        pause()
        for picture in follower.poll():
            writer.draw(picture)


@dataclass(slots=True)
class _Process:
    """What is known of one process that writes to the directory."""

    history: History = field(default_factory=lambda: History(keep=KEPT_REQUESTS))
    letter: str = ""
    alive: bool | None = None
    """Whether the process lived at the last poll; None: unknown."""
    found_dead: bool = False
    """Whether the last poll found it dead. Its last lines may not have been read yet."""
    dead_before: bool = False
    """Whether it was dead at the first poll."""
    gone: bool = False
    """Whether it is dead and all its lines have been read."""
    server: str = ""
    """The server that the process named last; its first request may say more."""
    written: set[int] = field(default_factory=set)
    """Numbers of the newest requests in the journal."""

    def feed(self, news: NewFacts) -> None:
        """Adds what the process has written."""
        for fact in news.facts:
            self.history.feed(fact)
            if isinstance(fact, RecordedRequests):
                self.written.update(fact.numbers)
        if len(self.written) > 4 * flight_record.SLOTS:
            oldest = max(self.written) - 2 * flight_record.SLOTS
            self.written = {number for number in self.written if number > oldest}

    @property
    def over(self) -> bool:
        """Whether the process writes no more."""
        return self.gone or self.history.log.ended

    def snapshot(self) -> Process:
        """Returns the process as it stands."""
        known = False if self.gone else None if self.found_dead else self.alive
        return replace(self.history.snapshot(), letter=self.letter, alive=known)


class Follower:
    """A reader of all processes that write to a directory, which need not exist yet.

    The first poll says in one line of each living process what it has served; later polls draw
    every new request. When a process starts or ends and there is more than one, the poll draws the
    tree of the living processes and of those that ended just now.
    """

    def __init__(self, directory: Path) -> None:
        self._tail = Tail(directory)
        self._processes: dict[Path, _Process] = {}
        self._first = True
        self._in_tree: set[Path] = set()
        """The living processes of the tree that was drawn last."""

    def poll(self) -> Iterator[RenderableType]:
        """Yields what has happened since the last poll. Raises JournalError as `Tail.read`."""
        first, self._first = self._first, False
        for news in self._tail.read():
            process = self._process(news)
            process.feed(news)
            if process.history.about is not None:
                yield from _introduce(process, news) if first else _draw_news(process, news)
        for path, process in self._processes.items():
            if process.over:
                continue
            if process.found_dead:
                process.gone = True
                yield from () if process.dead_before else _report_death(process, path)
            else:
                process.alive = is_alive(path)
                process.found_dead = process.alive is False
                process.dead_before = first and process.found_dead
        yield from self._tree()

    def notes(self) -> list[str]:
        """Returns what could not be read so far."""
        return self._tail.notes()

    def _process(self, news: NewFacts) -> _Process:
        process = self._processes.get(news.path)
        if process is None or news.restarted:
            process = self._processes[news.path] = _Process()
            pid = news.path.name.partition("-")[0]
            same = [path for path in self._processes if path.name.partition("-")[0] == pid]
            process.letter = letter(len(same) - 1) if len(same) > 1 else ""
        return process

    def _tree(self) -> Iterator[RenderableType]:
        """Yields the tree if it has changed: the living, and those that the last tree showed."""
        named = {p: k for p, k in self._processes.items() if k.history.about is not None}
        living = {path for path, known in named.items() if not (known.over or known.dead_before)}
        if living == self._in_tree:
            return
        shown = {path: named[path].snapshot() for path in living | (self._in_tree & named.keys())}
        self._in_tree = living
        # A parent stands above its children though it has ended.
        parents = {process.about.parent for process in shown.values()}
        for path, known in named.items():
            if path not in shown and known.history.about and known.history.about.pid in parents:
                shown[path] = known.snapshot()
        if len(shown) > 1:
            ordered = [shown[path] for path in named if path in shown]
            yield Processes(build_process_tree(ordered), brief=True)


def _introduce(process: _Process, news: NewFacts) -> Iterator[RenderableType]:
    """Says what a process has served that was there before the first poll."""
    assert process.history.about is not None
    process.server = _server(process.history.about)
    state = is_alive(news.path)
    if state is not False and not process.history.log.ended:
        served = wording.plural(process.history.served, "request")
        running = "is running and has" if state else "has"
        yield Sentence(f"{_name(process)} {running} served {served} so far.")


def _draw_news(process: _Process, news: NewFacts) -> Iterator[RenderableType]:
    """Yields sentences and timelines for what a process has written."""
    for fact in news.facts:
        if isinstance(fact, ProcessStarted):
            server = _server(fact)
            if not process.server:
                yield Sentence(
                    f"{_name(process)} began: {server}, Python {fact.python}, Django {fact.django}."
                )
            elif server != process.server:
                yield Sentence(f"{_name(process)} is {server}.")
            process.server = server
    requests = [
        number
        for fact in news.facts
        if isinstance(fact, RecordedRequests)
        for number in fact.numbers
    ]
    if len(requests) > TIMELINES_PER_POLL:
        skipped = len(requests) - TIMELINES_PER_POLL
        yield Sentence(f"{skipped} requests of {_name(process)} are not drawn.")
    yield from _timelines(process, requests)
    if any(isinstance(fact, Ended) for fact in news.facts):
        yield Sentence(f"{_name(process)} ended.")


def _report_death(process: _Process, path: Path) -> Iterator[RenderableType]:
    """Says that a process died without ending its journal, and draws the requests cut off."""
    missing = unwritten_requests(
        flight_record.read(path), process.written, process.history.log.began_after
    )
    for recorded in missing:
        process.history.feed(recorded)
    cut_off = f"; {wording.plural(len(missing), 'request')} cut off" if missing else ""
    yield Sentence(f"{_name(process)} is gone without a word{cut_off}.")
    if process.history.about is not None:
        yield from _timelines(process, [each.numbers[0] for each in missing])


def _timelines(process: _Process, numbers: Sequence[int]) -> Iterator[RenderableType]:
    """Draws the newest of some requests."""
    if numbers:
        snapshot = process.snapshot()
        for number in numbers[-TIMELINES_PER_POLL:]:
            request = process.history.request(number)
            if request is not None:
                yield Timeline(snapshot, request)


def _name(process: _Process) -> str:
    about = process.history.about
    return f"Process {about.pid}{process.letter}" if about is not None else "A process"


def _server(about: ProcessStarted) -> str:
    return " ".join(word for word in (about.server, about.mode) if word)
