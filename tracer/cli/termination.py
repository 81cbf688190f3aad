"""Ending on SIGTERM and SIGHUP with cleanup: servers that a command started must not outlive it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

_SIGNALS: Final = ("SIGTERM", "SIGHUP")
"""Signals that end a process without cleanup by default. SIGHUP comes of a closed terminal."""


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turns these signals into SystemExit, with the exit status that a shell gives them.

    Handlers that others have set stay. Outside the main thread nothing changes: Python allows no
    signal handlers there.
    """
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
