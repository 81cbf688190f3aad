"""uWSGI ends its workers from a signal handler: tracing must not give it a lock to wait for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.servers.presence import needed
from tracer.servers import Server, proc, serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks /proc for threads"),
]
STARTS = 3
"""How often each is started and stopped."""
PROMPT = 30.0
"""Seconds within which it stops, however busy the machine: uWSGI itself looks once a second. A
worker that waits for a lock would wait for ever; uWSGI kills it after a minute, and says so."""


def threads(server: Server) -> list[int]:
    """How many threads each of its processes has."""
    members = proc.family(server.pid)
    return [len(list(Path(f"/proc/{member.pid}/task").iterdir())) for member in members]


@pytest.mark.parametrize("row", ["uwsgi", "uwsgi-lazy-apps"])
def test_a_worker_of_one_thread_keeps_to_it_and_stops_at_once(row: str, tmp_path: Path) -> None:
    """Also in the midst of closing a request; and what it did is in its journal before its end."""
    needed(row)
    for start in range(STARTS):
        with serve(row, journal=tmp_path / str(start)) as server:
            replies = server.load(["/menu/"] * 12, concurrency=4)
            assert {reply.status for reply in replies} == {200}
            written = sum(len(process.requests) for process in server.processes())
            # The last of each worker may be closed a moment after its client has the answer.
            assert written >= len(replies) - 2
            assert threads(server) == [1, 1, 1]
            server.load(["/menu/"] * 4, concurrency=4)
            begun = time.monotonic()
        assert time.monotonic() - begun < PROMPT
        assert "NO MERCY" not in server.log()
        assert server.orderly
