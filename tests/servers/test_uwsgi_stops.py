"""uWSGI ends its workers from a signal handler, which must not wait for a lock of the tracer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.servers.availability import require_server
from tracer.servers import Server, proc, serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks /proc for threads"),
]
STARTS = 3
"""How often each server is started and stopped."""
STOP_TIME = 30.0
"""Seconds within which it must stop on a busy machine; uWSGI checks once a second. A worker that
waits for a lock waits for ever: uWSGI kills it after a minute and logs NO MERCY."""


def threads(server: Server) -> list[int]:
    """Returns the number of threads of each of its processes."""
    members = proc.family(server.pid)
    return [len(list(Path(f"/proc/{member.pid}/task").iterdir())) for member in members]


@pytest.mark.parametrize("row", ["uwsgi", "uwsgi-lazy-apps"])
def test_a_worker_of_one_thread_gets_no_other_thread_and_stops_at_once(
    row: str, tmp_path: Path
) -> None:
    """It may be closing a request; its journal is written before its end."""
    require_server(row)
    for start in range(STARTS):
        with serve(row, journal=tmp_path / str(start)) as server:
            replies = server.load(["/menu/"] * 12, concurrency=4)
            assert {reply.status for reply in replies} == {200}
            written = sum(len(process.requests) for process in server.processes())
            # Each worker may close its last request a moment after the client has the answer.
            assert written >= len(replies) - 2
            assert threads(server) == [1, 1, 1]
            server.load(["/menu/"] * 4, concurrency=4)
            begun = time.monotonic()
        assert time.monotonic() - begun < STOP_TIME
        assert "NO MERCY" not in server.log()
        assert server.orderly
