"""Ending in order when told to: the programs that a command started must not outlive it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

_NAMES: Final = ("SIGTERM", "SIGHUP")
"""What ends a process at once unless it says otherwise: being told to, and a closed terminal."""


@contextmanager
def orderly() -> Iterator[None]:
    """Within it those signals raise SystemExit, with the status that a shell gives them.

    For a command of our own alone. What was arranged for a signal before stays, and outside the
    main thread, where Python allows no handlers, nothing is changed.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
