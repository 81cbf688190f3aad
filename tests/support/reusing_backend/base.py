"""SQLite whose raw connections are kept for reuse instead of being closed."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base

IDLE: list[Any] = []
"""The raw connections kept for reuse. The tests close or drop them."""


class Raw(sqlite3.Connection):
    """A connection that says whether it is closed, as most drivers' connections do."""

    closed = False

    def close(self) -> None:
        """Closes the connection for good."""
        super().close()
        self.closed = True


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend: takes an idle connection or opens one, and closes none."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Returns an idle connection, or a new one."""
        return IDLE.pop() if IDLE else super().get_new_connection({**conn_params, "factory": Raw})

    def _close(self) -> None:
        if not self.connection.closed:
            IDLE.append(self.connection)
