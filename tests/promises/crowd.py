"""Views for many requests at once: each leaves marks of its own, to be found with no other."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

LANES = 8
PATIENCE = 120


class Mark:
    """Built by a request; each lane has a class of its own."""


MARKS: tuple[type[Mark], ...] = tuple(
    type(f"Mark{lane}", (Mark,), {"__module__": __name__}) for lane in range(LANES)
)


class Meeting:
    """Where requests wait for each other, so that they are certain to overlap."""

    def __init__(self) -> None:
        self.threads: threading.Barrier | None = None
        self.tasks: asyncio.Barrier | None = None

    def wait(self) -> None:
        """Until all threads are here."""
        if self.threads is not None:
            self.threads.wait(PATIENCE)

    async def await_(self) -> None:
        """Until all tasks are here."""
        if self.tasks is not None:
            async with asyncio.timeout(PATIENCE):
                await self.tasks.wait()


MEETING = Meeting()
POOL: list[ThreadPoolExecutor] = []
"""The pool that lives across requests, while there is one."""
LATE = threading.Event()
"""Lets the threads go on that outlive their requests."""
DONE = threading.Event()
THREADS: list[threading.Thread] = []


def ask(times: int) -> None:
    """So many statements."""
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute("SELECT 1")


def marked(request: HttpRequest, lane: int, turn: int) -> HttpResponse:
    """`lane + turn` queries, one mark of the lane's own, a template; meets the others twice."""
    ask(lane)
    MEETING.wait()
    mark = MARKS[lane]()
    ask(turn)
    MEETING.wait()
    text = engines["django"].from_string(f"lane {lane} turn {turn}").render({})
    del mark
    return HttpResponse(text)


async def marked_async(request: HttpRequest, lane: int, turn: int) -> HttpResponse:
    """The same, on the event loop and on worker threads."""
    await sync_to_async(ask)(lane)
    await MEETING.await_()
    mark = MARKS[lane % LANES]()
    await asyncio.gather(*(sync_to_async(ask, thread_sensitive=False)(1) for _ in range(turn)))
    await MEETING.await_()
    del mark
    return HttpResponse(f"lane {lane} turn {turn}")


def pooled(request: HttpRequest, lane: int, turn: int) -> HttpResponse:
    """Has a pool ask, one statement for each piece of work."""
    jobs = [POOL[0].submit(ask, 1) for _ in range(turn)]
    MEETING.wait()
    for job in jobs:
        job.result(PATIENCE)
    return HttpResponse("pooled")


def threaded(request: HttpRequest, lane: int, turn: int) -> HttpResponse:
    """Starts threads of its own that ask, and waits for them."""
    threads = [threading.Thread(target=ask, args=(1,)) for _ in range(turn)]
    for thread in threads:
        thread.start()
    MEETING.wait()
    for thread in threads:
        thread.join(PATIENCE)
    return HttpResponse("threaded")


def _later(times: int) -> None:
    assert LATE.wait(PATIENCE)
    ask(times)
    DONE.set()


def outlived(request: HttpRequest) -> HttpResponse:
    """Starts a thread that asks when this request is long over."""
    thread = threading.Thread(target=_later, args=(3,))
    THREADS.append(thread)
    thread.start()
    return HttpResponse("gone")


def meanwhile(request: HttpRequest) -> HttpResponse:
    """Lets the threads of earlier requests ask now, while this one is in flight."""
    ask(1)
    LATE.set()
    assert DONE.wait(PATIENCE)
    return HttpResponse("meanwhile")


async def in_a_thread(request: HttpRequest, lane: int, turn: int) -> HttpResponse:
    """Asks by `asyncio.to_thread`."""
    await asyncio.to_thread(ask, turn)
    return HttpResponse("to thread")


def _route(name: str, view: Any) -> Any:
    return path(f"{name}/<int:lane>/<int:turn>/", view)


urlpatterns = [
    _route("marked", marked),
    _route("async", marked_async),
    _route("pooled", pooled),
    _route("threaded", threaded),
    _route("to-thread", in_a_thread),
    path("outlived/", outlived),
    path("meanwhile/", meanwhile),
]
