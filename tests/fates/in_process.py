"""A process that serves the site to itself, on threads of its own, until its input is closed.

    python -m tests.fates.in_process two-threads KEY KEY KEY

It walks after each part of the requests, says so with a line, and waits for one before it goes on.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable

import django

from tests.fates.pages import AFTERWARDS, PARTS, requests_of
from tracer.recording.client import Client
from tracer.runtime import switch

Choose = Callable[[str, int], "str | None"]
"""(path, part) to the name of the thread that serves; None: the current one."""


def _two() -> Choose:
    names = itertools.cycle(("first", "second"))
    return lambda path, part: next(names)


def _idle() -> Choose:
    names = itertools.cycle(("first", "second", "third", "fourth"))
    return lambda path, part: next(names) if part == 1 else "first"


def _new() -> Choose:
    numbers = itertools.count(1)
    return lambda path, part: f"one request {next(numbers)}"


THREADS: dict[str, Callable[[], Choose]] = {
    "one-thread": lambda: lambda path, part: None,
    "two-threads": _two,
    "thread-per-page": lambda: lambda path, part: path,
    "idle-threads": _idle,
    "thread-per-request": _new,
}
"""Way of serving to what chooses the thread."""


def serve_part(client: Client, way: str, choose: Choose, part: int, keys: list[str]) -> None:
    """Serves one part of the requests."""
    for path, visitor in [*requests_of(part), *[("/plain/", 0)] * AFTERWARDS]:
        thread = choose(path, part)
        answer = client.get(path, thread=thread, cookie=f"sessionid={keys[visitor]}")
        assert answer.status == 200, answer.text[:5000]
        if way == "thread-per-request" and thread is not None:
            client.end_thread(thread)


def main(way: str, keys: list[str]) -> None:
    """Serves all parts."""
    django.setup()
    tracer = switch.running()
    assert tracer is not None, "the tracer is off"
    client, choose = Client(), THREADS[way]()
    for part in PARTS:
        serve_part(client, way, choose, part, keys)
        tracer.handle_recorded()
        tracer.walker.run()
        tracer.gather()
        print("walked", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
