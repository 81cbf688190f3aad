"""Requests as a server makes them: to a WSGI handler, or to an ASGI handler on one event loop."""

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
    """What came back."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Asking(Protocol):
    """Whoever asks for pages."""

    def ask(self) -> Answer:
        """Make one request."""

    def many(self, count: int) -> None:
        """Make so many requests, and look at no answer."""


Around = Callable[[Callable[..., Any]], Callable[..., Any]]


class Wsgi:
    """Asks a WSGIHandler."""

    def __init__(self, address: str, around: Around) -> None:
        self.handler = around(WSGIHandler())
        self.address = address

    def ask(self) -> Answer:
        """Call, walk through the body, close: as PEP 3333 has it."""
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
        told: list[Any] = []
        response = self.handler(environ, lambda *start: told.append(start))
        try:
            body = b"".join(response)
        finally:
            if hasattr(response, "close"):
                response.close()
        return Answer(told[0][0], tuple(told[0][1]), body)

    def many(self, count: int) -> None:
        """One after the other."""
        for _ in range(count):
            self.ask()


class Asgi:
    """Asks an ASGIHandler, one request after the other on one event loop."""

    def __init__(self, address: str, around: Around) -> None:
        self.handler = around(ASGIHandler())
        self.address = address
        self.loop = asyncio.new_event_loop()

    async def _ask(self) -> Answer:
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
        asked = False
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await over.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.handler(scope, receive, send)
        over.set()
        headers = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(str(sent[0]["status"]), headers, body)

    def ask(self) -> Answer:
        """One request."""
        return self.loop.run_until_complete(self._ask())

    async def _many(self, count: int) -> None:
        for _ in range(count):
            await self._ask()

    def many(self, count: int) -> None:
        """One after the other."""
        self.loop.run_until_complete(self._many(count))
