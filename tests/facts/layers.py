"""Middlewares of every kind, each as small as its kind allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import (
    async_only_middleware,
    sync_and_async_middleware,
    sync_only_middleware,
)
from django.utils.deprecation import MiddlewareMixin

GetResponse = Callable[[HttpRequest], Any]


class Outer:
    """A class, and nothing else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Pass the request on."""
        return self.get_response(request)


class Middle(Outer):
    """Another."""


class Inner(Outer):
    """And another."""


class Absent(Outer):
    """Says while it is being built that it is not needed."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        raise MiddlewareNotUsed


class Guard(Outer):
    """Answers by itself and never calls the layer below."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Its own answer."""
        return HttpResponse("stopped")


def function(get_response: GetResponse) -> GetResponse:
    """A middleware that is a function."""

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    return middleware


class Mixed(MiddlewareMixin):
    """The older way: two hooks, and a `__call__` that is Django's."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answers by itself when asked to stop."""
        return HttpResponse("stopped") if "stop" in request.GET else None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Marks the response."""
        response["X-Mixed"] = "yes"
        return response


@sync_only_middleware
def only_sync(get_response: GetResponse) -> GetResponse:
    """For synchronous handlers."""
    return function(get_response)


@async_only_middleware
def only_async(get_response: GetResponse) -> GetResponse:
    """For asynchronous handlers."""

    async def middleware(request: HttpRequest) -> Any:
        return await get_response(request)

    return middleware


@sync_and_async_middleware
def both(get_response: GetResponse) -> GetResponse:
    """For either kind."""
    make = only_async if iscoroutinefunction(get_response) else function
    return make(get_response)


class Hooked(Outer):
    """Every hook, each of which leaves everything as it is."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Before the view."""

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        """After the view, before its template is rendered."""
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """After a view that raised."""


class HookedToo(Hooked):
    """The same again."""


class Rescue(Outer):
    """Turns a view's exception into a response."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        """The answer."""
        return HttpResponse("rescued")


class Impatient(Outer):
    """Answers where others would let the view be called."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse:
        """The answer."""
        return HttpResponse("no need")


class Broken(Outer):
    """Raises before it calls the layer below."""

    def __call__(self, request: HttpRequest) -> Any:
        """The exception."""
        raise LookupError("by the middleware")


class Remembers(Outer):
    """FAULT, on purpose: keeps something of the request on `self`."""

    last = ""

    def __call__(self, request: HttpRequest) -> Any:
        """Puts the path of the request before into a header."""
        before, self.last = self.last, request.path
        response = self.get_response(request)
        response["X-Before"] = before
        return response


class Switching(Outer):
    """Sends those who ask for it to another URLconf."""

    def __call__(self, request: HttpRequest) -> Any:
        """The request's own URLconf."""
        if "switch" in request.GET:
            request.urlconf = "tests.facts.other_urls"  # type: ignore[attr-defined]
        return self.get_response(request)


class Shouting(Outer):
    """Wraps a streamed body in a generator of its own."""

    def __call__(self, request: HttpRequest) -> Any:
        """The body is not read here."""
        response = self.get_response(request)
        response.streaming_content = _shouted(response.streaming_content)
        return response


def _shouted(pieces: Any) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.upper()


class Keeps(Outer):
    """FAULT, on purpose: keeps the whole request on `self`."""

    def __call__(self, request: HttpRequest) -> Any:
        """Until the next one comes."""
        self.latest = request
        return self.get_response(request)
