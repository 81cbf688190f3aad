"""Pages that leave something behind."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from logging.handlers import MemoryHandler
from typing import ClassVar

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

from tests.fates.left import (
    ByRequest,
    Counted,
    InClosure,
    InDefault,
    InRing,
    LastInGlobal,
    LeftInContext,
    LeftInThread,
    Logged,
    OfError,
    OfGenerator,
    OfKeptRequest,
    OfMiddlewaresRequest,
    OfTask,
    OnClass,
    Piled,
    PiledOften,
    Receiver,
    ToFinalize,
)
from tests.fates.site.answer import answer

View = Callable[[HttpRequest], HttpResponse]

PILE: list[Piled] = []
OFTEN: list[PiledOften] = []
COUNTED: dict[int, Counted] = {}
NUMBERS = itertools.count()
TURNS = itertools.count()
TASKS: set[asyncio.Task[OfTask]] = set()
ERRORS: list[Exception] = []
UNFINISHED: list[Iterator[OfGenerator]] = []
REQUESTS: list[HttpRequest] = []
RING: deque[InRing] = deque(maxlen=5)
LAST: LastInGlobal | None = None
LOCAL = threading.local()
CONTEXT: ContextVar[LeftInContext] = ContextVar("left")
rang = Signal()
_log = logging.getLogger("fates.log")
_log.propagate = False
_log.setLevel(logging.INFO)
_log.addHandler(MemoryHandler(capacity=1_000_000, flushLevel=logging.CRITICAL))


def piled(request: HttpRequest) -> HttpResponse:
    """Adds one to a list."""
    PILE.append(Piled())
    return answer(PILE[-1])


def piled_often(request: HttpRequest) -> HttpResponse:
    """Adds one to a list, in three of five requests."""
    if next(TURNS) % 5 in (0, 2, 4):
        OFTEN.append(PiledOften())
    return answer()


def counted(request: HttpRequest) -> HttpResponse:
    """Adds one to a dict, under a new key."""
    COUNTED[next(NUMBERS)] = made = Counted()
    return answer(made)


class Ledger:
    """Has a list for all of its kind."""

    entries: ClassVar[list[OnClass]] = []


def on_class(request: HttpRequest) -> HttpResponse:
    """Adds one to a class's list."""
    Ledger.entries.append(OnClass())
    return answer()


def _with_pile() -> View:
    pile: list[InClosure] = []

    def closure_pile(request: HttpRequest) -> HttpResponse:
        pile.append(InClosure())
        return answer(pile[-1])

    return closure_pile


closure_pile = _with_pile()


def default_pile(request: HttpRequest, pile: list[InDefault] = []) -> HttpResponse:  # noqa: B006
    """Adds one to its default argument."""
    pile.append(InDefault())
    return answer()


@functools.lru_cache(maxsize=100_000)
def _price(request: HttpRequest) -> ByRequest:
    return ByRequest()


def lru_by_request(request: HttpRequest) -> HttpResponse:
    """Asks a cache under a key that never comes again."""
    return answer(_price(request))


def logged(request: HttpRequest) -> HttpResponse:
    """Logs a line, which a handler puts into its buffer."""
    _log.info("seen: %s", Logged())
    return answer()


async def _task(made: OfTask) -> OfTask:
    return made


async def of_task(request: HttpRequest) -> HttpResponse:
    """Keeps the task that it has waited for."""
    # In a context of its own: a task keeps its context, and would keep all that lies in that.
    task = asyncio.create_task(_task(OfTask()), context=Context())
    TASKS.add(task)
    return answer(await task)


class _Immortal:
    """Never dies."""


_immortal = _Immortal()


def to_finalize(request: HttpRequest) -> HttpResponse:
    """Hands an object to a finalizer that never runs."""
    weakref.finalize(_immortal, print, ToFinalize()).atexit = False
    return answer()


def _fail() -> None:
    failing = OfError()
    failing.use()
    raise ValueError("as it should")


def of_error(request: HttpRequest) -> HttpResponse:
    """Keeps an exception with its traceback."""
    try:
        _fail()
    except ValueError as error:
        ERRORS.append(error)
    return answer()


def _endless(held: OfGenerator) -> Iterator[OfGenerator]:
    while True:
        yield held


def of_generator(request: HttpRequest) -> HttpResponse:
    """Keeps a generator that has begun."""
    generator = _endless(OfGenerator())
    UNFINISHED.append(generator)
    return answer(next(generator))


def receiver(request: HttpRequest) -> HttpResponse:
    """Connects a receiver that nobody disconnects."""
    rang.connect(Receiver().heard, weak=False)
    return answer()


def in_ring(request: HttpRequest) -> HttpResponse:
    """Adds one to a ring of five."""
    RING.append(InRing())
    return answer()


def last_in_global(request: HttpRequest) -> HttpResponse:
    """Replaces what the request before has left."""
    global LAST
    LAST = LastInGlobal()
    return answer()


def of_middleware(request: HttpRequest) -> HttpResponse:
    """A middleware keeps this request until the next for this page."""
    request.made = OfMiddlewaresRequest()  # type: ignore[attr-defined]
    return answer()


def kept_request(request: HttpRequest) -> HttpResponse:
    """Keeps the request."""
    request.made = OfKeptRequest()  # type: ignore[attr-defined]
    REQUESTS.append(request)
    return answer()


def left_in_context(request: HttpRequest) -> HttpResponse:
    """Sets a context variable and does not reset it."""
    CONTEXT.set(LeftInContext())
    return answer()


def left_in_thread(request: HttpRequest) -> HttpResponse:
    """Sets an attribute of a thread-local anew."""
    LOCAL.newest = LeftInThread()
    return answer()
