"""Writes one process's journal: one file, and one write for each batch of facts.

The file is named `{pid}-{nanoseconds since the epoch}.jsonl`, so that a reused pid never continues
another process's file. It is locked before it appears under that name and stays locked while the
process lives: another process that cannot lock it knows from that that the writer is alive (see
`tracer.journal.locks`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tracer.journal import flight_record
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.model.facts import Fact

try:
    import fcntl
except ImportError:  # Windows has no such lock, so no sure sign that a process is dead
    fcntl = None  # type: ignore[assignment]

SUFFIX: Final = ".jsonl"

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
        self, directory: Path, pid: int | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """`pid`: whose journal it is, by default this process's; `clock`: epoch nanoseconds."""
        self.directory = directory
        self.pid = os.getpid() if pid is None else pid
        self.lost = 0
        """Number of facts that were not written because the journal was over."""
        self.path: Path | None = None
        """The file, once it exists."""
        self._flight_record: flight_record.FlightRecord | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._file: int | None = None
        self._linked = False
        self.over = False
        """Closed, or given up."""

    def append(self, facts: Iterable[Fact | bytes]) -> None:
        """Writes `facts` in one write; bytes are the line of a fact already."""
        if os.getpid() != self.pid:
            return
        with self._lock:
            batch = tuple(facts)
            if self.over:
                self.lost += len(batch)
            elif batch:
                self._append(batch)

    def open_flight_record(self) -> flight_record.FlightRecord | None:
        """Returns the flight record beside the file; creates it at the first call.

        Returns None before the file exists, or where no lock can show that a process is dead.
        """
        with self._lock:
            if self._flight_record is None and self._file is not None and fcntl is not None:
                assert self.path is not None
                try:
                    self._flight_record = flight_record.FlightRecord(
                        self.path.with_suffix(flight_record.SUFFIX)
                    )
                except OSError as error:
                    _logger.warning(
                        "There is no flight record beside %s (%s): should this process be killed, "
                        "its last requests are lost.",
                        self.path,
                        f"{type(error).__name__}: {error}",
                    )
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

    def _append(self, batch: tuple[Fact | bytes, ...]) -> None:
        data = b""
        written = 0
        try:
            data = b"".join([fact if isinstance(fact, bytes) else encode(fact) for fact in batch])
            file = self._open() if self._file is None else self._file
            while written < len(data):
                written += os.write(file, data[written:])
            if not self._linked or os.fstat(file).st_nlink:
                return
            written = 0
            reason = f"{self.path} was removed"
        except Exception as error:  # no fault of the journal may reach a request
            reason = f"{type(error).__name__}: {error}"
        self.over = True
        self.lost += len(batch) - data.count(b"\n", 0, written)
        self._release()
        _logger.warning(
            "The journal in %s cannot be written (%s). This process keeps no journal from here "
            "on; see that the directory exists, is writable and has room, then restart.",
            self.directory,
            reason,
        )

    def _open(self) -> int:
        """Creates the file. It gets its name only when it is locked and has its header."""
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"{self.pid}-{self._clock()}"
        path = self.directory / f"{name}{SUFFIX}"
        # Windows cannot rename an open file; and it has no lock to take before the file is seen.
        hidden = path if fcntl is None else self.directory / f".{name}.new"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        file = self._file = os.open(hidden, flags, 0o666)
        try:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # some network file systems have no locks
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(file, HEADER)
            self._linked = os.fstat(file).st_nlink > 0  # some file systems never count links
            if hidden != path:
                os.rename(hidden, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(hidden)
            raise
        self.path = path
        return file

    def _release(self) -> None:
        record, self._flight_record = self._flight_record, None
        if record is not None and os.getpid() != self.pid:
            record.forget()
        elif record is not None:
            # Before the lock is released: once it is, a reader takes what is noted for cut off.
            record.close()
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
