"""Async: which thread does what, and what that does to lifetimes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.facts.reading import born, every, find, inside, names, one
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def test_a_sync_view_under_asgi_leaves_the_loop(layers: Layers) -> None:
    """Under ASGI a synchronous view runs on another thread than the event loop."""
    site = layers()
    site.agets("/plain/")
    request = site.request()
    assert find(request, stages.VIEW).thread != request.thread


def test_an_async_view_under_asgi_stays_on_the_loop(layers: Layers) -> None:
    """Under ASGI an async view runs on the event loop's thread."""
    site = layers()
    site.agets("/async/")
    request = site.request()
    assert find(request, stages.VIEW).thread == request.thread


def test_sync_middleware_takes_an_async_view_off_the_loop_and_back(layers: Layers) -> None:
    """Under ASGI a sync-only middleware around an async view costs two switches of thread."""
    site = layers("only_sync")
    site.agets("/async/")
    request = site.request()
    layer, view = find(request, stages.MIDDLEWARE), find(request, stages.VIEW)
    assert layer.thread != request.thread == view.thread
    assert inside(request, view, layer)


def test_all_sync_code_of_a_request_shares_one_thread(layers: Layers) -> None:
    """Under ASGI all synchronous code of one request shares one thread."""
    site = layers("only_sync", "both", "only_sync")
    site.agets("/plain/")
    request = site.request()
    first, _, second = every(request, stages.MIDDLEWARE)
    assert first.thread == second.thread == find(request, stages.VIEW).thread
    assert first.thread != request.thread


def test_each_asgi_request_has_a_sync_thread_of_its_own(layers: Layers) -> None:
    """Under ASGI each request gets a thread of its own for its synchronous code."""
    site = layers()
    site.agets("/plain/", "/plain/", "/plain/")
    requests = site.process.requests
    assert len({request.thread for request in requests}) == 1
    assert len({find(request, stages.VIEW).thread for request in requests}) == 3


def test_each_asgi_request_has_a_database_wrapper_of_its_own(files: Recording) -> None:
    """Under ASGI each request gets a DatabaseWrapper of its own, and a connection with it."""
    files.agets("/ask/brief/", "/ask/brief/")
    assert [life.built_in for life in born(files, "DatabaseWrapper brief")] == [1, 2]
    assert {life.requests for life in born(files, "DatabaseWrapper brief")} == {1}
    assert [life.built_in for life in born(files, "sqlite connection brief")] == [1, 2]


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_conn_max_age_is_no_use_under_asgi(files: Recording) -> None:
    """Under ASGI CONN_MAX_AGE=60 saves nothing: no later request finds the connection again."""
    files.agets("/ask/long/", "/ask/long/")
    lives = born(files, "sqlite connection long")
    assert [life.built_in for life in lives] == [1, 2]
    assert {life.requests for life in lives} == {1}
    files.settle()
    assert None not in {life.freed for life in born(files, "sqlite connection long")}


def test_an_async_query_runs_on_the_sync_thread(site: Recording) -> None:
    """An awaited query runs on the thread for synchronous code, not on the event loop."""
    site.get("/async/count/")
    request = site.request()
    query, view = find(request, stages.QUERY), find(request, stages.VIEW)
    assert query.thread != view.thread
    assert inside(request, query, view)


def test_an_async_view_under_wsgi_runs_on_a_loop_of_its_own(site: Recording) -> None:
    """Under WSGI an async view runs on a thread made for it; its queries run on the request's."""
    site.get("/async/count/")
    request = site.request()
    assert find(request, stages.VIEW).thread != request.thread
    assert find(request, stages.QUERY).thread == request.thread


def test_a_helper_thread_is_no_second_server(site: Recording) -> None:
    """An async view's own thread serves no other request: there is still one serving thread."""
    for path in ("/page/child.html", "/async/page/") * 2:
        site.get(path)
    site.settle()
    assert find(site.request(), stages.TEMPLATE).thread != site.request().thread
    for name in ("URLPattern async/page/", "Template child.html", "Template part.html"):
        life = one(site, name)
        assert (life.scope, life.threads) == ("process", 1)


def test_the_order_is_the_same(layers: Layers) -> None:
    """Under ASGI the order is the same: signal, middleware, view, response, close, signal."""
    site = layers("Outer")
    site.get("/plain/")
    site.agets("/plain/")
    plain, under_asgi = (
        # The thread with which each ASGI request ends is no stage of Django's, and only the
        # first request of a process imports the URLconf.
        [span.stage for span in request.spans if span.stage not in (stages.THREAD, stages.URLCONF)]
        for request in site.process.requests
    )
    assert plain == under_asgi
    assert plain[0] == stages.REQUEST_STARTED
    assert plain[-1] == stages.REQUEST_FINISHED


def test_requests_on_one_loop_never_mix(layers: Layers) -> None:
    """Requests that take turns on one event loop are recorded separately, each in full."""
    site = layers("both")

    async def together() -> None:
        await asyncio.gather(*(site.aget(path) for path in ("/async/", "/plain/", "/brew/")))

    asyncio.run(together())
    views = {request.path: names(request, stages.VIEW) for request in site.process.requests}
    assert views == {
        "/async/": ["tests.facts.site.async_plain"],
        "/plain/": ["tests.facts.site.plain"],
        "/brew/": ["functools.partial"],
    }
    assert all(len(every(each, stages.MIDDLEWARE)) == 1 for each in site.process.requests)


def test_an_asgi_request_is_an_object_like_any_other(site: Recording) -> None:
    """An ASGIRequest too dies only when the collector runs."""
    site.agets("/plain/")
    assert [life.freed for life in born(site, "ASGIRequest")] == [None]
    site.settle()
    (life,) = born(site, "ASGIRequest")
    assert life.scope == "request"
    assert life.freed == "collector"
