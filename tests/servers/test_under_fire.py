"""Two thousand requests to workers that are killed and recycled while they serve."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.servers.serving import Crowd, gunicorn
from tracer.journal.reader import read
from tracer.journal.tail import Tail
from tracer.model import Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="asks /proc who is whose"),
]
REQUESTS = 2000
KILL_AT = (150, 400, 650, 900, 1150, 1400)
"""After so many answers a worker is killed."""
OPTIONS = ("-k", "gthread", "-w", "2", "--threads", "4")
RECYCLING = ("--max-requests", "250", "--max-requests-jitter", "50")


def test_every_request_is_in_exactly_one_journal(tmp_path: Path) -> None:
    """Each answered one exactly once, each failed one at most once, and nothing else at all.

    Meanwhile somebody watches and sees no request twice, and somebody reads all that there is.
    """
    journal = tmp_path / "traces"
    killed: list[int] = []
    paths = [f"/plain/?n={number}" for number in range(REQUESTS)]
    tail = Tail(journal)
    watched: Counter[tuple[Path, int]] = Counter()

    def look() -> None:
        for news in tail.read():
            assert not news.restarted
            for fact in news.facts:
                if isinstance(fact, Request):
                    watched[news.path, fact.number] += 1

    with gunicorn(
        tmp_path, journal, *OPTIONS, *RECYCLING, changes='\nTRACER["QUERY_VALUES"] = True\n'
    ) as server:
        crowd = Crowd(server, paths)
        killing = threading.Lock()

        def now_and_then(answers: int) -> None:
            with killing:
                if len(killed) < len(KILL_AT) and answers >= KILL_AT[len(killed)]:
                    pid = server.kill_a_worker()
                    killed.extend([pid] if pid else [])
                    look()
                    if len(killed) % 3 == 1:
                        assert sum(each.served for each in read(journal).processes) <= REQUESTS

        crowd.ask(8, now_and_then)
        server.stop()
    look()
    reading = read(journal)
    told = Counter(each.path for process in reading.processes for each in process.requests)
    assert len(crowd.answered) + len(crowd.failed) == REQUESTS
    assert len(crowd.answered) > REQUESTS * 0.8
    assert {path: told[path] for path in crowd.answered if told[path] != 1} == {}
    assert {path: told[path] for path in crowd.failed if told[path] > 1} == {}
    assert told.keys() <= set(paths)
    assert set(watched.values()) == {1}
    ends = {story.process.about.pid: story for story in reading.files}
    assert len(killed) == len(KILL_AT)
    # One may have been killed between its last word and its end.
    gone = [pid for pid in set(killed) & ends.keys() if not ends[pid].process.ended]
    assert gone
    assert sum(story.process.ended for story in reading.files) >= 2
    assert not any(story.alive for story in reading.files)
    assert not list(journal.glob("*.new"))
    for story in reading.files:
        process = story.process
        numbers = [each.number for each in process.requests]
        assert numbers == sorted(set(numbers))
        assert process.served == sum(not each.cut_off for each in process.requests)
        assert not (process.ended and any(each.cut_off for each in process.requests))
