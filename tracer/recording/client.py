"""The client of a recording: sends requests to Django's own handlers, in this process.

It is no `django.test.Client`, which holds on to requests and responses and would so change how long
they live. It builds the handlers and calls them on the current thread, on threads that stay, as a
server's pool has them, or on an event loop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar
from urllib.parse import urlencode

from tracer.recording.handlers import FORM, Answer, environ, serve, serve_async

T = TypeVar("T")

SERVER = "server"
"""Name of the thread that serves where the current one has an event loop to run."""
LOOP = "event loop"
"""Name of the thread that runs an event loop where the current one has its own already."""


class Client:
    """Serves requests through Django's real handlers, built at their first use.

    - Without `thread` a request is served on the current thread, as by a server with one. Where
      that has a running event loop, as in a notebook's cell, Django would refuse synchronous
      database work, so it is served on a thread called "server".
    - With `thread="Ann"` it is served on a thread of that name, which stays for further ones, as
      those of a server's pool do.
    - Keyword arguments are headers: `cookie="a=b"`, `accept_language="fr"`.
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self._pool: dict[str, ThreadPoolExecutor] = {}

    @property
    def handler(self) -> Any:
        """The real WSGIHandler, built at first use and with it every middleware."""
        return self._handler("wsgi", "WSGIHandler")

    @property
    def asgi_handler(self) -> Any:
        """The real ASGIHandler, built at first use and with it every middleware."""
        return self._handler("asgi", "ASGIHandler")

    def _handler(self, kind: str, name: str) -> Any:
        if kind not in self.handlers:
            # Imported when it is needed: which request imports what is worth seeing.
            module = import_module(f"django.core.handlers.{kind}")
            self.handlers[kind] = getattr(module, name)()
        return self.handlers[kind]

    def _serving(self) -> None:
        """Called before something is served, or run where requests are."""

    # -- as a WSGI server does ---------------------------------------------------------------

    def get(self, path: str, *, thread: str | None = None, **headers: str) -> Answer:
        """Sends a GET request, from the server's call to the response's close."""
        return self.ask("GET", path, b"", thread=thread, **headers)

    def post(
        self,
        path: str,
        data: Mapping[str, str] | bytes = b"",
        *,
        thread: str | None = None,
        content_type: str = FORM,
        **headers: str,
    ) -> Answer:
        """Sends a POST request, with form fields or a body of your own."""
        body = data if isinstance(data, bytes) else urlencode(data).encode()
        return self.ask("POST", path, body, thread=thread, content_type=content_type, **headers)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        thread: str | None = None,
        content_type: str = FORM,
        **headers: str,
    ) -> Answer:
        """Sends a request of any method."""

        self._serving()

        def work() -> Answer:
            made = environ(path, method, body, headers, content_type, _host())
            return serve(self.handler, made)

        return self.run(work, thread=thread)

    def send(self, path: str, *, thread: str, **headers: str) -> Future[Answer]:
        """Begins a GET request on a thread and returns at once: `.result()` waits for its answer.

        So two requests overlap.
        """
        self._serving()
        return self._on(thread).submit(lambda: self.get(path, **headers))

    def run(self, work: Callable[[], T], *, thread: str | None = None) -> T:
        """Runs `work` where a request would be served, and returns what it returns.

        For database work of your own in a notebook: `recording.run(Dish.objects.count)`.
        """
        self._serving()
        if thread is None and _loop_runs():
            thread = SERVER
        if thread is None or threading.current_thread().name == thread:
            return work()
        return self._on(thread).submit(work).result()

    # -- as an ASGI server does --------------------------------------------------------------

    async def aget(self, path: str, **headers: str) -> Answer:
        """Sends a GET request through ASGI, on the running event loop, as a task of its own."""
        return await self.aask("GET", path, b"", **headers)

    async def aask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends a request of any method through ASGI, as a task with a context of its own."""
        self._serving()
        asked = serve_async(self.asgi_handler, path, method, headers, body, _host())
        return await asyncio.create_task(asked)

    def agets(self, *paths: str) -> list[Answer]:
        """Sends GET requests through ASGI, one after the other on an event loop of their own."""

        async def each() -> list[Answer]:
            return [await self.aget(path) for path in paths]

        return self.run(lambda: asyncio.run(each()), thread=LOOP if _loop_runs() else None)

    # -- threads -----------------------------------------------------------------------------

    def end_thread(self, name: str) -> None:
        """Ends a thread as a server does: nothing is closed for it. KeyError if unknown."""
        self._pool.pop(name).shutdown()

    def _on(self, name: str) -> ThreadPoolExecutor:
        if name not in self._pool:

            def named() -> None:
                threading.current_thread().name = name

            self._pool[name] = ThreadPoolExecutor(max_workers=1, initializer=named)
        return self._pool[name]

    def _let_go(self) -> None:
        """Drops the handlers and ends the threads, their database connections closed."""
        self.handlers.clear()
        while self._pool:
            _, thread = self._pool.popitem()
            thread.submit(_close_connections)
            thread.shutdown()


def _loop_runs() -> bool:
    """Whether the current thread is running an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _host() -> str:
    """Returns a host that the project's settings allow."""
    allowed = list(import_module("django.conf").settings.ALLOWED_HOSTS)
    for name in ("testserver", "localhost"):
        if name in allowed:
            return name
    named = [host.lstrip(".") for host in allowed if isinstance(host, str) and host != "*"]
    return named[0] if named else "localhost"


def _close_connections() -> None:
    database = sys.modules.get("django.db")
    if database is not None:
        database.connections.close_all()
