"""What the worker thread asks of the operating system: no signals, and to be gone before a fork."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Final

_FAULTS: Final = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGABRT")
"""Signals that a thread causes itself: reports of them, like faulthandler's, must come."""
_SENT: Final = signal.valid_signals() - {getattr(signal, name, 0) for name in _FAULTS}


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """A thread that is started inside takes no signal sent to the process: those are the project's.

    Not only may the project wait for one by itself. A child of Apache's ends inside its handler of
    the first SIGTERM, in which that thread takes no other; a second one follows at once, and if
    another thread takes it, the two end the process together, before Python's exit handlers run.

    A new thread inherits what its starter blocks. Where threads are greenlets nobody keeps signals
    blocked, as the one thread there is gets back what it had.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # Inside: a handler of the project's may raise as soon as this is done.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SENT)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def join(thread: threading.Thread, patience: float) -> None:
    """Waits until a thread is gone, for the kernel too; at most so many seconds, twice."""
    thread.join(patience)
    deadline = time.monotonic() + patience
    while not thread.is_alive() and not is_gone(thread) and time.monotonic() < deadline:
        time.sleep(0.0001)


def is_gone(thread: threading.Thread) -> bool:
    """Whether the kernel has removed an ended thread. Python warns of forks by the kernel's count.

    Up to Python 3.12 `join` returns a moment earlier. A greenlet has no kernel thread of its own.
    """
    number = thread.native_id
    return number == threading.get_native_id() or not os.path.exists(f"/proc/self/task/{number}")
