"""Writes one process's journal: segment after segment, and one write for each batch of facts.

Each segment stays locked until the next one is (see `tracer.journal.segment_file`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path
from typing import Final

from tracer.journal import flight_record
from tracer.journal.encode import Encoder
from tracer.journal.segment_file import SegmentFile, has_locks
from tracer.journal.segments import SUFFIX, Room, path_of
from tracer.model.facts import Fact, SegmentBegan

SEGMENT: Final = 8 << 20
"""Bytes after which the next segment begins, or fewer where little may be kept."""
SEGMENTS: Final = 32
"""Segments that should fit into what may be kept."""

_GIVEN_UP: Final = (
    "The journal in %s cannot be written (%s). This process keeps no journal from here on; see "
    "that the directory exists, is writable and has room, then restart."
)
_LOST: Final = "tracer: a %s cannot be written to the journal (%s)"

_logger = logging.getLogger("tracer")


class Journal:
    """One process's journal, in `directory`.

    - The first `append` creates the file, and the directory if need be.
    - `append` never raises. When the journal cannot be written (disk full, directory gone, no
      permission) it warns once through the logger "tracer" and writes no more: facts after a gap
      would mislead, as an object whose death was lost would look kept.
    - A journal belongs to one process: in a forked child, `append` does nothing. Give the child a
      Journal of its own.
    - Any thread may append.
    """

    def __init__(
        self,
        directory: Path,
        pid: int | None = None,
        clock: Callable[[], int] = time.time_ns,
        limit: int | None = None,
    ) -> None:
        """`pid`: whose journal it is, by default this process's; `clock`: epoch nanoseconds.

        `limit`: bytes that the directory may take, of all processes; None: any number.
        """
        self.directory = directory
        self.pid = os.getpid() if pid is None else pid
        self.limit = limit
        self.segment = 1
        """Number of the segment that is being written."""
        self.size = 0
        """Bytes written to it, without its head."""
        self._head = 0  # bytes of its head
        self.lost = 0
        """Number of facts that were not written because the journal was over."""
        self.path: Path | None = None
        """The first segment, once it exists."""
        self._flight_record: flight_record.FlightRecord | None = None
        self._clock = clock
        self._encoder = Encoder()
        self._lock = threading.Lock()
        self._file: SegmentFile | None = None
        self.over = False
        """Closed, or given up."""
        self._room = Room(directory, limit)

    def append(self, facts: Iterable[Fact]) -> None:
        """Writes `facts` in one write."""
        if os.getpid() != self.pid:
            return
        with self._lock:
            batch = tuple(facts)
            if self.over:
                self.lost += len(batch)
            elif batch:
                self._append(batch)

    @property
    def is_full(self) -> bool:
        """Whether it is time for the next segment: not before this one is mostly news."""
        usual = min(SEGMENT, (self.limit or SEGMENT * SEGMENTS) // SEGMENTS)
        return self.size >= max(usual, self._head)

    def begin_segment(self, head: Iterable[Fact], newest: int) -> None:
        """Begins the next segment; `head` tells a reader who has no other what it must know.

        `newest`: the highest number of a request that was written so far.
        """
        if os.getpid() != self.pid:
            return
        with self._lock:
            if self.over or self._file is None:
                return
            before, self._file = self._file, None
            self.segment += 1
            self._encoder = Encoder()
            self._append((*head, SegmentBegan(self.segment, newest)))
            self._head, self.size = self.size, 0
            # Only now: without a lock on either, this process would seem to be dead.
            before.close()

    def open_flight_record(self) -> flight_record.FlightRecord | None:
        """Returns the flight record beside the file; creates it at the first call.

        Returns None before the file exists, or where no lock can show that a process is dead.
        """
        with self._lock:
            if self._flight_record is None and self._file is not None and has_locks():
                assert self.path is not None
                self._flight_record = flight_record.beside(self.path)
            return self._flight_record

    def close(self) -> None:
        """Closes the file and releases its lock; later facts are counted as lost.

        In a forked child this closes the child's copies of the descriptors only.
        """
        if os.getpid() != self.pid:
            # If a thread of the parent held `self._lock` at the fork, nobody will release it here.
            self._release()
            return
        with self._lock:
            self.over = True
            self._release()

    def _append(self, batch: tuple[Fact, ...]) -> None:
        lines = list(map(self._encoded, batch))
        data = b"".join(lines)
        written = 0
        try:
            file = self._open() if self._file is None else self._file
            for count in file.write(data):
                written += count
            self.size += written
            if file.is_there():
                return
            written = 0
            reason = f"{self.path} was removed"
        except Exception as error:  # no fault of the journal may reach a request
            reason = f"{type(error).__name__}: {error}"
        self.over = True
        self.lost += sum(end > written for end in accumulate(map(len, lines)))
        self._release()
        _logger.warning(_GIVEN_UP, self.directory, reason)

    def _encoded(self, fact: Fact) -> bytes:
        """Returns a fact's line; nothing if it has none, which costs no other fact its own."""
        try:
            return self._encoder.encode(fact)
        except Exception as error:
            if not self.lost:
                _logger.warning(_LOST, type(fact).__name__, f"{type(error).__name__}: {error}")
            self.lost += 1
            return b""

    def _open(self) -> SegmentFile:
        first = self.path or self.directory / f"{self.pid}-{self._clock()}{SUFFIX}"
        file = self._file = SegmentFile(path_of(first, self.segment))
        self.path, self.size = first, 0
        self._room.make()
        return file

    def _release(self) -> None:
        record, self._flight_record = self._flight_record, None
        if record is not None and os.getpid() != self.pid:
            record.forget()
        elif record is not None:
            # Before the lock is released: once it is, a reader takes what is noted for cut off.
            record.close()
        if self._file is not None:
            self._file.close()
            self._file = None
