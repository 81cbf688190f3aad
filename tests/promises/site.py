"""A small site for the promises: views that do one thing each, some of them badly."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cafe.models import Dish
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path

from tests.support.client import environ, serve

during_request: Callable[[], Any] | None = None
"""What the view `during` calls, if anything."""


def during(request: HttpRequest) -> HttpResponse:
    """Calls what a test asks for, in the middle of a request."""
    if during_request is not None:
        during_request()
    return HttpResponse("done")


answer: Callable[[], Any] | None = None
"""What makes the response of the view `answering`."""


def answering(request: HttpRequest) -> Any:
    """Returns what a test asks for."""
    assert answer is not None
    return answer()


def plain(request: HttpRequest) -> HttpResponse:
    """A short text, and nothing else."""
    return HttpResponse("A short text.", content_type="text/plain")


async def plain_async(request: HttpRequest) -> HttpResponse:
    """The same, as a coroutine."""
    return HttpResponse("A short text.", content_type="text/plain")


def listing(request: HttpRequest) -> HttpResponse:
    """Two queries and a template."""
    count = Dish.objects.count()
    template = engines["django"].from_string(
        "{{ count }}{% for dish in dishes %}, {{ dish }}{% endfor %}"
    )
    return HttpResponse(template.render({"count": count, "dishes": Dish.objects.all()[:3]}))


class Unwell(Exception):
    """An exception of the project's own."""


RAISED: dict[str, Callable[[], BaseException]] = {
    "boom": lambda: Unwell("all of it"),
    "lost": lambda: Http404("nowhere"),
    "denied": lambda: PermissionDenied("not you"),
    "suspicious": lambda: SuspiciousOperation("hm"),
    "bad": lambda: BadRequest("no"),
    "parts": lambda: MultiPartParserError("torn"),
    "key": lambda: KeyError("key"),
    "stop": lambda: StopIteration("here"),
    "exit": lambda: SystemExit(3),
    "interrupt": lambda: KeyboardInterrupt(),
}
"""Name to what a view of that name raises."""


def raising(request: HttpRequest, what: str) -> HttpResponse:
    """Raises what it is asked for."""
    raise RAISED[what]()


async def raising_async(request: HttpRequest, what: str) -> HttpResponse:
    """The same, as a coroutine."""
    raise RAISED[what]()


def chained(request: HttpRequest) -> HttpResponse:
    """Raises one exception because of another."""
    try:
        raise KeyError("first")
    except KeyError as error:
        raise Unwell("second") from error


def nothing(request: HttpRequest) -> None:
    """Returns None, which Django will not have."""


async def nothing_async(request: HttpRequest) -> None:
    """The same, as a coroutine."""


def broken_template(request: HttpRequest) -> HttpResponse:
    """Fails while its template is rendered, after the view has returned."""

    def fail() -> str:
        raise Unwell("in the template")

    template = engines["django"].from_string("{{ fail }}")
    return TemplateResponse(request, template, {"fail": fail})


def broken_query(request: HttpRequest) -> HttpResponse:
    """Runs a statement that no database understands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere_at_all")
    return HttpResponse("never")


def _half() -> Iterator[str]:
    yield "first half,"
    raise Unwell("half way")


async def _half_async() -> AsyncIterator[str]:
    yield "first half,"
    raise Unwell("half way")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """A body that comes in parts."""
    return StreamingHttpResponse(iter(["one,", "two,", "three"]))


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    """An asynchronous body that comes in parts."""

    async def parts() -> AsyncIterator[str]:
        for part in ("one,", "two,", "three"):
            yield part

    return StreamingHttpResponse(parts())


def pool(request: HttpRequest) -> HttpResponse:
    """Has other threads do its work, one of a pool and one of its own."""
    found: list[str] = []
    with ThreadPoolExecutor(1) as workers:
        found.append(workers.submit(str.upper, "pooled").result())
    thread = threading.Thread(target=found.append, args=("threaded",))
    thread.start()
    thread.join()
    return HttpResponse(", ".join(found))


def stream_half(request: HttpRequest) -> StreamingHttpResponse:
    """A body that breaks off."""
    return StreamingHttpResponse(_half())


async def stream_half_async(request: HttpRequest) -> StreamingHttpResponse:
    """An asynchronous body that breaks off."""
    return StreamingHttpResponse(_half_async())


class Stubborn(HttpResponse):
    """A response that cannot be closed."""

    def close(self) -> None:
        """Closes, and complains."""
        super().close()
        raise Unwell("while closing")


def stubborn(request: HttpRequest) -> HttpResponse:
    """Answers with a response whose close() raises."""
    return Stubborn("text")


def nested(request: HttpRequest) -> HttpResponse:
    """Calls a handler from within a view, and reads its answer."""
    answer = serve(WSGIHandler(), environ("/listing/"))
    return HttpResponse(b"inside: " + answer.body)


urlpatterns = [
    path("during/", during),
    path("answer/", answering),
    path("plain/", plain),
    path("plain/async/", plain_async),
    path("listing/", listing),
    path("raise/<what>/", raising),
    path("raise/<what>/async/", raising_async),
    path("chained/", chained),
    path("nothing/", nothing),
    path("nothing/async/", nothing_async),
    path("broken/template/", broken_template),
    path("broken/query/", broken_query),
    path("stream/", stream),
    path("stream/async/", stream_async),
    path("pool/", pool),
    path("stream/half/", stream_half),
    path("stream/half/async/", stream_half_async),
    path("stubborn/", stubborn),
    path("nested/", nested),
    path("cafe/", include("cafe.urls")),
]
