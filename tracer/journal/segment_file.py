"""A segment that is being written: locked before it has its name, and until it is closed.

Another process that cannot lock the newest segment knows from that that the writer is alive (see
`tracer.journal.locks`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tracer.journal.format import HEADER

try:
    import fcntl
except ImportError:  # Windows has no such lock, so no sure sign that a process is dead
    fcntl = None  # type: ignore[assignment]


def has_locks() -> bool:
    """Whether files can be locked here."""
    return fcntl is not None


class SegmentFile:
    """Begins with the header. What it does may raise OSError.

    It has its name once something is written to it: so a process that is killed leaves no file that
    does not say whose it is.
    """

    def __init__(self, path: Path) -> None:
        """Creates the file, and its directory if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Windows cannot rename an open file; and it has no lock to take before the file is seen.
        self._hidden = path.parent / f".{path.stem}.new" if has_locks() else None
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self._hidden or path, flags, 0o666)
        try:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # some network file systems have no locks
                    fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(self._file, HEADER)
            self._linked = os.fstat(self._file).st_nlink > 0  # some file systems never count links
        except BaseException:
            self.close()
            if self._hidden is not None:
                _remove(self._hidden)
            raise

    def write(self, data: bytes) -> Iterator[int]:
        """Writes everything; yields how many bytes, each time that some are written."""
        if self._hidden is not None:
            self._begin(self._hidden, data)
            yield len(data)
            return
        while data:
            count = os.write(self._file, data)
            yield count
            data = data[count:]

    def _begin(self, hidden: Path, data: bytes) -> None:
        """Writes what comes first, then gives the file its name; removes it if that fails."""
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.rename(hidden, self._path)
            self._hidden = None
        except OSError:
            _remove(hidden)
            raise

    def is_there(self) -> bool:
        """Whether the file still has a name, as far as its file system tells."""
        return not self._linked or os.fstat(self._file).st_nlink > 0

    def close(self) -> None:
        """Closes the file, which releases its lock."""
        with contextlib.suppress(OSError):
            os.close(self._file)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
