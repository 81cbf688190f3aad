"""Requests as a server makes them: the real handlers, the body consumed, the response closed.

No test client: it holds on to requests and responses, and would turn every question of life and
death over. `Serving` builds Django's own handlers and calls them on the current thread, on threads
that stay, as a server's pool has them, or on an event loop.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

FORM = "application/x-www-form-urlencoded"
SERVER = "server"
"""Name of the thread that serves where the current one has an event loop to run."""
LOOP = "event loop"
"""Name of the thread that runs an event loop where the current one has its own already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies set by the answer, name to value."""
        pairs = [v.strip().split(";")[0] for k, v in self.headers if k.lower() == "set-cookie"]
        return dict(pair.split("=", 1) for pair in pairs)

    def __repr__(self) -> str:
        return f"<Answer {self.status} {self.reason}, {len(self.body):,} bytes>"


def environ(
    path: str,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    content_type: str = FORM,
    host: str = "testserver",
) -> dict[str, Any]:
    """Return a WSGI environ as a server builds it; `path` may have a query string."""
    path, _, query = path.partition("?")
    made = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # A server passes the bytes of a path on, each in the guise of a character.
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": content_type,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in (headers or {}).items():
        made[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return made


def serve(handler: Any, env: dict[str, Any]) -> Answer:
    """Call a WSGI handler as a server does: start, body, close."""
    started: list[Any] = []
    response = handler(env, lambda status, headers, exc=None: started.extend((status, headers)))
    try:
        body = b"".join(response)
    finally:
        if hasattr(response, "close"):
            response.close()
    code, _, reason = started[0].partition(" ")
    return Answer(int(code), reason, tuple(started[1]), body)


async def serve_async(
    handler: Any,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    host: str = "testserver",
) -> Answer:
    """Call an ASGI handler as a server does."""
    path, _, query = path.partition("?")
    named = {"host": host, **{k.replace("_", "-"): v for k, v in (headers or {}).items()}}
    if body:
        named = {"content-type": FORM, "content-length": str(len(body)), **named}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "server": (host, 80),
        "client": ("127.0.0.1", 50000),
    }
    sent: list[Any] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}
        # A client that stays: nothing more comes until the handler lets go of waiting.
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await handler(scope, receive, send)
    status = sent[0]["status"]
    heads = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
    known = {each.value: each.phrase for each in HTTPStatus}
    whole = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(status, known.get(status, ""), heads, whole)


class Serving:
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
        """Something is about to be served, or run where requests are."""

    # -- as a WSGI server does ---------------------------------------------------------------

    def get(self, path: str, *, thread: str | None = None, **headers: str) -> Answer:
        """One GET request, from the server's call to the response's close."""
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
        """One POST request, with form fields or a body of your own."""
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
        """One request of any method."""

        self._serving()

        def work() -> Answer:
            made = environ(path, method, body, headers, content_type, _host())
            return serve(self.handler, made)

        return self.run(work, thread=thread)

    def send(self, path: str, *, thread: str, **headers: str) -> Future[Answer]:
        """Begin a GET request on a thread and return at once: `.result()` waits for its answer.

        So two requests overlap.
        """
        self._serving()
        return self._on(thread).submit(lambda: self.get(path, **headers))

    def run(self, work: Callable[[], T], *, thread: str | None = None) -> T:
        """Run `work` where a request would be served, and return what it returns.

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
        """One GET request through ASGI, on the running event loop, as a task of its own."""
        return await self.aask("GET", path, b"", **headers)

    async def aask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request of any method through ASGI. A task's context is not the next one's."""
        self._serving()
        asked = serve_async(self.asgi_handler, path, method, headers, body, _host())
        return await asyncio.create_task(asked)

    def agets(self, *paths: str) -> list[Answer]:
        """Several GET requests through ASGI, one after the other on one event loop of their own."""

        async def each() -> list[Answer]:
            return [await self.aget(path) for path in paths]

        return self.run(lambda: asyncio.run(each()), thread=LOOP if _loop_runs() else None)

    # -- threads -----------------------------------------------------------------------------

    def end_thread(self, name: str) -> None:
        """Let a thread end as a server's does: nothing is closed for it. KeyError if unknown."""
        self._pool.pop(name).shutdown()

    def _on(self, name: str) -> ThreadPoolExecutor:
        if name not in self._pool:

            def named() -> None:
                threading.current_thread().name = name

            self._pool[name] = ThreadPoolExecutor(max_workers=1, initializer=named)
        return self._pool[name]

    def _let_go(self) -> None:
        """Drop the handlers and end the threads, their database connections closed."""
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
    """Return a host that the project's settings allow."""
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
