"""A PostgreSQL cluster of the test run's own, and what its server says of its connections."""

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

PATIENCE = 60.0
"""Seconds for which the server is asked again until it has noticed a change."""


@dataclass(frozen=True)
class PostgreSQL:
    """A running server."""

    socket: Path
    """Directory of its socket; it listens on no network."""

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        """Return an entry for DATABASES; the server knows its connections by `name`."""
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
        """Ask the server over a connection of its own, past Django and the tracer."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            cursor = connection.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    @property
    def address(self) -> str:
        """How libpq reaches it."""
        return f"host={self.socket} user=postgres dbname=postgres application_name=witness"

    def connected(self, name: str) -> list[int]:
        """Process ids of the server's backends that serve connections of this name."""
        asked = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY backend_start"
        )
        return [pid for (pid,) in self.ask(asked, name)]

    def comes_to(self, name: str, count: int) -> list[int]:
        """Wait until the server has so many connections of this name, and return their ids.

        A client that has gone is noticed by its backend a moment later.
        """
        end = time.monotonic() + PATIENCE
        while len(found := self.connected(name)) != count:
            assert time.monotonic() < end, f"{name}: {found} instead of {count}"
            time.sleep(0.01)
        return found

    def heard(self, name: str) -> list[str]:
        """Every statement that reached the server over connections of this name, in order."""
        begin = f"{name}|LOG:  "
        lines = (self.socket / "log").read_text().splitlines()
        told = [line.removeprefix(begin) for line in lines if line.startswith(begin)]
        kinds = ("statement: ", "execute ")
        return [line.partition(": ")[2] for line in told if line.startswith(kinds)]

    def cut(self, pid: int) -> None:
        """End a connection from the server's side, and wait until it is gone."""
        self.ask("SELECT pg_terminate_backend(%s, 5000)", pid)


@contextmanager
def cluster() -> Iterator[PostgreSQL]:
    """Make a cluster, run it, and take it away."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
    initdb = program("initdb", "postgresql", folders)
    account = _account()
    # Not below pytest's own directory: that is closed to the account the server runs under.
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
        # SIGINT: disconnect everybody and stop.
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
    """PostgreSQL refuses to run as root: there, run it as the account of its package."""
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
