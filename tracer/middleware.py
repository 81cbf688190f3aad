"""The tracer's own middleware: the outermost layer of the chain.

The tracer puts it there; a project may list it in `MIDDLEWARE` to place it elsewhere. A request
that one of Django's own handlers received passes it untouched. One that came through a handler of
the project's own is recorded from here on. Where the tracer is off, the middleware takes itself out
of the chain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tracer import runtime
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.trace import Trace, current, spread

GetResponse = Callable[[HttpRequest], Any]


class TracerMiddleware:
    """Works around synchronous and asynchronous chains alike, and changes neither.

    Raises `MiddlewareNotUsed` while being built if the tracer is not running.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        running = runtime.running()
        if running is None:
            raise MiddlewareNotUsed("the tracer is not running")
        self.get_response = get_response
        self.recorder = running.recorder
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.__acall__(request)
        try:
            if current.get() is None:
                return self._from_here(request)
            response: HttpResponseBase = self.get_response(request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        return response

    def passage(self) -> GetResponse:
        """Returns a function that does what a call of this does, at a third of its cost.

        For a synchronous chain, whose other layers let no exception pass.
        """
        get, chain, from_here = current.get, self.get_response, self._from_here

        def outermost(request: HttpRequest) -> Any:
            try:
                return chain(request) if get() is not None else from_here(request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        outermost.__wrapped__ = self  # type: ignore[attr-defined]
        return outermost

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        begun = self._begin(request) if current.get() is None else None
        try:
            response: HttpResponseBase = await self.get_response(request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            if begun is not None:
                begun.handler_runs = False
        return response

    def _from_here(self, request: HttpRequest) -> HttpResponseBase:
        """Serves a request that no watched handler has begun; its response's close ends it."""
        begun = self._begin(request)
        try:
            response: HttpResponseBase = self.get_response(request)
        finally:
            if begun is not None:
                begun.handler_runs = False
        return response

    def _begin(self, request: HttpRequest) -> Trace | None:
        try:
            if runtime.running() is None:
                return None
            meta = request.META
            address = meta.get("REQUEST_METHOD"), "", request.path, meta.get("QUERY_STRING")
            trace = self.recorder.begin(address)
            if self.is_async:
                spread(trace, self.recorder.current_thread)
            current.set(trace)
        except Exception as fault:
            self.recorder.fault("middleware", fault)
            return None
        return trace


hide_functions(__name__)
