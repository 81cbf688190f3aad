"""Leaks to plant in a site that has none: each keeps something of the requests, in its own way.

A middleware that comes after all others, as a mistake in a project's own would.
"""

from __future__ import annotations

import functools
import logging.handlers
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

SEEN: list[HttpRequest] = []
BY_NUMBER: dict[int, HttpRequest] = {}
RESPONSES: set[HttpResponse] = set()
LATEST: ContextVar[HttpRequest | None] = ContextVar("latest", default=None)
LOCAL = threading.local()
BUFFER = logging.handlers.MemoryHandler(10_000, flushLevel=100, flushOnClose=False)
ERRORS: list[Exception] = []


@functools.cache
def remember(request: HttpRequest) -> int:
    """Keeps its argument as a key."""
    return id(request)


def _count() -> Callable[[HttpRequest], None]:
    counted: list[HttpRequest] = []
    return counted.append


count = _count()


def history(request: HttpRequest, past: list[HttpRequest] = []) -> None:  # noqa: B006
    """Keeps its argument in a default."""
    past.append(request)


def fail(request: HttpRequest) -> None:
    """Keeps an exception, and with its traceback what the frames held."""
    try:
        raise ValueError
    except ValueError as error:
        ERRORS.append(error)


class Planted:
    """The middleware. `kind` says which leak it is, or none."""

    kind = ""
    seen: ClassVar[list[HttpRequest]] = []

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.request: HttpRequest | None = None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers a request, and leaks."""
        response = self.get_response(request)
        leak = LEAKS.get(self.kind)
        if leak is not None:
            leak[0](self, request, response)
        return response


def _log(_self: Any, request: HttpRequest, _response: Any) -> None:
    BUFFER.emit(logging.makeLogRecord({"levelno": logging.INFO, "request": request}))


def _local(_self: Any, request: HttpRequest, _response: Any) -> None:
    LOCAL.request = request


def _one_page(_self: Any, request: HttpRequest, _response: Any) -> None:
    if request.path == "/hello/":
        SEEN.append(request)


def _members_only(_self: Any, request: HttpRequest, _response: Any) -> None:
    if "sessionid" in request.COOKIES:
        SEEN.append(request)


LEAKS: dict[str, tuple[Callable[[Any, HttpRequest, Any], Any], str]] = {
    "list": (lambda _, request, __: SEEN.append(request), "planted.SEEN["),
    "dict": (lambda _, request, __: BY_NUMBER.update({id(request): request}), "planted.BY_NUMBER["),
    "set": (lambda _, __, response: RESPONSES.add(response), "planted.RESPONSES"),
    "class attribute": (lambda self, request, _: self.seen.append(request), "Planted.seen["),
    "closure": (lambda _, request, __: count(request), "planted.count"),
    "default argument": (lambda _, request, __: history(request), "planted.history("),
    "lru_cache": (lambda _, request, __: remember(request), "planted.remember"),
    "log handler": (_log, "planted.BUFFER.buffer["),
    "exception": (lambda _, request, __: fail(request), "planted.ERRORS["),
    "self": (lambda self, request, _: setattr(self, "request", request), "Planted.request"),
    "context variable": (lambda _, request, __: LATEST.set(request), "LATEST"),
    "thread-local": (_local, "planted.LOCAL.request"),
    "one page": (_one_page, "planted.SEEN["),
    "members only": (_members_only, "planted.SEEN["),
}
"""Kind to what it does, and to a part of the path of what then holds the requests."""
