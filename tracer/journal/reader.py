"""Reading the journal: every process that wrote to a directory, whole or as it grows.

Reads no settings and needs no Django. Nothing here writes to the directory.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tracer.journal import flight_record
from tracer.journal.decode import UnknownFact, UnknownFormat, Unreadable, decode, read_header
from tracer.journal.format import VERSION
from tracer.journal.locks import Readable, alive, reading
from tracer.journal.writer import SUFFIX
from tracer.model.facts import Fact, ProcessStarted, Request
from tracer.model.history import History
from tracer.model.process import Process
from tracer.model.process_tree import with_letters

_CHUNK: Final = 1 << 20


class JournalError(Exception):
    """The directory cannot be read as a journal; the message is a sentence with the mend."""


@dataclass(frozen=True, slots=True)
class Story:
    """What one file tells: a process, and whether it is alive (None: that cannot be told)."""

    path: Path
    process: Process
    alive: bool | None
    pending: tuple[Request, ...] = ()
    """Requests that a living process has begun and not yet written: in flight, or just over."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything in a journal's directory, oldest process first, and what was skipped."""

    stories: tuple[Story, ...]
    notes: tuple[str, ...]

    @property
    def processes(self) -> list[Process]:
        """The processes alone."""
        return [story.process for story in self.stories]


@dataclass(frozen=True, slots=True)
class News:
    """What a file has to tell since it was last asked."""

    path: Path
    facts: tuple[Fact, ...]
    restarted: bool = False
    """True when the file was replaced or cut off: forget what it told before."""


@dataclass(slots=True)
class _File:
    """How far one file has been read."""

    path: Path
    identity: tuple[int, int] = (0, 0)
    offset: int = 0
    """Bytes read, up to the end of a whole line."""
    torn: int = 0
    """Bytes after the last whole line."""
    headed: bool = False
    refused: str = ""
    """Why this file cannot be read; empty if it can."""
    junk: int = 0
    unknown: int = 0

    def is_new(self, status: os.stat_result) -> bool:
        """Starts again if the file was replaced or cut off; return whether that was so."""
        identity = status.st_dev, status.st_ino
        if self.identity == identity and status.st_size >= self.offset:
            return False
        begun = self.offset > 0
        self.identity = identity
        self.offset = self.torn = self.junk = self.unknown = 0
        self.headed = False
        self.refused = ""
        return begun

    def note(self, whole: bool) -> list[str]:
        """Says what was skipped; `whole`: the file will not grow any more."""
        notes = [self.refused] if self.refused else []
        if self.junk:
            notes.append(f"{self.path}: {_count(self.junk)} skipped, being damaged.")
        if self.unknown:
            notes.append(f"{self.path}: {_count(self.unknown)} skipped, written by a newer tracer.")
        if self.torn and whole:
            notes.append(f"{self.path}: the last line skipped, being cut off.")
        return notes


