"""Reads a journal's directory as it grows: each time, the facts written since the last time.

Reads no settings and needs no Django. Nothing here writes to the directory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.journal.decode import UnknownFact, UnknownFormat, Unreadable, decode, read_header
from tracer.journal.format import VERSION
from tracer.journal.locks import Readable, reading
from tracer.journal.writer import SUFFIX
from tracer.model.facts import Fact

_CHUNK: Final = 1 << 20


class JournalError(Exception):
    """The directory cannot be read as a journal; the message says how to mend that."""


@dataclass(frozen=True, slots=True)
class NewFacts:
    """The facts that a file has gained since it was last read."""

    path: Path
    facts: tuple[Fact, ...]
    restarted: bool = False
    """True when the file was replaced or shortened: forget its earlier facts."""


@dataclass(slots=True)
class _FileState:
    """How far one file has been read."""

    path: Path
    identity: tuple[int, int] = (0, 0)
    offset: int = 0
    """Bytes read, up to the end of a whole line."""
    unfinished: int = 0
    """Bytes after the last whole line."""
    has_header: bool = False
    """Whether its header was read."""
    refused: str = ""
    """Why this file cannot be read; empty if it can."""
    damaged: int = 0
    unknown: int = 0
    """Lines skipped because they were damaged, or of a type that is not known."""

    def restart_if_replaced(self, status: os.stat_result) -> bool:
        """Starts again if the file was replaced or shortened; returns whether it was."""
        identity = status.st_dev, status.st_ino
        if self.identity == identity and status.st_size >= self.offset:
            return False
        begun = self.offset > 0
        self.identity = identity
        self.offset = self.unfinished = self.damaged = self.unknown = 0
        self.has_header = False
        self.refused = ""
        return begun

    def notes(self, whole: bool) -> list[str]:
        """Says what was skipped; `whole`: the file will not grow any more."""
        notes = [self.refused] if self.refused else []
        if self.damaged:
            notes.append(f"{self.path}: {_count(self.damaged)} skipped, being damaged.")
        if self.unknown:
            notes.append(f"{self.path}: {_count(self.unknown)} skipped, written by a newer tracer.")
        if self.unfinished and whole:
            notes.append(f"{self.path}: the last line skipped, being cut off.")
        return notes


def _count(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


class Tail:
    """A reader of a directory that grows: each `read` returns what was written since the last.

    Only whole lines are read; a line that is still being written comes with a later read. The
    directory, and files in it, may appear and disappear. A file that is no journal, or of an
    unknown format, is refused, and a note says so. Not thread-safe.
    """

    def __init__(self, directory: Path, strict: bool = False) -> None:
        """`strict`: a file of an unknown format raises JournalError."""
        self.directory = directory
        self.strict = strict
        self._files: dict[Path, _FileState] = {}

    def read(self) -> list[NewFacts]:
        """Returns the new facts of every file that has any, oldest file first.

        Raises JournalError if the directory exists and cannot be listed.
        """
        paths = self.paths()
        for gone in self._files.keys() - set(paths):
            del self._files[gone]
        found = (self._read(self._files.setdefault(path, _FileState(path))) for path in paths)
        return [each for each in found if each.facts or each.restarted]

    def notes(self, whole: bool = False) -> list[str]:
        """Returns what was skipped so far; `whole`: a last line without end counts as cut off."""
        return [note for file in self._files.values() for note in file.notes(whole)]

    def paths(self) -> list[Path]:
        """Returns the journal's files, oldest first; raises as `read` does."""
        try:
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(SUFFIX)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise JournalError(f"{self.directory} cannot be read: {error.strerror}.") from error
        return [self.directory / name for name in sorted(names, key=_by_time)]

    def _read(self, file: _FileState) -> NewFacts:
        try:
            with reading(file.path) as stream:
                restarted = file.restart_if_replaced(os.fstat(stream.fileno()))
                facts = [] if file.refused else self._lines(file, stream)
        except FileNotFoundError:  # removed since the directory was listed
            return NewFacts(file.path, ())
        except OSError as error:
            file.refused = f"{file.path} cannot be read: {error.strerror or error}."
            return NewFacts(file.path, ())
        return NewFacts(file.path, tuple(facts), restarted)

    def _lines(self, file: _FileState, stream: Readable) -> list[Fact]:
        facts: list[Fact] = []
        rest = b""
        stream.seek(file.offset)
        # Reads to where the file ends now: with a fast writer it would else never return.
        left = os.fstat(stream.fileno()).st_size - file.offset
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                file.offset += len(line) + 1
                self._line(file, line, facts)
        file.unfinished = len(rest)
        return facts

    def _line(self, file: _FileState, line: bytes, facts: list[Fact]) -> None:
        if file.refused:
            return
        try:
            if file.has_header:
                facts.append(decode(line))
            else:
                read_header(line)
                file.has_header = True
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
            if file.has_header:
                file.damaged += 1
            else:
                file.refused = f"{file.path} is not a tracer journal: its first line is no header."


def _by_time(name: str) -> tuple[int, str]:
    """Returns a sort key: `{pid}-{nanoseconds}.jsonl` by time, all other names first."""
    started = name.removesuffix(SUFFIX).rpartition("-")[2]
    return (int(started) if started.isdecimal() else 0, name)
