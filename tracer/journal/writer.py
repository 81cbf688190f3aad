"""Writing the journal: one process, one file, one write for each batch of facts.

The file is named `{pid}-{nanoseconds since the epoch}.jsonl`, so that a reused pid never continues
another process's file. It is locked before it appears under that name and stays locked while the
process lives: whoever cannot lock it knows that its process is alive (see `reader.alive`).
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
except ImportError:  # Windows: no lock, and so no sure sign of a process's death
    fcntl = None  # type: ignore[assignment]

SUFFIX: Final = ".jsonl"

_logger = logging.getLogger("tracer")


class Journal:
    """One process's journal, in `directory`.

    - The file, and the directory if need be, is created by the first `append`.
    - `append` never raises. When the journal cannot be written (disk full, directory gone, no
      permission) it warns once through the logger "tracer", and is over: facts that came after a
      gap would tell a wrong story, such as of an object that is kept because its death was lost.
    - It belongs to one process: in a forked child, `append` does nothing. Give the child a Journal
      of its own.
    - Any thread may append.
    """

    def __init__(
        self, directory: Path, pid: int | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """`pid`: whose journal it is, by default this process's; `clock`: epoch nanoseconds."""
        self.directory = directory
        self.pid = os.getpid() if pid is None else pid
        self.lost = 0
        """Facts that were not written since the journal could no longer be."""
        self.path: Path | None = None
        """The file, once it exists."""
        self.flight: flight_record.Flight | None = None
        """The flight record beside it, from `fly` until the journal is over."""
        self._clock = clock
        self._lock = threading.Lock()
        self._file: int | None = None
        self._linked = False
        self.over = False
        """Closed, or given up."""

    def append(self, facts: Iterable[Fact | bytes]) -> None:
        """Writes `facts`, all of them in one write; bytes are a fact's line already."""
        if os.getpid() != self.pid:
            return
        with self._lock:
            batch = tuple(facts)
            if self.over:
                self.lost += len(batch)
            elif batch:
                self._append(batch)

    def fly(self) -> flight_record.Flight | None:
        """Returns the flight record beside the file, made at the first call.

        None where there is no file to lie beside, or nothing to tell the dead by.
        """
        with self._lock:
            if self.flight is None and self._file is not None and fcntl is not None:
                assert self.path is not None
                try:
                    self.flight = flight_record.Flight(self.path.with_suffix(flight_record.SUFFIX))
                except OSError as error:
                    _logger.warning(
                        "There is no flight record beside %s (%s): should this process be killed, "
                        "its last requests are lost.",
                        self.path,
                        f"{type(error).__name__}: {error}",
                    )
            return self.flight

    def close(self) -> None:
        """Closes the file and give up its lock; later facts are counted as lost.

        In a forked child this gives back the parent's descriptors, and takes nothing from it.
        """
        if os.getpid() != self.pid:
            # The parent may have been writing when it forked: its lock is of no use here.
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
        except Exception as error:  # whatever it is, the request goes on
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
        """Creates the file; it appears under its name when it is locked and has its header."""
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"{self.pid}-{self._clock()}"
        path = self.directory / f"{name}{SUFFIX}"
        # Windows cannot rename an open file, and has no lock that could come too late.
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
        record, self.flight = self.flight, None
        if record is not None and os.getpid() != self.pid:
            record.forget()
        elif record is not None:
            # Before the lock is free: then, whoever reads the record believes it.
            record.close()
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