def _count(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


class Tail:
    """Reads a directory as it grows: each `read` returns what has been written since the last.

    Only whole lines are read; one that is still being written comes with a later read. The
    directory, and files in it, may come and go. A file that is no journal, or of an unknown
    format, is refused and noted. Not thread-safe.
    """

    def __init__(self, directory: Path, strict: bool = False) -> None:
        """`strict`: a file of an unknown format raises JournalError."""
        self.directory = directory
        self.strict = strict
        self._files: dict[Path, _File] = {}

    def read(self) -> list[News]:
        """Returns the news of every file that has any, oldest file first.

        Raises JournalError if the directory exists and cannot be listed.
        """
        paths = self.paths()
        for gone in self._files.keys() - set(paths):
            del self._files[gone]
        news = (self._read(self._files.setdefault(path, _File(path))) for path in paths)
        return [each for each in news if each.facts or each.restarted]

    def notes(self, whole: bool = False) -> list[str]:
        """Returns what was skipped so far; `whole`: count a last line without end as cut off."""
        return [note for file in self._files.values() for note in file.note(whole)]

    def paths(self) -> list[Path]:
        """Returns the files that there are, oldest first; raises as `read` does."""
        try:
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(SUFFIX)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise JournalError(f"{self.directory} cannot be read: {error.strerror}.") from error
        return [self.directory / name for name in sorted(names, key=_age)]

    def _read(self, file: _File) -> News:
        try:
            with reading(file.path) as stream:
                restarted = file.is_new(os.fstat(stream.fileno()))
                facts = [] if file.refused else self._lines(file, stream)
        except FileNotFoundError:  # removed since the directory was listed
            return News(file.path, ())
        except OSError as error:
            file.refused = f"{file.path} cannot be read: {error.strerror or error}."
            return News(file.path, ())
        return News(file.path, tuple(facts), restarted)

    def _lines(self, file: _File, stream: Readable) -> list[Fact]:
        facts: list[Fact] = []
        rest = b""
        stream.seek(file.offset)
        # Up to where the file ends now: a writer faster than this reader must not hold it here.
        left = os.fstat(stream.fileno()).st_size - file.offset
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                file.offset += len(line) + 1
                self._line(file, line, facts)
        file.torn = len(rest)
        return facts

    def _line(self, file: _File, line: bytes, facts: list[Fact]) -> None:
        if file.refused:
            return
        try:
            if file.headed:
                facts.append(decode(line))
            else:
                read_header(line)
                file.headed = True
        except UnknownFact:
            file.unknown += 1
        except UnknownFormat as error:
            file.refused = (
                f"{file.path} has journal format {error.args[0]!a}, and this tracer reads format "
                f"{VERSION}: read it with the version of django-request-tracer that wrote it, or "
                "move it away."
            )
            if self.strict:
                raise JournalError(file.refused) from error
        except Unreadable:
            if file.headed:
                file.junk += 1
            else:
                file.refused = f"{file.path} is not a tracer journal: its first line is no header."


def _age(name: str) -> tuple[int, str]:
    """Orders `{pid}-{nanoseconds}.jsonl` by time; foreign names come first."""
    started = name.removesuffix(SUFFIX).rpartition("-")[2]
    return (int(started) if started.isdecimal() else 0, name)


def read(directory: Path) -> Reading:
    """Reads everything in `directory`.

    Raises JournalError if it is missing, holds no journal, or one of an unknown format.
    """
    if not directory.is_dir():
        found = "is not a directory" if directory.exists() else "does not exist"
        raise JournalError(
            f"{directory} {found}; name the directory that TRACER['JOURNAL'] or TRACER_JOURNAL "
            "names."
        )
    tail = Tail(directory, strict=True)
    # Asked before reading: what a process that is gone by now has written will then all be read,
    # and what is noted by now and not written by then is outstanding.
    states = {path: alive(path) for path in tail.paths()}
    flown = {path: flight_record.read(path) for path in states}
    stories, notes = [], []
    for news in tail.read():
        if any(isinstance(fact, ProcessStarted) for fact in news.facts):
            noted = flown.get(news.path, flight_record.Flown())
            stories.append(_story(news, states.get(news.path), noted))
            if noted.torn and stories[-1].alive is False:
                notes.append(f"{news.path.with_suffix(flight_record.SUFFIX)}: {_torn(noted.torn)}")
        else:
            notes.append(f"{news.path}: skipped, as it does not say whose it is.")
    notes += tail.notes(whole=True)
    if not stories:
        reason = " ".join(notes) or "No process has written to it yet."
        raise JournalError(f"{directory} holds no journal. {reason}")
    stories.sort(key=lambda story: story.process.about.started)
    told = with_letters([story.process for story in stories])
    return Reading(
        tuple(replace(each, process=one) for each, one in zip(stories, told, strict=True)),
        tuple(notes),
    )


def processes(directory: Path) -> list[Process]:
    """Returns every process that wrote to `directory`, oldest first; raises as `read` does."""
    return read(directory).processes


def _story(news: News, is_alive: bool | None, noted: flight_record.Flown) -> Story:
    history = History()
    written = set()
    for fact in news.facts:
        history.feed(fact)
        if isinstance(fact, Request):
            written.add(fact.number)
    missing = outstanding(noted, written, history.threads)
    if is_alive is False and not history.ended:
        for request in missing:
            history.feed(request)
        missing = ()
    process = replace(history.snapshot(), alive=is_alive)
    return Story(news.path, process, is_alive, missing if is_alive else ())


def outstanding(
    noted: flight_record.Flown, written: Container[int], threads: Mapping[int, str]
) -> tuple[Request, ...]:
    """Returns what a flight record knows and the journal has not: how each such request began.

    `written` holds the numbers of the journal's requests, `threads` the names of its threads.
    """
    return tuple(
        Request(
            number=each.number,
            method=each.method,
            path=each.path,
            status=None,
            thread=each.thread,
            thread_name=threads.get(each.thread, ""),
            ident=each.ident,
            started=each.started,
            begun=each.begun,
            closed=each.begun,
            size=None,
            watching=0,
            spans=(),
            births=(),
            seen=(),
            ending="cut off",
        )
        for each in noted.begun
        if each.number not in written
    )


def _torn(count: int) -> str:
    return f"{count} more began at the very end, and cannot be told."
