"""The flight record: which requests a process had begun when it was killed.

A request reaches the journal some time after it has ended. So that a SIGKILL loses no request, the
start of each is noted here at once: in a file that is mapped into the process's memory and lies
beside its journal file as `{pid}-{nanoseconds}.flight`. The operating system's page cache survives
the process, and a note is a copy in memory: no system call, no wait.

The file is 4,096 slots of 256 bytes, all numbers little-endian. The first slot is the header, the
others are a ring: request `n` is noted in slot `1 + n % SLOTS`, over one that was written to the
journal long ago. A slot begins and ends with the request's number. The number at the end is
written last, so that a slot whose writer was killed is recognised. In between: when the request
began, in seconds since the epoch and in nanoseconds of the process's clock; its thread, by the
operating system's identifier and by token; the length in bytes of its method and path, and these
in UTF-8 with a space between. Of a text that is too long, the beginning is noted.

The header also counts how often somebody has asked this process to settle: to run a collection and
a walk now, and to write down what came of it (`python -m tracer settle`).

Paths stand here as in the journal: with the query's values masked, unless the settings allow
them. The process removes the file at its orderly end.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Final

SUFFIX: Final = ".flight"
SLOTS: Final = 4095
"""More than there can be requests in flight, and finished ones that are not written yet."""
TEXT_SIZE: Final = 210
"""Bytes of a slot for method and path."""
HEADER: Final = b"tracer flight record, format 1\n"

_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""Errors of file systems that cannot reserve blocks ahead."""
_ASKED: Final = Struct("<Q")
_ASKED_AT: Final = 64
"""Where in the header that count stands."""
_SLOT: Final = Struct(f"<QdqQIH{TEXT_SIZE}sQ")
SIZE: Final = _SLOT.size * (1 + SLOTS)
"""Bytes of a whole file."""

_logger = logging.getLogger("tracer")


def beside(path: Path) -> FlightRecord | None:
    """Returns a new record beside a journal's file; None, and a line in the log, where there cannot
    be one."""
    try:
        return FlightRecord(path.with_suffix(SUFFIX))
    except OSError as error:
        _logger.warning(
            "There is no flight record beside %s (%s): should this process be killed, its last "
            "requests are lost.",
            path,
            f"{type(error).__name__}: {error}",
        )
        return None


class FlightRecord:
    """One process's flight record, for writing. Any thread may note.

    It belongs to one process: a forked child must `forget` it before it begins a request.
    """

    def __init__(self, path: Path) -> None:
        """Creates the file with all its blocks, so that a disk which fills up later does no harm.

        Raises OSError if that fails.
        """
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        file = os.open(path, flags, 0o666)
        try:
            _reserve(file)
            self._map = mmap.mmap(file, SIZE)
            self._map[: len(HEADER)] = HEADER
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(file)

    def note(
        self, number: int, started: float, begun: int, ident: int, thread: int, text: str
    ) -> None:
        """Notes that a request begins; `text` is method and path. Raises TypeError once closed."""
        data = text.encode("utf-8", "surrogatepass")
        size = len(data)
        _SLOT.pack_into(
            self._map,
            _SLOT.size * (1 + number % SLOTS),
            number,
            started,
            begun,
            ident,
            thread,
            size if size < 65536 else 65535,
            data,
            number,
        )

    @property
    def asked(self) -> int:
        """How often this process has been asked to settle; 0 once closed."""
        try:
            count: int = _ASKED.unpack_from(self._map, _ASKED_AT)[0]
        except ValueError:
            return 0
        return count

    def close(self) -> None:
        """Removes the file, once every request is written to the journal. Never raises."""
        self.forget()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def forget(self) -> None:
        """Unmaps the file without removing it."""
        self._map.close()


def _reserve(file: int) -> None:
    """Allocates every block: on a full disk, a write to a mapped page without one kills."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, SIZE)
            return
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    zeros = bytes(SIZE)
    written = 0
    while written < SIZE:
        written += os.write(file, zeros[written:])


def ask_to_settle(path: Path) -> bool:
    """Asks the process of this journal file to settle. False if it keeps no flight record."""
    try:
        with open(path.with_suffix(SUFFIX), "r+b") as file:
            head = file.read(_ASKED_AT + _ASKED.size)
            if not head.startswith(HEADER) or len(head) < _ASKED_AT + _ASKED.size:
                return False
            file.seek(_ASKED_AT)
            file.write(_ASKED.pack(_ASKED.unpack_from(head, _ASKED_AT)[0] + 1))
            return True
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class BegunRequest:
    """The start of a request."""

    number: int
    started: float
    """Seconds since the epoch."""
    begun: int
    """Nanoseconds of the process's clock."""
    ident: int
    thread: int
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class FlightNotes:
    """The notes of a flight record: the newest requests that began, by number."""

    begun: tuple[BegunRequest, ...] = ()
    torn: int = 0
    """Number of notes whose writer was killed while it wrote them."""


def read(path: Path) -> FlightNotes:
    """Reads the flight record of this path, or of this journal file. Empty if there is none."""
    try:
        data = path.with_suffix(SUFFIX).read_bytes()
    except OSError:
        return FlightNotes()
    if not data.startswith(HEADER):
        return FlightNotes()
    found, torn = [], 0
    whole = len(data) - len(data) % _SLOT.size
    for slot in _SLOT.iter_unpack(data[_SLOT.size : whole]):
        number, started, begun, ident, thread, size, text, again = slot
        if not number and not again:
            continue
        if number != again:
            torn += 1
            continue
        method, _, path_ = _decoded(text[:size]).partition(" ")
        path_ += "…" if size > TEXT_SIZE else ""
        found.append(BegunRequest(number, started, begun, ident, thread, method, path_))
    found.sort(key=lambda each: each.number)
    return FlightNotes(tuple(found), torn)


def _decoded(text: bytes) -> str:
    """Decodes a text, without the part of a character with which one that is too long may end."""
    try:
        return text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "ignore")
