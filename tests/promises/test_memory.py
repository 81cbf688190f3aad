"""Memory is bounded, whatever the number of requests; what grows is what the project keeps."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

import tracer
from tests.support.client import Recording
from tracer.journal.reader import processes
from tracer.model import Lifetime, objects, pages, request_log

KEPT: list[Any] = []
RING: deque[Any] = deque(maxlen=500)
LOCAL = threading.local()
NEWEST: Any = None


class Thing:
    """Something that a view leaves behind. It is watched."""


class Other(Thing):
    """Something else."""


def short(request: HttpRequest) -> HttpResponse:
    """A short text."""
    return HttpResponse("hello")


def leak(request: HttpRequest) -> HttpResponse:
    """Keeps its request."""
    KEPT.append(request)
    return HttpResponse("leak")


def ring(request: HttpRequest, number: int) -> HttpResponse:
    """Leaves one in a ring of the newest, and one in place of what the last request has left."""
    global NEWEST
    RING.append(Thing())
    NEWEST = Other()
    return HttpResponse("ring")


def newest(request: HttpRequest) -> HttpResponse:
    """Leaves one in place of what the last request has left."""
    global NEWEST
    NEWEST = Other()
    return HttpResponse("newest")


def local(request: HttpRequest) -> HttpResponse:
    """Leaves one in a thread-local."""
    LOCAL.own = Thing()
    return HttpResponse("local")


urlpatterns = [
    path("short/", short),
    path("leak/", leak),
    path("ring/<int:number>/", ring),
    path("newest/", newest),
    path("local/", local),
    path("", include("cafe_site.urls")),
]


@pytest.fixture(autouse=True)
def _site(db: None) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield
    KEPT.clear()
    RING.clear()


def serve(recording: Recording, path: str, times: int) -> None:
    """So many requests, with a look at them now and then as the background thread has it."""
    for number in range(times):
        recording.get(path)
        if number % 200 == 199:
            recording.tracer.handle_recorded()


def sizes(recording: Recording) -> dict[str, int]:
    """How much the tracer remembers, in every container that it has."""
    recorder, backlog = recording.tracer.recorder, recording.tracer.backlog
    owners = (
        recorder,
        recorder.weakrefs,
        backlog,
        backlog.history,
        backlog.history.log,
        backlog.history.requests,
        backlog.history.objects,
        backlog.history.objects.store,
        recording.tracer.intake,
    )
    return {
        f"{type(owner).__name__}.{name}": len(value)
        for owner in owners
        for name, value in vars(owner).items()
        if hasattr(value, "__len__") and not isinstance(value, str)
    }


def assert_nothing_grew(recording: Recording, before: dict[str, int]) -> None:
    """No container has grown."""
    for name, size in sizes(recording).items():
        assert size <= before[name] + 400, f"{name} grew from {before[name]} to {size}"


def test_twenty_thousand_requests_leave_no_more_behind_than_two_thousand(
    record: Callable[..., Recording],
) -> None:
    """No container grows, and no byte per request is left."""
    with record() as recording:
        serve(recording, "/short/", 2_000)
        recording.settle()
        before = sizes(recording)
        gc.collect()
        tracemalloc.start()
        try:
            held = tracemalloc.get_traced_memory()[0]
            serve(recording, "/short/", 18_000)
            recording.settle()
            gc.collect()
            growth = tracemalloc.get_traced_memory()[0] - held
        finally:
            tracemalloc.stop()
        assert recording.process.served == 20_000
        assert_nothing_grew(recording, before)
        assert growth < 2_000_000, "a hundred bytes a request would be 1.8 million"


def test_a_journal_keeps_every_request_while_memory_keeps_the_newest(
    record: Callable[..., Recording], tmp_path: Path
) -> None:
    """The journal skips none, also when nobody has looked for a while."""
    with record(journal=tmp_path) as recording:
        serve(recording, "/short/", 1_000)
        recording.settle()
        before = sizes(recording)
        for _ in range(2_500):
            recording.get("/short/")
        recording.settle()
        assert len(recording.tracer.process().requests) == 66
        assert len(recording.tracer.backlog.history.requests.remembered) <= 300
        assert_nothing_grew(recording, before)
    (written,) = processes(tmp_path)
    assert [request.number for request in written.requests] == list(range(1, 3_501))


def test_finished_requests_that_nobody_looks_at_are_bounded(
    record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the background thread cannot keep up, the requests themselves help out."""
    with record() as recording:
        monkeypatch.setattr(recording.tracer.worker, "_wake", lambda: None)
        most = 0
        for _ in range(5_000):
            recording.get("/short/")
            most = max(most, len(recording.tracer.recorder.finished))
        assert 1_000 < most <= 2_001
        assert recording.process.served == 5_000


