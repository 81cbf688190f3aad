"""The lock that each process holds on its journal, which shows others that it is alive.

A lock of this kind belongs to a process, and the system releases it as soon as that process
closes *any* descriptor of the file. So a process that reads its own journal, or that of another
interpreter within it, must not open and close the file: it reads through a descriptor that stays
open for as long as the writer's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

try:
    import fcntl
except ImportError:  # Windows has no such lock: which process is alive is not known
    fcntl = None  # type: ignore[assignment]

_FDS = "/dev/fd"
_own_descriptors: dict[tuple[int, int], int] = {}
"""Device and inode of a journal of this process to the descriptor for reading it."""


class Readable(Protocol):
    """The part of a binary stream that reading a journal needs."""

    def fileno(self) -> int:
        """Returns the descriptor."""

    def seek(self, offset: int, /) -> int:
        """Moves the position."""

    def read(self, size: int, /) -> bytes:
        """Returns at most so many bytes; none at the end."""


def alive(path: Path) -> bool | None:
    """Returns whether the process that writes this file is alive; None if that is not known."""
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

    Compares it with the open descriptors: a name proves nothing, as the system reuses pids.
    """
    if fcntl is None or path.name.partition("-")[0] != str(os.getpid()):
        return False
    own = _key(os.stat(path))
    try:
        open_here = [int(name) for name in os.listdir(_FDS)]
    except OSError:
        return True
    for descriptor in set(open_here) - set(_own_descriptors.values()):
        with contextlib.suppress(OSError):
            if _key(os.fstat(descriptor)) == own:
                return True
    return False


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Readable]:
    """Opens a journal for reading in a `with` block. Raises OSError as `open` does."""
    if is_own(path):
        yield _SharedDescriptor(_opened(path))
        return
    with open(path, "rb") as stream:
        stale = _own_descriptors.pop(_key(os.fstat(stream.fileno())), None)
        if stale is not None:
            os.close(stale)
        yield stream


def _opened(path: Path) -> int:
    """Returns the descriptor through which this process reads a journal of its own."""
    key = _key(os.stat(path))
    if key not in _own_descriptors:
        descriptor = os.open(path, os.O_RDONLY)
        key = _key(os.fstat(descriptor))
        # If another thread was faster, this one stays open as well: closing it would release
        # the lock.
        _own_descriptors.setdefault(key, descriptor)
    return _own_descriptors[key]


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class _SharedDescriptor:
    """A reader of a descriptor that others use too, with a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.offset = 0

    def fileno(self) -> int:
        """Returns the descriptor."""
        return self.descriptor

    def seek(self, offset: int, /) -> int:
        """Moves the position."""
        self.offset = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """Returns at most `size` bytes."""
        data = os.pread(self.descriptor, size, self.offset)
        self.offset += len(data)
        return data
