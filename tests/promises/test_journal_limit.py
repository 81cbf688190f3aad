"""A server that never ends keeps a journal that does not grow, and what is left of it is true."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.programs import HEAD, run
from tracer.journal.reader import read

LIMIT = 300_000
REQUESTS = 1_500
SERVES = """
import json
from pathlib import Path
from tracer import runtime
from tracer.conf import Config
from tracer.journal import writer

writer.SEGMENTS = 6
config = Config(enabled=True, console=False, journal=Path({journal!r}), journal_limit={limit})
running = runtime.start(config)
running.worker.request_finished = lambda: None
handler = boot()
sizes = []
for number in range({requests}):
    ask(handler, "/plain/")
    if number % 10 == 0:
        running.handle_recorded()
        sizes.append(sum(path.stat().st_size for path in config.journal.glob("*.jsonl")))
running.settle()
lasting = [life.name for life in running.process().lifetimes if life.scope == "process"]
spans = len(running.process().requests[-1].spans)
runtime.stop()
print(json.dumps([max(sizes), lasting, spans]))
"""


def test_the_oldest_requests_make_room_for_the_newest(journal: Path) -> None:
    """The limit holds fewer than half of them; those that are left read as they were recorded."""
    program = SERVES.format(journal=str(journal), limit=LIMIT, requests=REQUESTS)
    done = run(HEAD + program, 'ROOT_URLCONF = "tests.promises.site"')
    largest, lasting, spans = json.loads(done.stdout)
    # Room is made as a segment begins, so the newest comes on top.
    assert largest < LIMIT + 100_000
    assert done.stderr.count("has reached its limit") == 1
    (file,) = read(journal).files
    told = file.load()
    numbers = [request.number for request in told.requests]
    assert numbers == list(range(numbers[0], REQUESTS + 1))
    assert numbers[0] > 1
    assert len(numbers) > 100
    assert any("oldest segments are removed" in note for note in file.notes)
    # Middleware, resolvers and the like were found by the first segment that is left.
    assert len(lasting) > 5
    assert set(lasting) <= {life.name for life in told.lifetimes if life.scope == "process"}
    assert not [life for life in told.lifetimes if life.scope == "kept"]
    assert len(told.requests[-1].spans) == spans
