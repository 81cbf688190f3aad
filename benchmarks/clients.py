"""Clients that call Django's handlers as a server does: WSGI, or ASGI on one event loop."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to one request."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Client(Protocol):
    """What both clients can do."""

    def get(self) -> Answer:
        """Makes one request."""

    def get_many(self, count: int) -> None:
        """Makes so many requests and ignores the answers."""


Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


class WsgiClient:
    """A client of a WSGIHandler."""

    def __init__(self, address: str, wrap: Wrap) -> None:
        self.handler = wrap(WSGIHandler())
        self.address = address

    def get(self) -> Answer:
        """Makes one request: calls the handler, reads the body and closes it, as in PEP 3333."""
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.address,
            "QUERY_STRING": "",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        started: list[Any] = []
        response = self.handler(environ, lambda *start: started.append(start))
        try:
            body = b"".join(response)
        finally:
            if hasattr(response, "close"):
                response.close()
        return Answer(started[0][0], tuple(started[0][1]), body)

    def get_many(self, count: int) -> None:
        """Makes so many requests, one after the other."""
        for _ in range(count):
            self.get()


class AsgiClient:
    """A client of an ASGIHandler: one request after the other on one event loop."""

    def __init__(self, address: str, wrap: Wrap) -> None:
        self.handler = wrap(ASGIHandler())
        self.address = address
        self.loop = asyncio.new_event_loop()

    async def _get(self) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": self.address,
            "raw_path": self.address.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 4711),
            "server": ("localhost", 80),
        }
        sent: list[Any] = []
        received = False
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal received
            if received:
                await over.wait()
                return {"type": "http.disconnect"}
            received = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.handler(scope, receive, send)
        over.set()
        headers = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(str(sent[0]["status"]), headers, body)

    def get(self) -> Answer:
        """Makes one request."""
        return self.loop.run_until_complete(self._get())

    async def _get_many(self, count: int) -> None:
        for _ in range(count):
            await self._get()

    def get_many(self, count: int) -> None:
        """Makes so many requests, one after the other."""
        self.loop.run_until_complete(self._get_many(count))
