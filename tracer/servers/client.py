"""Asking a server over HTTP: one connection per request, as many requests at once as wanted."""

from __future__ import annotations

import http.client
import itertools
import string
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from urllib.parse import quote

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
    """GET `path` on a connection of its own; what is no ASCII in it is encoded as browsers do.

    Raises OSError or http.client.HTTPException when there is no whole answer.
    """
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        address = quote(path, safe=string.punctuation)
        connection.request("GET", address, headers={"Connection": "close", **headers})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    seconds = time.perf_counter() - begun
    return Reply(path, response.status, response.headers, body, seconds)


def load(get: Callable[[str], Reply], paths: Sequence[str], concurrency: int) -> list[Reply]:
    """Get all `paths`, `concurrency` at a time; return the replies in the order of the paths.

    Raises the first thing that `get` raises, or an interrupt, after what was in flight has ended.
    Nothing is handed from thread to thread through a lock written in Python, as an executor does:
    an interrupt between its taking and its giving back would hold up both sides for good.
    """
    replies: list[Reply | None] = [None] * len(paths)
    errors: list[BaseException] = []
    turns = itertools.count()
    over: list[bool] = []

    def visit() -> None:
        while not over and (turn := next(turns)) < len(paths):
            try:
                replies[turn] = get(paths[turn])
            except BaseException as error:
                errors.append(error)
                over.append(True)

    visitors = [
        threading.Thread(target=visit, name=f"visitor-{number}", daemon=True)
        for number in range(min(concurrency, len(paths)))
    ]
    try:
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    finally:
        over.append(True)
        for visitor in visitors:
            if visitor.is_alive():
                visitor.join()
    if errors:
        raise errors[0]
    return [reply for reply in replies if reply is not None]
