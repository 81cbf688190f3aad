"""The tracer's own middleware: the outermost layer, where the request object is first seen whole.

It is put there by itself; a project may list it in `MIDDLEWARE` to place it elsewhere. Where the
tracer is off it takes itself out of the chain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tracer import live

GetResponse = Callable[[HttpRequest], Any]


class TracerMiddleware:
    """Works around synchronous and asynchronous chains alike, and changes neither.

    Raises `MiddlewareNotUsed` while being built if the tracer is not running.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        running = live.running()
        if running is None:
            raise MiddlewareNotUsed("the tracer is not running")
        self.get_response = get_response
        self.see = running.recorder.sighting()
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        self.see(request)
        if self.is_async:
            return self.__acall__(request)
        response: HttpResponseBase = self.get_response(request)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        return response
