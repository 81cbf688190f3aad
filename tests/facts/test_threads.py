"""Threads: what a thread keeps, what all threads share, and what outlives a request."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections

from tests.facts.reading import born, find, inside, names, on_thread, one, worker
from tests.facts.site import GATE, HELD
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def test_two_requests_at_once_never_mix(site: Recording) -> None:
    """Two requests at once on two threads are recorded separately, each in full."""
    both = threading.Barrier(2, timeout=120)
    GATE["meet"] = lambda: both.wait() and None
    site.get("/plain/")
    other = threading.Thread(target=lambda: site.get("/step/?meet"))
    other.start()
    site.get("/step/?meet")
    other.join(timeout=120)
    one_of_them, the_other = site.process.requests[1:]
    # They were both inside their views at one moment.
    assert one_of_them.begun < the_other.closed
    assert the_other.begun < one_of_them.closed
    assert one_of_them.thread != the_other.thread
    for request in (one_of_them, the_other):
        assert len(names(request, stages.MIDDLEWARE)) == 7
        assert {span.thread for span in request.spans} == {request.thread}


def test_all_threads_share_the_middleware(layers: Layers) -> None:
    """All threads share the same middleware objects."""
    site = layers("Outer")
    site.get("/plain/")
    on_thread(lambda: site.get("/plain/"))
    layer = one(site, "Outer")
    assert (layer.threads, layer.requests, layer.scope) == (2, 2, "process")


def test_a_language_leaks_into_the_thread_s_next_request(layers: Layers) -> None:
    """A language that a view activates is still active in the next request of the same thread."""
    site = layers()
    site.get("/speak/fr/")
    assert site.get("/spoken/").body == b"fr Asia/Tokyo"
    first, second = site.process.requests
    assert find(first, stages.VIEW).thread == find(second, stages.VIEW).thread


def test_a_language_does_not_leak_into_another_thread(layers: Layers) -> None:
    """A language, or a time zone, that a view activates is not active on another thread."""
    site = layers()
    site.get("/speak/fr/")
    said: list[bytes] = []
    on_thread(lambda: said.append(site.get("/spoken/").body))
    assert said == [b"en-us UTC"]
    first, second = site.process.requests
    assert find(first, stages.VIEW).thread != find(second, stages.VIEW).thread


def test_under_asgi_a_language_stays_with_its_request(layers: Layers) -> None:
    """Under ASGI a language that a synchronous view activates ends with its request's thread."""
    site = layers()
    _, answer = site.agets("/speak/fr/", "/spoken/")
    assert answer.body == b"en-us UTC"
    first, second = site.process.requests
    assert find(first, stages.VIEW).thread != find(second, stages.VIEW).thread


def test_a_background_thread_outlives_its_request(files: Recording) -> None:
    """A thread that a view starts goes on when the response is out, and holds the request."""
    go = threading.Event()
    GATE["background"] = lambda: go.wait(timeout=120) and None
    files.get("/background/")
    files.settle()
    request = files.request()
    assert find(request, stages.THREAD).name == "start worker"
    assert one(files, "WSGIRequest").died_at is None
    assert one(files, "thread worker").died_at is None
    go.set()
    HELD.pop().join(timeout=120)
    files.get("/plain/")
    files.settle()
    first, _ = born(files, "WSGIRequest")
    assert first.died_at is not None


def test_nobody_closes_a_background_thread_s_connection(files: Recording) -> None:
    """A thread that a view starts has a connection of its own; request_finished leaves it open."""
    asked, go = threading.Event(), threading.Event()

    def steps() -> None:
        connections["brief"].cursor().execute("SELECT 1")
        asked.set()
        go.wait(timeout=120)
        connections["brief"].close()

    GATE["background"] = steps
    GATE["wait"] = lambda: asked.wait(timeout=120) and None
    files.get("/background/")
    GATE["wait"]()
    files.get("/ask/brief/")
    first, second = born(files, "sqlite connection brief")
    assert first.thread != second.thread
    assert first.freed is None
    assert second.freed == "response"
    go.set()
    HELD[0].join(timeout=120)


def test_a_pool_s_work_belongs_to_the_request(files: Recording) -> None:
    """Work that a view hands to a pool runs on another thread, with a connection of its own."""
    files.get("/pool/")
    request = files.request()
    query, view = find(request, stages.QUERY), find(request, stages.VIEW)
    assert query.thread != view.thread
    assert inside(request, query, view)


def test_a_thread_keeps_its_connection_while_others_serve(files: Recording) -> None:
    """A thread's open connection waits for it while other threads serve."""
    with worker(files) as serve:
        serve("/ask/long/")
        files.get("/ask/long/")
        serve("/ask/long/")
        first, _ = born(files, "sqlite connection long")
        assert (first.requests, first.freed) == (2, None)
        GATE["close"] = connections.close_all
        serve("/step/?close")
