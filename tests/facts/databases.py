"""Databases that a fact brings along, and takes away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections


@contextmanager
def added(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Add entries to DATABASES; at the end close what this thread has of them, and forget them."""
    configured = connections.configure_settings(
        {"default": connections.settings["default"], **{a: dict(e) for a, e in entries.items()}}
    )
    for alias in entries:
        connections.settings[alias] = configured[alias]
    try:
        yield
    finally:
        for alias in entries:
            wrapper = connections[alias]
            wrapper.close()
            if getattr(wrapper, "pool", None) is not None:
                wrapper.close_pool()
            del connections[alias]
            del connections.settings[alias]
