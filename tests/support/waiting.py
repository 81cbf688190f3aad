"""Waiting until another thread or process has done something, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition

PATIENCE = 120
"""Seconds after which a wait fails."""


def until(done: Callable[[], object], patience: float = PATIENCE) -> None:
    """Returns as soon as `done()` is true. Raises AssertionError if it is not in time."""
    never_notified = Condition()
    deadline = time.monotonic() + patience
    with never_notified:
        while not done():
            assert time.monotonic() < deadline, "the condition did not become true in time"
            never_notified.wait(0.005)
