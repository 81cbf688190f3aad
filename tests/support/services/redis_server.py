"""A Redis of the test run's own, and what it says of its connections."""

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

PATIENCE = 60.0
"""Seconds for which the server is asked again until it has noticed a change."""


@dataclass(frozen=True)
class Redis:
    """A running server."""

    port: int

    def settings(self, database: int = 0, **more: Any) -> dict[str, Any]:
        """Return an entry for CACHES."""
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{self.port}/{database}",
            **more,
        }

    def ask(self, *words: str) -> bytes:
        """Send one command over a socket of its own, past redis-py and the tracer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as asked:
            parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
            asked.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
            head, _, body = asked.recv(65536).partition(b"\r\n")
            if head[:1] != b"$":
                return head
            while len(body) < int(head[1:]) + 2:
                body += asked.recv(65536)
            return body[:-2]

    def connected(self) -> list[int]:
        """The server's own numbers of its connections, the one that asks left out."""
        lines = [
            dict(word.split("=", 1) for word in line.split(" "))
            for line in self.ask("CLIENT", "LIST", "TYPE", "normal").decode().splitlines()
        ]
        return sorted(int(line["id"]) for line in lines if line["cmd"] != "client|list")

    def comes_to(self, count: int) -> list[int]:
        """Wait until the server has so many connections, and return their numbers."""
        end = time.monotonic() + PATIENCE
        while len(found := self.connected()) != count:
            assert time.monotonic() < end, f"{found} instead of {count}"
            time.sleep(0.01)
        return found

    def opened(self) -> int:
        """How many connections the server has accepted so far, without those that asked."""
        lines = self.ask("INFO", "stats").decode().splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(told["total_connections_received"])

    def heard(self) -> dict[str, int]:
        """How often each command has reached the server so far, without those that `ask` sends."""
        lines = self.ask("INFO", "commandstats").decode().splitlines()
        told = dict(line.removeprefix("cmdstat_").split(":", 1) for line in lines if ":" in line)
        own = ("info", "client|", "ping", "flushall")
        return {
            name: int(stats.partition("calls=")[2].partition(",")[0])
            for name, stats in told.items()
            if not name.startswith(own)
        }

    def cut(self, number: int) -> None:
        """End a connection from the server's side."""
        assert self.ask("CLIENT", "KILL", "ID", str(number)) == b":1"


@contextmanager
def server(home: Path) -> Iterator[Redis]:
    """Run a Redis that keeps nothing on disk, and take it away."""
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
