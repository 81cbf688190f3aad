"""Requests at the same time never mix: not their stages, not their objects, not their queries."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.promises import crowd
from tests.promises.crowd import LANES, MEETING
from tests.support.client import Recording, environ, serve, serve_async
from tracer.journal.reader import read
from tracer.model import Request
from tracer.recorder.trace import current

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"], transaction=True),
    pytest.mark.usefixtures("no_faults"),
    # A thread's connection to a database in memory stays open until it is collected.
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]
TURNS = 20


@pytest.fixture
def recording(settings: Any, tmp_path: Path) -> Iterator[Recording]:
    """The tracer with a journal, for it forgets no request, and an application for crowds."""
    settings.ROOT_URLCONF = "tests.promises.crowd"
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    with Recording(watch=("tests.promises.crowd.Mark",), journal=tmp_path) as made:
        yield made
        MEETING.threads = MEETING.tasks = None
    gc.collect()


def journalled(recording: Recording) -> list[Request]:
    """Every request, as the journal tells it."""
    recording.tracer.handle_recorded()
    assert recording.tracer.config.journal is not None
    (story,) = read(recording.tracer.config.journal).files
    return list(story.load().requests)


def on_threads(recording: Recording, page: str, lanes: int, turns: int) -> list[Request]:
    """Let each of `lanes` threads make `turns` requests, all threads at the same time."""
    handler = recording.handler
    wrong: list[BaseException] = []
    MEETING.threads = threading.Barrier(lanes)

    def client(lane: int) -> None:
        try:
            for turn in range(1, turns + 1):
                assert serve(handler, environ(f"/{page}/{lane}/{turn}/")).status == 200
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=client, args=(lane,)) for lane in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not wrong
    return journalled(recording)


def parts(request: Request) -> tuple[str, int, int]:
    """What the request's own path says of it: page, lane and turn."""
    _, page, lane, turn, _ = request.path.split("/")
    return page, int(lane), int(turn)


def count(request: Request) -> Counter[str]:
    """How many stages of each kind."""
    return Counter(span.stage for span in request.spans)


def marks(request: Request) -> list[str]:
    """Names of the marks that were born in it."""
    return [birth.name for birth in request.births if birth.kind == "watched"]


def test_eight_threads_with_twenty_requests_each_keep_their_stages_apart(
    recording: Recording,
) -> None:
    """Each is made to overlap with the seven others, twice."""
    requests = on_threads(recording, "marked", LANES, TURNS)
    assert sorted(parts(request) for request in requests) == [
        ("marked", lane, turn) for lane in range(LANES) for turn in range(1, TURNS + 1)
    ]
    threads: dict[int, set[int]] = {}
    for request in requests:
        _, lane, turn = parts(request)
        counted = count(request)
        assert counted["query"] == lane + turn, request.path
        assert marks(request) == [f"Mark{lane}"]
        assert (counted["view"], counted["template"], counted["middleware"]) == (1, 1, 1)
        assert {span.thread for span in request.spans} == {request.thread}
        assert request.status == 200
        assert request.ending == "closed"
        threads.setdefault(lane, set()).add(request.thread)
    assert all(len(used) == 1 for used in threads.values())
    assert len({number for used in threads.values() for number in used}) == LANES
    overlapping = sum(
        1
        for one in requests
        for other in requests
        if one.number < other.number and other.begun < one.closed and one.begun < other.closed
    )
    assert overlapping >= TURNS * LANES * (LANES - 1) / 2


def test_twenty_tasks_on_one_event_loop_keep_their_stages_apart(recording: Recording) -> None:
    """Their views meet half way, and again; their queries run on threads of all kinds."""
    lanes = 20
    handler = recording.asgi_handler

    async def all_at_once() -> None:
        MEETING.tasks = asyncio.Barrier(lanes)
        paths = [f"/async/{lane}/{lane % 4}/" for lane in range(lanes)]
        answers = await asyncio.gather(*(serve_async(handler, path) for path in paths))
        assert {answer.status for answer in answers} == {200}

    asyncio.run(all_at_once())
    requests = journalled(recording)
    assert sorted(parts(request)[1] for request in requests) == list(range(lanes))
    for request in requests:
        _, lane, turn = parts(request)
        assert count(request)["query"] == lane + turn, request.path
        assert marks(request) == [f"Mark{lane % LANES}"]
        assert count(request)["view"] == 1
    newest_begin = max(request.begun for request in requests)
    assert all(request.closed > newest_begin for request in requests), "they did not overlap"


