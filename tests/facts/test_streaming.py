"""Streaming: the part of a request that comes after all of its middleware."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.facts.reading import around, every, find, inside, names, one
from tests.facts.site import GATE, HELD
from tracer import Recording
from tracer.model import stages
from tracer.recording.handlers import environ

Layers = Callable[..., Recording]


def test_a_streamed_body_comes_after_all_middleware(site: Recording) -> None:
    """A streamed body is produced after every middleware has returned, and before close."""
    assert site.get("/stream/").body == b"one two"
    request = site.request()
    body = find(request, stages.BODY)
    assert around(request, body) == []
    assert all(layer.end <= body.start for layer in every(request, stages.MIDDLEWARE))
    assert body.end <= find(request, stages.CLOSE).start


def test_queries_of_a_body_run_in_the_body(site: Recording) -> None:
    """The queries of a streamed body run while it is sent, long after the view has returned."""
    site.get("/stream/")
    request = site.request()
    queries, body = every(request, stages.QUERY), find(request, stages.BODY)
    assert len(queries) == 2
    assert all(inside(request, query, body) for query in queries)
    assert find(request, stages.VIEW).end <= queries[0].start


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_an_async_body_is_consumed_before_its_first_chunk(site: Recording, dishes: None) -> None:
    """Under WSGI Django consumes a whole async body at once; its queries run in the body."""
    assert site.get("/stream/async/").body == b"3"
    request = site.request()
    query, body = find(request, stages.QUERY), find(request, stages.BODY)
    assert inside(request, query, body)
    assert body.detail == "1 chunk · 1 byte"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_an_exception_in_an_async_body_reaches_the_server(site: Recording) -> None:
    """An exception in an async body reaches the server before any chunk does."""

    def fail() -> None:
        raise LookupError

    GATE["async body"] = fail
    with pytest.raises(LookupError):
        site.get("/stream/async/")
    body = find(site.request(), stages.BODY)
    assert (body.error, body.detail) == ("LookupError", "0 chunks · 0 bytes")


def test_request_finished_waits_for_the_body(site: Recording) -> None:
    """request_finished waits for the whole body."""
    site.get("/stream/")
    request = site.request()
    assert find(request, stages.BODY).end <= find(request, stages.REQUEST_FINISHED).start


def test_the_connection_stays_open_for_the_body(files: Recording) -> None:
    """With CONN_MAX_AGE=0 the connection stays open for the streamed body, and ends after it."""
    files.get("/stream/brief/")
    request, connection = files.request(), one(files, "sqlite connection brief")
    assert connection.died_at is not None
    assert find(request, stages.BODY).end <= connection.died_at - request.begun
    assert (connection.freed, connection.freed_after) == ("response", 0)


def test_a_body_that_nobody_reads_asks_nothing(site: Recording) -> None:
    """A streamed body that the server never reads runs no query."""
    response = site.handler(environ("/stream/"), lambda *args: None)
    response.close()
    request = site.request()
    assert names(request, stages.QUERY) == names(request, stages.BODY) == []
    assert names(request, stages.CLOSE) == ["response.close"]


def test_a_body_that_is_cut_off_stops_where_it_is(site: Recording) -> None:
    """A streamed body that the server stops reading runs no further."""
    response = site.handler(environ("/stream/"), lambda *args: None)
    pieces = iter(response)
    assert next(pieces) == b"one "
    pieces.close()
    response.close()
    request = site.request()
    assert len(every(request, stages.QUERY)) == 1
    assert "cut off" in find(request, stages.BODY).detail


def test_an_exception_in_the_body_reaches_the_server(site: Recording) -> None:
    """An exception in a streamed body is turned into no response: it reaches the server."""
    with pytest.raises(LookupError):
        site.get("/stream/broken/")
    request = site.request()
    assert request.status == 200
    assert find(request, stages.BODY).error == "LookupError"
    assert names(request, stages.CONVERT) == []
    assert find(request, stages.REQUEST_FINISHED)


def test_middleware_wraps_a_body_without_reading_it(layers: Layers) -> None:
    """A middleware can wrap a streamed body; what it does to it happens when the body is sent."""
    site = layers("Shouting")
    assert site.get("/stream/").body == b"ONE TWO"
    request = site.request()
    layer, body = find(request, stages.MIDDLEWARE), find(request, stages.BODY)
    assert layer.end <= body.start
    assert not any(inside(request, query, layer) for query in every(request, stages.QUERY))


def test_close_closes_the_file(site: Recording) -> None:
    """A FileResponse's file is open while the body is sent, and closed by the response's close."""
    response = site.handler(environ("/file/"), lambda *args: None)
    body = b"".join(response)
    (opened,) = HELD
    assert body
    assert not opened.closed
    response.close()
    assert opened.closed
    request = site.request()
    assert find(request, stages.BODY).end <= find(request, stages.CLOSE).start
