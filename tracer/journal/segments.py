"""The files of a journal. Each process writes one after the other: its segments.

The first is named `{pid}-{nanoseconds since the epoch}.jsonl`, the next `….2.jsonl`, and so on. A
process is known by the name of its first segment, whether that is still there or not: so a reused
pid never continues another process's files.
"""

from __future__ import annotations

import contextlib
import logging
import os
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from tracer.journal import flight_record
from tracer.journal.decode import UnknownFormat, Unreadable, read_header
from tracer.journal.locks import alive, reading

SUFFIX: Final = ".jsonl"
_LONGEST_HEADER: Final = 200
"""Bytes."""

_logger = logging.getLogger("tracer")


class JournalError(Exception):
    """The directory cannot be read as a journal; the message says how to mend that."""


class Segment(NamedTuple):
    """One file."""

    path: Path
    number: int
    """From 1."""


def check(directory: Path) -> None:
    """Raises JournalError if there is no such directory."""
    if not directory.is_dir():
        found = "is not a directory" if directory.exists() else "does not exist"
        raise JournalError(
            f"{directory} {found}; name the directory that TRACER['JOURNAL'] or TRACER_JOURNAL "
            "names."
        )


def path_of(first: Path, number: int) -> Path:
    """Returns the path of a process's segment; `first` is that of its first one."""
    return first if number == 1 else first.with_name(f"{first.stem}.{number}{SUFFIX}")


def processes(directory: Path) -> dict[Path, list[Segment]]:
    """Returns the segments of each process that wrote to a directory, oldest process first, by the
    path of its first segment.

    What is no regular file is none. Raises JournalError if the directory cannot be listed.
    """
    found: dict[Path, list[Segment]] = {}
    for name in sorted(_names(directory), key=_by_time):
        base, _, number = name.removesuffix(SUFFIX).rpartition(".")
        segment = Segment(directory / name, int(number) if base and number.isdecimal() else 1)
        first = f"{base}{SUFFIX}" if segment.number > 1 else name
        found.setdefault(directory / first, []).append(segment)
    return {first: sorted(several, key=_NUMBER) for first, several in found.items()}


def of_process(first: Path) -> list[Segment]:
    """Returns the segments of one process, known by the path of its first one."""
    return processes(first.parent).get(first, [])


def without_gap(several: list[Segment]) -> list[Segment]:
    """Returns the newest segments without a gap: what stands before it belongs to another story."""
    first = len(several) - 1
    while first > 0 and several[first - 1].number == several[first].number - 1:
        first -= 1
    return several[max(first, 0) :]


def is_alive(first: Path) -> bool | None:
    """Returns whether a process is alive: it holds a lock on its newest segment. None: unknown."""
    return alive([Segment(first, 1), *of_process(first)][-1].path)


def is_journal(path: Path) -> bool:
    """Returns whether a file begins with a journal's header, of whatever format."""
    try:
        with reading(path) as stream:
            read_header(stream.read(_LONGEST_HEADER).partition(b"\n")[0])
    except UnknownFormat:
        return True
    except (OSError, Unreadable):
        return False
    return True


def make_room(directory: Path, limit: int) -> int:
    """Removes the oldest segments until all take at most so many bytes; returns how many it did.

    Those that are being written stay, and so does what is no journal.
    """
    files = []
    for several in processes(directory).values():
        for segment in several:
            with contextlib.suppress(OSError):
                path, may_go = segment.path, alive(segment.path) is False
                if not may_go or is_journal(path):
                    status = path.stat()
                    files.append((status.st_mtime_ns, status.st_size, path, may_go))
    total, removed = sum(size for _, size, _, _ in files), 0
    for _, size, path, may_go in sorted(files):
        if total <= limit:
            break
        if may_go and _removed(path):
            total, removed = total - size, removed + 1
    return removed


class Room:
    """The room that the journal of one process shares with others in a directory."""

    def __init__(self, directory: Path, limit: int | None) -> None:
        """`limit`: bytes that the directory may take; None: any number."""
        self.directory = directory
        self.limit = limit
        self._is_told = False

    def make(self) -> None:
        """Removes old segments where there is no room left; the first time it says so."""
        if self.limit is None or not make_room(self.directory, self.limit) or self._is_told:
            return
        self._is_told = True
        _logger.warning(
            "The journal in %s has reached its limit of %d MB: its oldest segments are removed "
            'from here on. TRACER["JOURNAL_LIMIT"] sets it.',
            self.directory,
            self.limit >> 20,
        )


def remove(first: Path) -> int:
    """Removes all that a process wrote; returns how many bytes that were."""
    total = 0
    for segment in of_process(first):
        with contextlib.suppress(OSError):
            if is_journal(segment.path):
                total += segment.path.stat().st_size
                _removed(segment.path)
    with contextlib.suppress(OSError):
        first.with_suffix(flight_record.SUFFIX).unlink()
    return total


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [e.name for e in entries if e.name.endswith(SUFFIX) and e.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise JournalError(f"{directory} cannot be read: {error.strerror}.") from error


def _by_time(name: str) -> tuple[int, str]:
    """Returns a sort key: the files of a process by when it began, all other names first."""
    started = name.partition(".")[0].rpartition("-")[2]
    return (int(started) if started.isdecimal() else 0, name)


_NUMBER: Final = attrgetter("number")