def test_a_pool_that_lives_across_requests_serves_each_in_turn(recording: Recording) -> None:
    """Its threads are nobody's; what they do is the work of the request that asked for it."""
    with ThreadPoolExecutor(3) as pool:
        crowd.POOL[:] = [pool]
        try:
            requests = on_threads(recording, "pooled", 4, 6)
            free = pool.submit(current.get)
            assert free.result(120) is None
        finally:
            crowd.POOL.clear()
    assert len(requests) == 24
    workers: set[int] = set()
    for request in requests:
        _, _, turn = parts(request)
        queries = [span for span in request.spans if span.stage == "query"]
        assert len(queries) == turn
        used = {span.thread for span in queries}
        assert request.thread not in used
        workers |= used
    assert len(workers) <= 3


def test_threads_that_views_start_belong_to_their_own_requests(recording: Recording) -> None:
    """Four requests at once, each with up to five threads of its own."""
    for request in on_threads(recording, "threaded", 4, 5):
        _, _, turn = parts(request)
        queries = [span for span in request.spans if span.stage == "query"]
        assert len(queries) == turn
        assert len({span.thread for span in queries} | {request.thread}) == turn + 1
        assert count(request)["thread"] == turn
        born = [birth for birth in request.births if birth.kind == "thread"]
        assert len(born) == turn


def test_work_that_a_coroutine_sends_to_a_thread_is_its_own_requests(recording: Recording) -> None:
    """`asyncio.to_thread`, for ten requests at once."""
    handler = recording.asgi_handler

    async def all_at_once() -> None:
        paths = [f"/to-thread/{lane}/{lane}/" for lane in range(10)]
        await asyncio.gather(*(serve_async(handler, path) for path in paths))

    asyncio.run(all_at_once())
    requests = journalled(recording)
    assert len(requests) == 10
    for request in requests:
        assert count(request)["query"] == parts(request)[1], request.path


def test_a_thread_that_outlives_its_request_joins_no_other(recording: Recording) -> None:
    """What it does when its request is over is nobody's, least of all a later request's."""
    crowd.LATE.clear()
    crowd.DONE.clear()
    try:
        recording.get("/outlived/")
        recording.get("/meanwhile/")
    finally:
        crowd.LATE.set()
        for thread in crowd.THREADS:
            thread.join(120)
        crowd.THREADS.clear()
    first, second = journalled(recording)
    assert count(first)["query"] == 0
    assert count(first)["thread"] == 1
    assert count(second)["query"] == 1


def test_a_thread_serves_the_next_request_with_a_clean_slate(recording: Recording) -> None:
    """Nothing of a request is left in the thread, whether its response was closed or not."""
    recording.get("/marked/1/1/")
    assert current.get() is None
    response = recording.handler(environ("/marked/2/1/"), lambda *_: None)
    left_open = current.get()
    assert left_open is not None
    recording.get("/marked/3/1/")
    assert current.get() is None
    response.close()
    requests = journalled(recording)
    assert [count(request)["query"] for request in requests] == [2, 3, 4]
    assert [request.ending for request in requests] == ["closed", "never closed", "closed"]


def test_requests_on_threads_and_tasks_at_once_have_numbers_of_their_own(
    recording: Recording,
) -> None:
    """One process counts all of its requests, whoever serves them, and each number once."""
    handler, asgi = recording.handler, recording.asgi_handler

    def sync() -> None:
        for turn in range(10):
            serve(handler, environ(f"/marked/1/{turn}/"))

    async def tasks() -> None:
        paths = [f"/async/2/{turn % 3}/" for turn in range(10)]
        await asyncio.gather(*(serve_async(asgi, path) for path in paths))

    thread = threading.Thread(target=sync)
    thread.start()
    asyncio.run(tasks())
    thread.join(120)
    requests = journalled(recording)
    assert sorted(request.number for request in requests) == list(range(1, 21))
    for request in requests:
        _, lane, turn = parts(request)
        assert count(request)["query"] == lane + turn
        assert marks(request) == [f"Mark{lane}"]
