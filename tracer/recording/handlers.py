"""Calls Django's real handlers as a server does: the body consumed, the response closed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client received."""

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
    """Returns a WSGI environ as a server builds it; `path` may have a query string."""
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
    """Calls a WSGI handler as a server does: start, body, close."""
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
    """Calls an ASGI handler as a server does."""
    sent: list[Any] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}
        # A client that stays: nothing more comes until the handler no longer waits.
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await handler(_scope(path, method, headers or {}, len(body), host), receive, send)
    status = sent[0]["status"]
    heads = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
    known = {each.value: each.phrase for each in HTTPStatus}
    whole = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(status, known.get(status, ""), heads, whole)


def _scope(
    path: str, method: str, headers: Mapping[str, str], size: int, host: str
) -> dict[str, Any]:
    """Returns an ASGI scope as a server builds it; `path` may have a query string.

    `size` is that of the body, in bytes.
    """
    path, _, query = path.partition("?")
    named = {"host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
    if size:
        named = {"content-type": FORM, "content-length": str(size), **named}
    return {
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
