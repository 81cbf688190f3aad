"""A configuration of gunicorn: what the master has built is put away before the workers fork."""

from __future__ import annotations

import gc
from typing import Any


def when_ready(server: Any) -> None:
    """Called by gunicorn in the master, when the application is loaded."""
    gc.collect()
    gc.freeze()