def kept(recording: Recording) -> list[Lifetime]:
    """The requests that are remembered, but for those that lived before."""
    return [life for life in recording.lives("WSGIRequest") if life.built_in is not None]


def test_a_leak_costs_in_proportion_to_what_it_keeps(record: Callable[..., Recording]) -> None:
    """A kept request is remembered as long as it is kept, and forgotten with it."""
    with record() as recording:
        serve(recording, "/leak/", 500)
        recording.settle()
        watched = len(recording.tracer.recorder.weakrefs.refs)
        assert len(kept(recording)) >= 500
        serve(recording, "/leak/", 500)
        recording.settle()
        grown = len(recording.tracer.recorder.weakrefs.refs) - watched
        assert 500 <= grown <= 500 * 8
        KEPT.clear()
        recording.settle()
        serve(recording, "/short/", 400)
        recording.settle()
        assert len(recording.tracer.recorder.weakrefs.refs) < watched
        assert len(kept(recording)) < 200


def entries(owner: object) -> dict[str, int]:
    """Class and attribute to the entries of all containers of the model below an object."""
    found: Counter[str] = Counter()
    seen: set[int] = set()

    def look(value: object, name: str) -> None:
        if id(value) in seen or isinstance(value, str | int | float):
            return
        seen.add(id(value))
        if isinstance(value, dict):
            found[name] += len(value)
            for each in (*value.keys(), *value.values()):
                look(each, name)
        elif isinstance(value, list | tuple | set | frozenset | deque):
            found[name] += len(value)
            for each in value:
                look(each, name)
        elif type(value).__module__.startswith("tracer.model."):
            slots = getattr(type(value), "__slots__", ())
            names = [*slots, *getattr(value, "__dict__", ())]
            for attribute in names:
                look(getattr(value, attribute, None), f"{type(value).__name__}.{attribute}")

    look(owner, "")
    return found


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int, int]]:
    """What has more entries than it had before, by more than chance."""
    return {
        name: (before.get(name, 0), count)
        for name, count in after.items()
        if count > 1.1 * before.get(name, 0) + 600
    }


def test_what_is_counted_of_pages_and_places_is_bounded(record: Callable[..., Recording]) -> None:
    """Also where no path is ever asked for twice, and walks find what each request has left."""
    with record(watch=(f"{__name__}.Thing",)) as recording:
        running, after = recording.tracer, {}
        for number in range(1, 20_001):
            recording.get(f"/ring/{number}/")
            if number % 1_000 == 0:
                running.gather()
                running.walker.run()
            if number in (10_000, 20_000):
                after[number] = entries(running.backlog.history)
        assert grown(after[10_000], after[20_000]) == {}
        assert sum(after[20_000].values()) < 100_000


def test_paths_that_come_once_do_not_hide_those_that_come_again() -> None:
    """However many of them a place has seen: a page that comes again is counted."""
    with tracer.record(watch=(Thing,), settle=False) as recording:
        for number in range(1, 1_201):
            recording.get(f"/ring/{number}/")
        for _ in range(3):
            recording.get("/newest/")
        recording.settle()
        newest = recording.lifetimes_of("Other")[-1]
        assert (newest.scope, newest.held_by) == ("kept", f"{__name__}.NEWEST")


def test_threads_that_come_and_go_leave_nothing_behind(
    record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each request, each with something in a thread-local when it ends."""
    monkeypatch.setattr(pages, "MOST_PAGES", 400)
    monkeypatch.setattr(request_log, "MOST_ENDED", 400)
    monkeypatch.setattr(objects, "FOLD", 16)
    with record(watch=(f"{__name__}.Thing",)) as recording:
        history = recording.tracer.backlog.history
        after: dict[int, dict[str, int]] = {}
        for number in range(1, 3_001):
            thread = threading.Thread(target=recording.get, args=("/local/",))
            thread.start()
            thread.join()
            if number % 100 == 0:
                recording.tracer.gather()
            if number in (1_500, 3_000):
                recording.settle()
                # Has a limit of its own, which it does not reach here.
                early = history.objects._early.threads
                assert len(early) <= 64 * (history.objects.keep or 0)
                early.clear()
                after[number] = {**entries(history), **sizes(recording)}
        assert grown(after[1_500], after[3_000]) == {}
        assert recording.lives("Thing")[-1].scope == "thread"
        (handler,) = recording.lives("WSGIHandler")
        assert (handler.threads, handler.requests) == (3_000, 3_000)
