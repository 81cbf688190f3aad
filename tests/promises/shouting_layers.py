"""Middleware, a cache and a converter that warn and log from wherever Django calls them."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest
from django.urls import converters

logger = logging.getLogger(__name__)
HEARD: list[Any] = []
HIGH = 80


class Unwell(Exception):
    """An exception of the project's own."""


def shout(where: str) -> None:
    """Tell of all callers, as warnings and as log records have them."""
    for level in range(2, HIGH):
        with warnings.catch_warnings(record=True) as caught:
            # Nothing that happens to be collected just now, and warns of being left open.
            warnings.filterwarnings("ignore", category=ResourceWarning)
            warnings.filterwarnings("always", "who")
            warnings.warn("who?", UserWarning, stacklevel=level)
        warned = caught[0].filename, caught[0].lineno
        file, line, function, _ = logger.findCaller(stacklevel=level)
        HEARD.append((where, warned, (file, line, function)))
        if warned[0].endswith(("driving.py", "comparing.py", "sys", "<sys>")):
            return


def fail(*_args: Any, **_named: Any) -> NoReturn:
    """Tell, and fail."""
    shout("fail")
    raise Unwell("on purpose")


def quietly(call: Callable[..., Any], *args: Any) -> None:
    """Call what fails, and log it as a careful project does."""
    try:
        call(*args)
    except Exception:
        logger.exception("it failed")


class Layer:
    """Middleware, synchronous and asynchronous, with all hooks."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        shout("built")
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        shout("layer")
        if iscoroutinefunction(self):
            return self.later(request)
        return self.get_response(request)

    async def later(self, request: HttpRequest) -> Any:
        """The same, under ASGI."""
        shout("async layer")
        return await self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Before the view."""
        shout("process_view")

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        """After the view."""
        shout("process_template_response")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Look closely at what went wrong."""
        shout("process_exception")
        HEARD.append(traceback.format_exception(exception))
        logger.error("seen", exc_info=exception)


def failing_layer(get_response: Any) -> Any:
    """Middleware that fails on its way out."""

    def layer(request: HttpRequest) -> Any:
        get_response(request)
        fail()

    return layer


class Hooked(Layer):
    """Middleware whose hook fails while it deals with another failure."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """One exception in the course of another."""
        fail()


class Refusing(Layer):
    """Middleware whose hook fails before the view."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Fail."""
        fail()


class Loud(LocMemCache):
    """A cache backend of the project's own."""

    def get(self, key: Any, default: Any = None, version: Any = None, *, loud: bool = True) -> Any:
        """Tell."""
        shout("cache get")
        return super().get(key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Fail."""
        fail()


class Word(converters.StringConverter):
    """A path converter of the project's own."""

    def to_python(self, value: str) -> str:
        """From an address."""
        shout("to_python")
        return value

    def to_url(self, value: str) -> str:
        """To an address."""
        shout("to_url")
        return value
