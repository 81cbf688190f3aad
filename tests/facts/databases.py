"""Databases that a fact adds to the settings, and removes again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections

from tests.facts.site import GATE
from tests.support.services.postgresql import PostgreSQL


@contextmanager
def added(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Adds entries to DATABASES. At the end, closes this thread's connections and removes them."""
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
            if alias in getattr(wrapper, "_connection_pools", ()):
                wrapper.close_pool()
            del connections[alias]
            del connections.settings[alias]


def aliases(postgresql: PostgreSQL) -> dict[str, dict[str, Any]]:
    """Four ways to PostgreSQL: `brief` with CONN_MAX_AGE=0, `long` with 60, and two pools.

    `single` is a pool of one connection, `double` of two. The server knows each alias's
    connections by the alias.
    """
    entries = {
        "brief": postgresql.settings("brief"),
        "long": postgresql.settings("long", CONN_MAX_AGE=60),
    }
    for alias, size in (("single", 1), ("double", 2)):
        pool = {"min_size": size, "max_size": size, "timeout": 120}
        entries[alias] = postgresql.settings(alias, OPTIONS={"pool": pool})
    return entries


def backend(alias: str) -> int:
    """Asks the server, over Django's connection, for the id of the process that serves it."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def collect_backends(alias: str) -> list[int]:
    """Returns a list to which each request to `/step/?backend` adds the id of its backend."""
    backends: list[int] = []
    GATE["backend"] = lambda: backends.append(backend(alias))
    return backends
