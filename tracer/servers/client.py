"""The HTTP client: one connection for each request, several requests at a time."""

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
    """The response to one request."""

    path: str
    status: int
    headers: Message
    body: bytes
    seconds: float
    """Time from connecting until the last byte."""


def http_get(port: int, path: str, headers: Mapping[str, str], timeout: float) -> Reply:
    """Sends GET `path` on a connection of its own; non-ASCII characters are encoded as in browsers.

    Raises OSError or http.client.HTTPException if there is no whole answer.
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


def get_all(get: Callable[[str], Reply], paths: Sequence[str], concurrency: int) -> list[Reply]:
    """Gets all `paths`, `concurrency` at a time, and returns the replies in the paths' order.

    Raises the first error of `get`, or KeyboardInterrupt, after the requests under way have ended.
    The threads share no lock that is written in Python, as an executor's do: an interrupt between
    acquire and release would block all of them for ever.
    """
    replies: list[Reply | None] = [None] * len(paths)
    errors: list[BaseException] = []
    indices = itertools.count()
    stopped: list[bool] = []

    def send_requests() -> None:
        while not stopped and (index := next(indices)) < len(paths):
            try:
                replies[index] = get(paths[index])
            except BaseException as error:
                errors.append(error)
                stopped.append(True)

    clients = [
        threading.Thread(target=send_requests, name=f"client-{number}", daemon=True)
        for number in range(min(concurrency, len(paths)))
    ]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        stopped.append(True)
        for client in clients:
            if client.is_alive():
                client.join()
    if errors:
        raise errors[0]
    return [reply for reply in replies if reply is not None]
