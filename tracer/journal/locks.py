"""Who lives: the lock that each process holds on its journal, and how not to break one's own.

A lock of this kind belongs to a process, and the system takes it away as soon as that process
closes *any* descriptor of the file. So a process that reads its own journal, or that of another
interpreter within it, must not open and close it as others do: it reads through a descriptor that
stays open for as long as the writer's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

try:
    import fcntl
except ImportError:  # Windows: who is alive cannot be told
    fcntl = None  # type: ignore[assignment]

_FDS = "/dev/fd"
_kept: dict[tuple[int, int], int] = {}
"""Device and inode of a journal of this process to the descriptor that it is read through."""


class Readable(Protocol):
    """What reading a journal takes."""

    def fileno(self) -> int:
        """Returns the descriptor."""

    def seek(self, offset: int, /) -> int:
        """Reads from here on."""

    def read(self, size: int, /) -> bytes:
        """Returns at most so many bytes; none at the end."""


def alive(path: Path) -> bool | None:
    """Returns whether the process that writes this file lives; None where that cannot be told."""
    if fcntl is None:
        return None
    try:
        if is_own(path):
            return True
        with open(path, "rb") as stream:
            try:
                fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
            return False
    except OSError:
        return None


def is_own(path: Path) -> bool:
    """Whether an interpreter of this process is writing this file.

    Asked of the descriptors that are open, for a name proves nothing: pids are used again.
    """
    if fcntl is None or path.name.partition("-")[0] != str(os.getpid()):
        return False
    own = _key(os.stat(path))
    try:
        open_here = [int(name) for name in os.listdir(_FDS)]
    except OSError:
        return True
    for descriptor in set(open_here) - set(_kept.values()):
        with contextlib.suppress(OSError):
            if _key(os.fstat(descriptor)) == own:
                return True
    return False


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Readable]:
    """Opens a journal for the time of a `with` block. Raises OSError as `open` does."""
    if is_own(path):
        yield _Beside(_opened(path))
        return
    with open(path, "rb") as stream:
        kept = _kept.pop(_key(os.fstat(stream.fileno())), None)
        if kept is not None:
            os.close(kept)
        yield stream


def _opened(path: Path) -> int:
    """Returns the descriptor that an own journal is read through."""
    key = _key(os.stat(path))
    if key not in _kept:
        descriptor = os.open(path, os.O_RDONLY)
        key = _key(os.fstat(descriptor))
        # If another thread was faster, this one stays open too: closing it would be the mistake.
        _kept.setdefault(key, descriptor)
    return _kept[key]


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class _Beside:
    """Reads a descriptor that others use too, at a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.offset = 0

    def fileno(self) -> int:
        """The descriptor."""
        return self.descriptor

    def seek(self, offset: int, /) -> int:
        """Reads from here on."""
        self.offset = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        data = os.pread(self.descriptor, size, self.offset)
        self.offset += len(data)
        return data
