"""Asking a server over HTTP: one connection per request, as many requests at once as wanted."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from tracer.servers.recipe import HOST


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got."""

    path: str
    status: int
    headers: Message
    body: bytes
    seconds: float
    """From connecting until the last byte."""


def ask(port: int, path: str, headers: Mapping[str, str], timeout: float) -> Reply:
    """GET `path` on a connection of its own.

    Raises OSError or http.client.HTTPException when there is no whole answer.
    """
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    seconds = time.perf_counter() - begun
    return Reply(path, response.status, response.headers, body, seconds)
