"""Reads a journal's files as they grow: each time, the facts written since the last time.

Reads no settings and needs no Django. Nothing here writes to the directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tracer.journal import segments
from tracer.journal.decode import (
    Decoder,
    UnknownFact,
    UnknownFormat,
    Unreadable,
    outline,
    read_header,
)
from tracer.journal.format import HEADER, VERSION
from tracer.journal.locks import Readable, reading
from tracer.model.facts import Fact

_CHUNK: Final = 1 << 20
_NAMES: Final = b'["names",'
_SEGMENT: Final = b'["segment",'
_BULK: Final = (_NAMES, b'["deaths",', b'["walk",', b'["replaced",', b'["ended_with')
"""How lines begin that say nothing of a process's outline."""


@dataclass(frozen=True, slots=True)
class NewFacts:
    """The facts that a process has written since they were last read."""

    path: Path
    """The first segment of the process that wrote them."""
    facts: tuple[Fact, ...]
    restarted: bool = False
    """True when they do not follow the earlier ones, which are to be forgotten."""


@dataclass(slots=True)
class _File:
    """One segment, and how far it has been read."""

    path: Path
    outline: bool
    """Of requests only the beginnings are read, and nothing of what became of objects."""
    in_head: bool
    """What stands here repeats what was read from the segment before."""
    identity: tuple[int, int] = (0, 0)
    offset: int = 0
    """Bytes read, up to the end of a whole line."""
    unfinished: int = 0
    """Bytes after the last whole line."""
    decoder: Decoder | None = None
    """None until its header is read."""
    refused: str = ""
    """Why this file cannot be read; empty if it can."""
    damaged: int = 0
    unknown: set[str] = field(default_factory=set)
    """Types of lines skipped because they are not known."""
    restarted: bool = False
    """The file was replaced or shortened when it was read last."""

    def read(self) -> Iterator[Fact]:
        """Yields the facts written since the last time; ends where the file ends when it begins."""
        self.restarted = False
        try:
            with reading(self.path) as stream:
                status = os.fstat(stream.fileno())
                self._restart_if_replaced(status)
                # With a fast writer it would else never return.
                yield from self._lines(stream, status.st_size)
        except FileNotFoundError:  # removed since the directory was listed
            return
        except OSError as error:
            self.refused = f"{self.path} cannot be read: {error.strerror or error}."

    def _restart_if_replaced(self, status: os.stat_result) -> None:
        identity = status.st_dev, status.st_ino
        if self.identity != identity or status.st_size < self.offset:
            self.restarted = self.offset > 0
            self.identity = identity
            self.offset = self.unfinished = self.damaged = 0
            self.decoder = None
            self.refused = ""
            self.in_head &= not self.restarted

    def _lines(self, stream: Readable, size: int) -> Iterator[Fact]:
        rest = b""
        stream.seek(self.offset)
        left = size - self.offset
        while left > 0 and not self.refused and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.offset += len(line) + 1
                fact = self._line(line)
                if fact is not None:
                    yield fact
        self.unfinished = len(rest)

    def _line(self, line: bytes) -> Fact | None:
        if self.refused:
            return None
        try:
            if self.decoder is None:
                read_header(line)
                self.decoder = Decoder()
            elif self.in_head and not line.startswith(_NAMES):
                self.in_head = not line.startswith(_SEGMENT)
            elif not self.outline:
                return self.decoder.decode(line)
            elif not line.startswith(_BULK):
                found = outline(line)
                return self.decoder.decode(line) if found is None else found
        except UnknownFact as error:
            self.unknown.add(str(error))
        except UnknownFormat as error:
            self.refused = (
                f"{self.path} has journal format {error.args[0]!a}, and this tracer reads format "
                f"{VERSION}: read it with the version of django-request-tracer that wrote it, or "
                "move it away."
            )
        except Unreadable:
            if self.decoder is not None:
                self.damaged += 1
            else:
                self.refused = f"{self.path} is not a tracer journal: its first line is no header."
        return None

    def notes(self, whole: bool) -> list[str]:
        """Says what was skipped; `whole`: the file will not grow any more."""
        notes = [self.refused] if self.refused else []
        if self.damaged:
            lines = "1 line" if self.damaged == 1 else f"{self.damaged:,} lines"
            notes.append(f"{self.path}: {lines} skipped, being damaged.")
        if self.unknown:
            kinds = ", ".join(sorted(self.unknown))
            notes.append(f"{self.path}: lines of a newer tracer skipped: {kinds!a}.")
        if self.unfinished and whole:
            notes.append(f"{self.path}: the last line skipped, being cut off.")
        return notes


@dataclass(slots=True)
class GrowingStory:
    """What one process writes, segment by segment, and how far it has been read."""

    first: Path
    """The process's first segment, whether that is still there or not."""
    outline: bool = False
    """As in `_File`."""
    files: dict[int, _File] = field(default_factory=dict)
    restarted: bool = False
    """What was read last does not follow what was read before."""

    def read(self) -> Iterator[Fact]:
        """Yields the facts written since the last time; ends where the files end as it begins."""
        self.restarted = False
        for path, number in segments.without_gap(segments.of_process(self.first)):
            file = self.files.get(number)
            if file is None:
                follows = number - 1 in self.files
                if self.files and not follows:
                    self.files.clear()
                    self.restarted = True
                file = self.files[number] = _File(path, self.outline, in_head=follows)
            yield from file.read()
            self.restarted |= file.restarted

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it can be read."""
        return any(file.refused for file in self.files.values())

    @property
    def is_begun(self) -> bool:
        """Whether there is more than a header."""
        return any(file.offset > len(HEADER) for file in self.files.values())

    def notes(self, whole: bool) -> list[str]:
        """Says what was skipped; `whole`: the process will write no more."""
        lacking = min(self.files, default=1) - 1
        notes = []
        if lacking:
            gone = "oldest segment is" if lacking == 1 else f"{lacking} oldest segments are"
            notes.append(
                f"{self.first}: the {gone} removed, so that its story begins later; "
                "TRACER['JOURNAL_LIMIT'] says how much is kept."
            )
        newest = max(self.files, default=0)
        for number, file in self.files.items():
            notes += file.notes(whole or number != newest)
        return notes


class Tail:
    """A reader of a directory that grows: each `read` returns what was written since the last.

    Only whole lines are read; a line that is still being written comes with a later read. The
    directory, and files in it, may appear and disappear. A file that is no journal, or of another
    format, is refused, and a note says so. Not thread-safe.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stories: dict[Path, GrowingStory] = {}

    def read(self) -> list[NewFacts]:
        """Returns the new facts of every process that wrote any, oldest process first.

        Raises JournalError if the directory exists and cannot be listed.
        """
        found = segments.processes(self.directory)
        for gone in self._stories.keys() - found.keys():
            del self._stories[gone]
        news = []
        for first in found:
            story = self._stories.setdefault(first, GrowingStory(first))
            facts = tuple(story.read())
            if facts or story.restarted:
                news.append(NewFacts(first, facts, story.restarted))
        return news

    def notes(self, whole: bool = False) -> list[str]:
        """Returns what was skipped so far; `whole`: a last line without end counts as cut off."""
        return [note for story in self._stories.values() for note in story.notes(whole)]
