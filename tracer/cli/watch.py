"""Following a journal's directory live: what has happened since the last look, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import RenderableType

from tracer.journal import flight_record
from tracer.journal.locks import alive
from tracer.journal.reader import unwritten_requests
from tracer.journal.tail import NewFacts, Tail
from tracer.model import Ended, History, Process, ProcessStarted, Request
from tracer.model.process_tree import build_process_tree, letter
from tracer.render.layout import wording
from tracer.render.pictures.processes import Processes
from tracer.render.pictures.sentence import Sentence
from tracer.render.pictures.timeline import Timeline

KEEP: Final = 64
"""Requests of each process that are remembered one by one."""
AT_ONCE: Final = 12
"""Timelines drawn of one process in one look; the newest are drawn, the others are counted."""


@dataclass(slots=True)
class _Process:
    """What is known of one process that writes to the directory."""

    history: History = field(default_factory=lambda: History(keep=KEEP))
    letter: str = ""
    alive: bool | None = None
    """As the last look found it."""
    silent: bool = False
    """It was seen dead by the last look; what it wrote until then may not have been read."""
    old: bool = False
    """It was dead before anybody looked."""
    gone: bool = False
    """It is known to be dead."""
    server: str = ""
    """What was told of its server; its first request may tell more."""
    written: set[int] = field(default_factory=set)
    """Numbers of the newest requests that were written."""

    def feed(self, news: NewFacts) -> None:
        """Take what it has written."""
        for fact in news.facts:
            self.history.feed(fact)
            if isinstance(fact, Request):
                self.written.add(fact.number)
        if len(self.written) > 4 * flight_record.SLOTS:
            oldest = max(self.written) - 2 * flight_record.SLOTS
            self.written = {number for number in self.written if number > oldest}

    @property
    def over(self) -> bool:
        """Whether no more will come of it."""
        return self.gone or self.history.ended

    def snapshot(self) -> Process:
        """The process as it stands."""
        known = False if self.gone else None if self.silent else self.alive
        return replace(self.history.snapshot(), letter=self.letter, alive=known)


class Follower:
    """Follows all processes that write to a directory, which need not exist yet.

    What was there at the first look is told in a line for each process that lives; from then on
    every new request is drawn. Whenever a process comes or goes and there is more than one, the
    tree of those that live is drawn, with those that went just now.
    """

    def __init__(self, directory: Path) -> None:
        self._tail = Tail(directory)
        self._processes: dict[Path, _Process] = {}
        self._first = True
        self._drawn: set[Path] = set()
        """Who was alive in the tree that was drawn last."""

    def look(self) -> Iterator[RenderableType]:
        """Yield what has happened since the last look. Raises JournalError as `Tail.read`."""
        first, self._first = self._first, False
        for news in self._tail.read():
            known = self._known(news)
            known.feed(news)
            if known.history.about is not None:
                yield from self._met(known, news) if first else _heard(known, news)
        for path, known in self._processes.items():
            if known.over:
                continue
            if known.silent:
                known.gone = True
                yield from () if known.old else _lost(known, path)
            else:
                known.alive = alive(path)
                known.silent = known.alive is False
                known.old = first and known.silent
        yield from self._tree()

    def notes(self) -> list[str]:
        """Return what could not be read so far."""
        return self._tail.notes()

    def _known(self, news: NewFacts) -> _Process:
        known = self._processes.get(news.path)
        if known is None or news.restarted:
            known = self._processes[news.path] = _Process()
            pid = news.path.name.partition("-")[0]
            same = [path for path in self._processes if path.name.partition("-")[0] == pid]
            known.letter = letter(len(same) - 1) if len(same) > 1 else ""
        return known

    def _met(self, known: _Process, news: NewFacts) -> Iterator[RenderableType]:
        """Tell of a process that was there before anybody looked."""
        assert known.history.about is not None
        known.server = _server(known.history.about)
        state = alive(news.path)
        if state is not False and not known.history.ended:
            served = wording.plural(known.history.served, "request")
            running = "is running and has" if state else "has"
            yield Sentence(f"{_name(known)} {running} served {served} so far.")

    def _tree(self) -> Iterator[RenderableType]:
        """The tree, if it has changed: those that live, and those that were in it last time."""
        named = {p: k for p, k in self._processes.items() if k.history.about is not None}
        living = {path for path, known in named.items() if not (known.over or known.old)}
        if living == self._drawn:
            return
        shown = {path: named[path].snapshot() for path in living | (self._drawn & named.keys())}
        self._drawn = living
        # Who began any of them stands above it, though it be gone.
        parents = {process.about.parent for process in shown.values()}
        for path, known in named.items():
            if path not in shown and known.history.about and known.history.about.pid in parents:
                shown[path] = known.snapshot()
        if len(shown) > 1:
            ordered = [shown[path] for path in named if path in shown]
            yield Processes(build_process_tree(ordered), brief=True)


def _name(known: _Process) -> str:
    about = known.history.about
    return f"Process {about.pid}{known.letter}" if about is not None else "A process"


def _server(about: ProcessStarted) -> str:
    return " ".join(word for word in (about.server, about.mode) if word)


def _heard(known: _Process, news: NewFacts) -> Iterator[RenderableType]:
    """Tell and draw what a process has written."""
    for fact in news.facts:
        if isinstance(fact, ProcessStarted):
            server = _server(fact)
            if not known.server:
                yield Sentence(
                    f"{_name(known)} began: {server}, Python {fact.python}, Django {fact.django}."
                )
            elif server != known.server:
                yield Sentence(f"{_name(known)} is {server}.")
            known.server = server
    requests = [fact for fact in news.facts if isinstance(fact, Request)]
    if len(requests) > AT_ONCE:
        yield Sentence(f"{len(requests) - AT_ONCE} requests of {_name(known)} are not drawn.")
    yield from _drawn(known, requests)
    if any(isinstance(fact, Ended) for fact in news.facts):
        yield Sentence(f"{_name(known)} ended.")


def _lost(known: _Process, path: Path) -> Iterator[RenderableType]:
    """Tell of a process that is gone without a word, and of the requests that it took along."""
    missing = unwritten_requests(flight_record.read(path), known.written, known.history.threads)
    for request in missing:
        known.history.feed(request)
    with_it = f"; {wording.plural(len(missing), 'request')} cut off" if missing else ""
    yield Sentence(f"{_name(known)} is gone without a word{with_it}.")
    if known.history.about is not None:
        yield from _drawn(known, missing)


def _drawn(known: _Process, requests: Sequence[Request]) -> Iterator[RenderableType]:
    """Draw the newest of some requests."""
    if requests:
        process = known.snapshot()
        for request in requests[-AT_ONCE:]:
            yield Timeline(process, request)
