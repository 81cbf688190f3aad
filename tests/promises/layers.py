"""Middleware of every kind that a project may have, the well-behaved and the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import (
    async_only_middleware,
    sync_and_async_middleware,
    sync_only_middleware,
)
from django.utils.deprecation import MiddlewareMixin

from tests.promises.site import Unwell

GetResponse = Callable[[HttpRequest], Any]
SEEN: list[tuple[str, bool]] = []
"""(class of what a middleware calls next, whether that is a coroutine function)."""


def function(get_response: GetResponse) -> GetResponse:
    """A factory that returns a closure."""

    def layer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Function"] = "yes"
        return response

    return layer


@sync_only_middleware
def sync_only(get_response: GetResponse) -> GetResponse:
    """Says that it is synchronous alone."""
    return function(get_response)


@async_only_middleware
def async_only(get_response: GetResponse) -> GetResponse:
    """Says that it is asynchronous alone."""
    assert iscoroutinefunction(get_response)

    async def layer(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        response["X-Async-Only"] = "yes"
        return response

    return layer


@sync_and_async_middleware
def both_ways(get_response: GetResponse) -> GetResponse:
    """Returns what the server's world asks for."""
    if not iscoroutinefunction(get_response):
        return function(get_response)

    async def layer(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        response["X-Function"] = "async"
        return response

    return layer


def same(get_response: GetResponse) -> GetResponse:
    """A factory that adds nothing: it returns what it was given."""
    return get_response


class Plain:
    """A class, and nothing else."""

    marker: ClassVar[str] = "a class attribute"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at itself, as Django and projects do."""
        assert type(self) is Plain
        response: HttpResponse = self.get_response(request)
        response["X-Plain"] = self.marker
        return response


class Slotted:
    """Has no `__dict__` and supports no weak reference."""

    __slots__ = ("get_response",)

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        response: HttpResponse = self.get_response(request)
        response["X-Slotted"] = "yes"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A hook of a slotted class."""
        request.slotted = view.__name__


class Mixed(MiddlewareMixin):
    """Django's own mixin, with the hooks of old."""

    def process_request(self, request: HttpRequest) -> None:
        """On the way in."""
        request.mixed = True

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """On the way out."""
        response["X-Mixed"] = str(request.mixed)
        return response


class HiddenAsync:
    """Looks synchronous, and returns an awaitable where what it calls does: an async hook hidden
    behind a sync one."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """One method for both."""
        if self.is_async:
            return self.acall(request)
        return self._mark(self.get_response(request))

    async def acall(self, request: HttpRequest) -> HttpResponse:
        """The hidden one."""
        return self._mark(await self.get_response(request))

    def _mark(self, response: HttpResponse) -> HttpResponse:
        response["X-Hidden"] = "async" if self.is_async else "sync"
        return response


class AsyncCall:
    """Its `__call__` is a coroutine function."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Await, and pass on."""
        response: HttpResponse = await self.get_response(request)
        response["X-Async-Call"] = "yes"
        return response


class AsyncHooks(Plain):
    """A synchronous middleware with asynchronous hooks."""

    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Whatever comes."""
        return self.get_response(request)

    async def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A hook that is a coroutine."""
        request.hooked = True


class Unused:
    """Takes itself out while the handler is being built."""

    def __init__(self, get_response: GetResponse) -> None:
        raise MiddlewareNotUsed("not tonight")


class Curious:
    """Writes down what it is asked to call next, and looks at its type."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        SEEN.append((type(get_response).__name__, iscoroutinefunction(get_response)))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        response: HttpResponse = self.get_response(request)
        return response


class Replying:
    """Answers in `process_view`, so that the view never runs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse:
        """The answer."""
        return HttpResponse("from the hook")


def failing_in(get_response: GetResponse) -> GetResponse:
    """Raises on the way in."""

    def layer(request: HttpRequest) -> HttpResponse:
        raise Unwell("on the way in")

    return layer


def failing_out(get_response: GetResponse) -> GetResponse:
    """Raises on the way out."""

    def layer(request: HttpRequest) -> HttpResponse:
        get_response(request)
        raise Unwell("on the way out")

    return layer


def returning_none(get_response: GetResponse) -> GetResponse:
    """Forgets to return the response."""

    def layer(request: HttpRequest) -> None:
        get_response(request)

    return layer


def none_at_all(get_response: GetResponse) -> None:
    """A factory that returns None: the handler cannot be built."""


class Hooks:
    """The base of those that misbehave in a hook."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        response: HttpResponse = self.get_response(request)
        return response


class ViewHookFails(Hooks):
    """Raises in `process_view`."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Before the view."""
        raise Unwell("before the view")


class TemplateHookReturnsNone(Hooks):
    """Forgets to return the response of `process_template_response`."""

    def process_template_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """After the view."""


class ExceptionHookFails(Hooks):
    """Raises while it deals with an exception."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A second accident."""
        raise Unwell("while dealing with another") from exception


class ExceptionHookAnswers(Hooks):
    """Turns exceptions into answers."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        """The answer names the exception."""
        return HttpResponse(f"caught {exception}", status=418)
