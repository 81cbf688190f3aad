"""SQLite, with raw connections that are put by instead of being closed."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base

LENT: list[Any] = []
"""The raw connections that wait to be lent again. The tests close them, or let them go."""


class Raw(sqlite3.Connection):
    """Says whether it is closed, as most drivers' connections do."""

    closed = False

    def close(self) -> None:
        """The real end."""
        super().close()
        self.closed = True


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes what lies there, opens what does not, and closes nothing."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that was put by, or a new one."""
        return LENT.pop() if LENT else super().get_new_connection({**conn_params, "factory": Raw})

    def _close(self) -> None:
        if not self.connection.closed:
            LENT.append(self.connection)
