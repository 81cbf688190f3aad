"""Short ways to read a recorded request, so that a fact fits into a few lines."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.client import ancestors
from tracer import Recording
from tracer.model import Lifetime, Request, Span
from tracer.recording.handlers import Answer


def born(recording: Recording, name: str) -> list[Lifetime]:
    """Returns the lifetimes of this name that began during the recording, in order of birth."""
    return [life for life in recording.lifetimes_of(name) if life.phase != "before"]


def one(recording: Recording, name: str) -> Lifetime:
    """Returns the only one of them."""
    (found,) = born(recording, name)
    return found


def find(request: Request, stage: str, name: str = "") -> Span:
    """Returns the only span of this stage whose name contains `name`."""
    (span,) = every(request, stage, name)
    return span


def every(request: Request, stage: str, name: str = "") -> list[Span]:
    """Returns the spans of this stage whose name contains `name`, in order of begin."""
    return [span for span in request.spans if span.stage == stage and name in span.name]


def names(request: Request, stage: str) -> list[str]:
    """Returns the names of the spans of this stage, in order of begin."""
    return [span.name for span in every(request, stage)]


def inside(request: Request, inner: Span, outer: Span) -> bool:
    """Returns whether `inner` ran within `outer`."""
    return outer in list(ancestors(request, inner))


def around(request: Request, span: Span) -> list[str]:
    """Returns the names of the spans around this one, outermost first."""
    return [one.name for one in ancestors(request, span)][::-1]


def thrice(recording: Recording, path: str) -> list[Answer]:
    """Asks for a page three times: from the third on, what requests leave behind is kept."""
    return [recording.get(path) for _ in range(3)]


def on_thread(work: Callable[[], object], name: str = "other") -> None:
    """Runs `work` on a thread of its own, to its end, and raises what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as exc:
            raised.append(exc)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    thread.join(timeout=120)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


Serve = Callable[[str], object]
"""Serves a request for a path."""
WAYS: Final = ("one thread", "two threads", "a thread for each request", "ASGI")
"""How requests are served."""


def serving(recording: Recording, way: str) -> Serve:
    """Returns what serves a request in one of `WAYS`; of two threads each serves every other."""
    turns = itertools.cycle(("first", "second"))
    ways: dict[str, Serve] = {
        "one thread": recording.get,
        "two threads": lambda path: recording.get(path, thread=next(turns)),
        "a thread for each request": lambda path: on_thread(lambda: recording.get(path)),
        "ASGI": lambda path: recording.agets(path),
    }
    return ways[way]


@contextmanager
def worker(recording: Recording) -> Iterator[Callable[[str], None]]:
    """A thread that serves one path after another until the block ends: `serve(path)`."""
    asked: list[str | None] = []
    turn, done = threading.Semaphore(0), threading.Semaphore(0)
    raised: list[BaseException] = []

    def run() -> None:
        while turn.acquire(timeout=120) and (path := asked.pop()) is not None:
            try:
                recording.get(path)
            except BaseException as exc:
                raised.append(exc)
            done.release()

    def serve(path: str) -> None:
        asked.append(path)
        turn.release()
        assert done.acquire(timeout=120)
        if raised:
            raise raised.pop()

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    try:
        yield serve
    finally:
        asked.append(None)
        turn.release()
        thread.join(timeout=120)
        assert not thread.is_alive()
