"""A PostgreSQL cluster of the test run, and what its server says about its connections."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.services.programs import missing, program, running

TIMEOUT = 60.0
"""Seconds to wait until the server has noticed a change."""


@dataclass(frozen=True)
class PostgreSQL:
    """A running PostgreSQL server."""

    socket: Path
    """The directory of its socket; it does not listen on a network."""

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        """Returns an entry for DATABASES; the server knows its connections by `name`."""
        options = {"application_name": name, **more.pop("OPTIONS", {})}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": str(self.socket),
            "OPTIONS": options,
            **more,
        }

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Runs SQL on a separate connection, without Django and the tracer."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            cursor = connection.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    @property
    def address(self) -> str:
        """The connection string for libpq."""
        return f"host={self.socket} user=postgres dbname=postgres application_name=witness"

    def connected(self, name: str) -> list[int]:
        """Returns the pids of the server's backends for connections of this name."""
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY backend_start"
        )
        return [pid for (pid,) in self.ask(query, name)]

    def wait_for_connections(self, name: str, count: int) -> list[int]:
        """Waits until the server has so many connections of this name, and returns their pids.

        A backend notices the end of its client a moment later.
        """
        end = time.monotonic() + TIMEOUT
        while len(found := self.connected(name)) != count:
            assert time.monotonic() < end, f"{name}: {found} instead of {count}"
            time.sleep(0.01)
        return found

    def statements(self, name: str) -> list[str]:
        """Returns every statement that the server got over connections of this name, in order."""
        begin = f"{name}|LOG:  "
        lines = (self.socket / "log").read_text().splitlines()
        messages = [line.removeprefix(begin) for line in lines if line.startswith(begin)]
        kinds = ("statement: ", "execute ")
        return [line.partition(": ")[2] for line in messages if line.startswith(kinds)]

    def close_connection(self, pid: int) -> None:
        """Ends a connection from the server's side, and waits until it is gone."""
        self.ask("SELECT pg_terminate_backend(%s, 5000)", pid)


@contextmanager
def cluster() -> Iterator[PostgreSQL]:
    """Makes a cluster, runs it, and removes it."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
    initdb = program("initdb", "postgresql", folders)
    account = _account()
    # Not below pytest's own directory, which the server's account may not enter.
    home = Path(tempfile.mkdtemp(prefix="tracer-pg-"))
    try:
        if "user" in account:
            shutil.chown(home, account["user"], account["group"])
        data = home / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
             "--no-locale", "--no-instructions"],
            check=True, timeout=300, cwd=home, stdout=subprocess.DEVNULL, **account,
        )  # fmt: skip
        server = PostgreSQL(home)
        command = [initdb.with_name("postgres"), "-D", data, "-k", home, *_SETTINGS]
        # SIGINT disconnects all clients and stops.
        with running(command, lambda: _answers(server), home / "log", signal.SIGINT, account):
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


_SETTINGS = [
    word
    for setting in (
        "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
        "max_connections=50", "shared_buffers=16MB", "autovacuum=off", "log_statement=all",
        "log_line_prefix=%a|",
    )
    for word in ("-c", setting)
]  # fmt: skip


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


def _account() -> dict[str, Any]:
    """Returns the arguments that run it under its package's account: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        known = pwd.getpwnam("postgres")
    except KeyError:
        missing("PostgreSQL's account", "postgresql")
    return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}


def _answers(server: PostgreSQL) -> bool:
    import psycopg

    with contextlib.suppress(psycopg.OperationalError):
        return bool(server.ask("SELECT 1"))
    return False
