"""Drives Django's real handlers as a server does, with the tracer recording.

`Recording` starts the tracer of this process, quiet, and takes everything away again. Its `get`
and `post` build a fresh WSGI environ, call a real `WSGIHandler`, consume the body and close the
response; `aget` does the same with a real `ASGIHandler`. No test client: it pins requests and
responses, and would turn every question of life and death over.
"""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from tracer import live
from tracer.conf import Config
from tracer.model import Lifetime, Process, Request, Span


@dataclass
class Answer:
    """What a client would have got."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies set by the answer."""
        pairs = [v.strip().split(";")[0] for k, v in self.headers if k.lower() == "set-cookie"]
        return dict(pair.split("=", 1) for pair in pairs)


def environ(
    path: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a WSGI environ as a server builds it."""
    path, _, query = path.partition("?")
    made = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
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
    return Answer(started[0], started[1], body)


async def serve_async(
    handler: Any, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """Call an ASGI handler as a server does."""
    path, _, query = path.partition("?")
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
        "headers": [(b"host", b"testserver")]
        + [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 50000),
    }
    sent: list[Any] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await handler(scope, receive, send)
    heads = [(k.decode(), v.decode()) for k, v in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(str(sent[0]["status"]), heads, body)


@dataclass
class Recording:
    """The tracer, running quietly in this process for the time of a `with` block."""

    watch: tuple[str, ...] = ()
    cache_keys: bool = False
    query_values: bool = False
    journal: Path | None = None
    handlers: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Recording:
        gc.collect()
        config = Config(
            enabled=True,
            console=False,
            journal=self.journal,
            watch=self.watch,
            cache_keys=self.cache_keys,
            query_values=self.query_values,
        )
        self.live = live.start(config)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.handlers.clear()
        live.stop()

    @property
    def handler(self) -> Any:
        """A real WSGIHandler, built at first use."""
        if "wsgi" not in self.handlers:
            self.handlers["wsgi"] = WSGIHandler()
        return self.handlers["wsgi"]

    @property
    def asgi_handler(self) -> Any:
        """A real ASGIHandler, built at first use."""
        if "asgi" not in self.handlers:
            self.handlers["asgi"] = ASGIHandler()
        return self.handlers["asgi"]

    def get(self, path: str, **headers: str) -> Answer:
        """One GET request, from the server's call to the response's close."""
        return serve(self.handler, environ(path, headers=headers))

    def post(self, path: str, data: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """One POST request with form data."""
        return serve(self.handler, environ(path, "POST", urlencode(data or {}).encode(), headers))

    async def aget(self, path: str, **headers: str) -> Answer:
        """One GET request through ASGI."""
        return await serve_async(self.asgi_handler, path, headers=headers)

    def agets(self, *paths: str) -> list[Answer]:
        """Several GET requests through ASGI, one after the other on one event loop.

        Each is a task of its own, as servers have it: a task's context is not the next one's.
        """

        async def run() -> list[Answer]:
            return [await asyncio.create_task(self.aget(path)) for path in paths]

        return asyncio.run(run())

    def settle(self) -> Process:
        """Run a full collection with no request in flight, and return the process."""
        self.live.settle()
        return self.process

    @property
    def process(self) -> Process:
        """The process as recorded so far."""
        return self.live.process()

    def request(self, number: int = -1) -> Request:
        """The request with this number; the latest by default."""
        requests = self.process.requests
        if number < 0:
            return requests[number]
        return next(request for request in requests if request.number == number)

    def spans(self, stage: str, number: int = -1) -> list[Span]:
        """The spans of one stage in one request, in the order in which they began."""
        return [span for span in self.request(number).spans if span.stage == stage]

    def lives(self, name: str, process: Process | None = None) -> list[Lifetime]:
        """Lifetimes whose class has this name, or whose own name begins with it."""
        found = process or self.process
        return [
            life
            for life in found.lifetimes
            if life.cls.rpartition(".")[2] == name or life.name.startswith(name)
        ]

    def life(self, name: str) -> Lifetime:
        """The only lifetime of this name."""
        (found,) = self.lives(name)
        return found


def ancestors(request: Request, span: Span) -> Iterable[Span]:
    """The spans around this one, innermost first."""
    while span.parent is not None:
        span = request.spans[span.parent]
        yield span
