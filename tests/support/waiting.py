"""Waiting for what another thread or process is about to do, with a deadline and no naps."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition

PATIENCE = 120
"""Seconds; whoever needs more is stuck."""


def until(done: Callable[[], object], patience: float = PATIENCE) -> None:
    """Return as soon as `done()` is true. Raises AssertionError when it never is."""
    turn = Condition()
    deadline = time.monotonic() + patience
    with turn:
        while not done():
            assert time.monotonic() < deadline, "waited in vain"
            turn.wait(0.005)
