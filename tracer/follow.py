"""Following a journal's directory live: what has happened since the last look, as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from tracer.journal.locks import alive
from tracer.journal.reader import News, Tail
from tracer.model import Ended, History, ProcessStarted, Request
from tracer.render.timeline import Timeline

KEEP: Final = 64
"""Requests of each process that are remembered one by one."""
AT_ONCE: Final = 12
"""Timelines drawn of one process in one look; the newest are drawn, the others are counted."""


@dataclass(slots=True)
class _Process:
    """What is known of one process that writes to the directory."""

    history: History = field(default_factory=lambda: History(keep=KEEP))
    silent: bool = False
    """It was seen dead by the last look; what it wrote until then may not have been read."""
    old: bool = False
    """It was dead before anybody looked."""
    gone: bool = False
    """It is known to be dead."""
    server: str = ""
    """What was told of its server; its first request may tell more."""


class Follower:
    """Follows all processes that write to a directory, which need not exist yet.

    What was there at the first look is told in a line for each process that lives; from then on
    every new request is drawn.
    """

    def __init__(self, directory: Path) -> None:
        self._tail = Tail(directory)
        self._processes: dict[Path, _Process] = {}
        self._first = True

    def look(self) -> Iterator[RenderableType]:
        """Yield what has happened since the last look. Raises JournalError as `Tail.read`."""
        first, self._first = self._first, False
        for news in self._tail.read():
            known = self._processes.setdefault(news.path, _Process())
            if news.restarted:
                known = self._processes[news.path] = _Process()
            for fact in news.facts:
                known.history.feed(fact)
            if known.history.about is not None:
                yield from _met(known, news) if first else _heard(known, news)
        for path, known in self._processes.items():
            if known.gone or known.history.ended:
                continue
            if known.silent:
                known.gone = True
                if not known.old:
                    yield Text(f" {_name(known)} is gone without a word.")
            else:
                known.silent = alive(path) is False
                known.old = first and known.silent

    def notes(self) -> list[str]:
        """Return what could not be read so far."""
        return self._tail.notes()


def _name(known: _Process) -> str:
    about = known.history.about
    return f"Process {about.pid}" if about is not None else "A process"


def _met(known: _Process, news: News) -> Iterator[RenderableType]:
    """Tell of a process that was there before anybody looked."""
    state = alive(news.path)
    if state is not False and not known.history.ended:
        served = known.history.served
        running = "is running and has" if state else "has"
        plural = "request" if served == 1 else "requests"
        yield Text(f" {_name(known)} {running} served {served} {plural} so far.")


def _heard(known: _Process, news: News) -> Iterator[RenderableType]:
    """Tell and draw what a process has written."""
    for fact in news.facts:
        if isinstance(fact, ProcessStarted):
            server = " ".join(word for word in (fact.server, fact.mode) if word)
            if not known.server:
                yield Text(
                    f" {_name(known)} began: {server}, Python {fact.python}, Django {fact.django}."
                )
            elif server != known.server:
                yield Text(f" {_name(known)} is {server}.")
            known.server = server
    requests = [fact for fact in news.facts if isinstance(fact, Request)]
    if len(requests) > AT_ONCE:
        yield Text(f" {len(requests) - AT_ONCE} requests of {_name(known)} are not drawn.")
    if requests:
        process = known.history.snapshot()
        for request in requests[-AT_ONCE:]:
            yield Timeline(process, request)
    if any(isinstance(fact, Ended) for fact in news.facts):
        yield Text(f" {_name(known)} ended.")
