"""A Redis of the test run, and what it says about its connections."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.services.programs import program, running

TIMEOUT = 60.0
"""Seconds to wait until the server has noticed a change."""


@dataclass(frozen=True)
class Redis:
    """A running Redis server."""

    port: int

    def settings(self, database: int = 0, **more: Any) -> dict[str, Any]:
        """Returns an entry for CACHES."""
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{self.port}/{database}",
            **more,
        }

    def ask(self, *words: str) -> bytes:
        """Sends one command on a separate socket, without redis-py and the tracer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
            connection.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
            head, _, body = connection.recv(65536).partition(b"\r\n")
            if head[:1] != b"$":
                return head
            while len(body) < int(head[1:]) + 2:
                body += connection.recv(65536)
            return body[:-2]

    def connected(self) -> list[int]:
        """Returns the server's ids of its connections, without the one that asks."""
        lines = [
            dict(word.split("=", 1) for word in line.split(" "))
            for line in self.ask("CLIENT", "LIST", "TYPE", "normal").decode().splitlines()
        ]
        return sorted(int(line["id"]) for line in lines if line["cmd"] != "client|list")

    def wait_for_connections(self, count: int) -> list[int]:
        """Waits until the server has so many connections, and returns their ids."""
        end = time.monotonic() + TIMEOUT
        while len(found := self.connected()) != count:
            assert time.monotonic() < end, f"{found} instead of {count}"
            time.sleep(0.01)
        return found

    def opened(self) -> int:
        """Returns how many connections the server has accepted so far."""
        lines = self.ask("INFO", "stats").decode().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(fields["total_connections_received"])

    def commands(self) -> dict[str, int]:
        """Counts each command that the server has got so far, without those that `ask` sends."""
        lines = self.ask("INFO", "commandstats").decode().splitlines()
        fields = dict(line.removeprefix("cmdstat_").split(":", 1) for line in lines if ":" in line)
        own = ("info", "client|", "ping", "flushall")
        return {
            name: int(stats.partition("calls=")[2].partition(",")[0])
            for name, stats in fields.items()
            if not name.startswith(own)
        }

    def close_connection(self, number: int) -> None:
        """Ends a connection from the server's side."""
        assert self.ask("CLIENT", "KILL", "ID", str(number)) == b":1"


@contextmanager
def server(home: Path) -> Iterator[Redis]:
    """Runs a Redis that writes nothing to disk, and ends it."""
    found = program("redis-server", "redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        redis = Redis(free.getsockname()[1])
    command = [
        found, "--port", str(redis.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--daemonize", "no", "--dir", home,
    ]  # fmt: skip
    with running(command, lambda: _answers(redis), home / "log", signal.SIGTERM, {}):
        yield redis


def _answers(redis: Redis) -> bool:
    with contextlib.suppress(OSError):
        return redis.ask("PING") == b"+PONG"
    return False
