"""Two thousand requests to workers that are killed and recycled while they serve."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.servers.gunicorn_program import Clients, Gunicorn, gunicorn
from tracer.journal.reader import JournalContents, read
from tracer.journal.tail import Tail
from tracer.model.recorded import RecordedRequests

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="asks /proc who is whose"),
]
REQUESTS = 2000
KILL_AT = (150, 400, 650, 900, 1150, 1400)
"""Numbers of answers after which a worker is killed."""
OPTIONS = ("-k", "gthread", "-w", "2", "--threads", "4")
RECYCLING = ("--max-requests", "250", "--max-requests-jitter", "50")


class Observer:
    """Kills workers, follows the journal and reads it whole, while clients get their answers."""

    def __init__(self, server: Gunicorn, journal: Path) -> None:
        self.server = server
        self.journal = journal
        self.tail = Tail(journal)
        self.killed: list[int] = []
        self.followed: Counter[tuple[Path, int]] = Counter()
        self.lock = threading.Lock()

    def after_each(self, answers: int) -> None:
        with self.lock:
            if len(self.killed) < len(KILL_AT) and answers >= KILL_AT[len(self.killed)]:
                pid = self.server.kill_a_worker()
                self.killed.extend([pid] if pid else [])
                self.follow()
                if len(self.killed) % 3 == 1:
                    assert sum(file.outline.served for file in read(self.journal).files) <= REQUESTS

    def follow(self) -> None:
        for news in self.tail.read():
            assert not news.restarted
            for fact in news.facts:
                if isinstance(fact, RecordedRequests):
                    for number in fact.numbers:
                        self.followed[news.path, number] += 1


def test_every_request_is_in_exactly_one_journal(tmp_path: Path) -> None:
    """An answered request is there exactly once, a failed one at most once, and no other is.

    A follower of the journal sees no request twice.
    """
    journal = tmp_path / "traces"
    paths = [f"/plain/?n={number}" for number in range(REQUESTS)]
    with gunicorn(
        tmp_path, journal, *OPTIONS, *RECYCLING, changes='\nTRACER["QUERY_VALUES"] = True\n'
    ) as server:
        clients = Clients(server, paths)
        observer = Observer(server, journal)
        clients.get_all(8, observer.after_each)
        server.stop()
    observer.follow()
    reading = read(journal)
    recorded = Counter(each.path for file in reading.files for each in file.load().requests)
    assert len(clients.answered) + len(clients.failed) == REQUESTS
    assert len(clients.answered) > REQUESTS * 0.8
    assert {path: recorded[path] for path in clients.answered if recorded[path] != 1} == {}
    assert {path: recorded[path] for path in clients.failed if recorded[path] > 1} == {}
    assert recorded.keys() <= set(paths)
    assert set(observer.followed.values()) == {1}
    check_ends(reading, observer.killed)
    assert not list(journal.glob("*.new"))


def check_ends(reading: JournalContents, killed: list[int]) -> None:
    """Asserts that killed processes have no end, others have one, and requests are numbered."""
    ends = {file.outline.about.pid: file for file in reading.files}
    assert len(killed) == len(KILL_AT)
    # A process may have been killed after it had written its end.
    gone = [pid for pid in set(killed) & ends.keys() if not ends[pid].outline.ended]
    assert gone
    assert sum(file.outline.ended for file in reading.files) >= 2
    assert not any(file.alive for file in reading.files)
    for file in reading.files:
        process = file.load()
        numbers = [each.number for each in process.requests]
        assert numbers == sorted(set(numbers))
        assert process.served == sum(not each.cut_off for each in process.requests)
        assert not (process.ended and any(each.cut_off for each in process.requests))
