"""Views that leave something behind, each in a place of its own. The facts empty the places."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from importlib import import_module
from typing import Any, ClassVar

from cafe.models import Category, Dish
from django.http import HttpRequest, HttpResponse

LOCAL = threading.local()
CONTEXT: ContextVar[Made] = ContextVar("visitor")
POOL: queue.Queue[Made] = queue.Queue()
SINGLETON: Made | None = None
NEWEST: Made | None = None
BUFFER: list[Made] = []
MEMO: dict[str, Made] = {}
ERRORS: list[Exception] = []
UNFINISHED: list[Iterator[None]] = []
BUILDING = threading.Lock()


class Made:
    """What the views build. It is watched."""

    def use(self) -> None:
        """A use."""


class Shelf:
    """A class whose attribute all its subclasses share."""

    things: ClassVar[list[Made]] = []


class Bookshelf(Shelf):
    """Through it a view reaches the attribute of the other."""


class Admin:
    """Serves one model, as Django's admin has it."""

    request: HttpRequest


REGISTRY = {Dish: Admin(), Category: Admin()}


def singleton(request: HttpRequest) -> HttpResponse:
    """Builds the one there is at its first use."""
    global SINGLETON
    with BUILDING:
        SINGLETON = SINGLETON or Made()
    SINGLETON.use()
    return HttpResponse()


def pool(request: HttpRequest) -> HttpResponse:
    """Borrows one of two from a pool, which is filled at its first use."""
    with BUILDING:
        if not POOL.unfinished_tasks:
            POOL.put(Made())
            POOL.put(Made())
    lent = POOL.get()
    lent.use()
    POOL.put(lent)
    return HttpResponse()


def own_of_thread(request: HttpRequest) -> HttpResponse:
    """Builds what each thread has once, at its first use."""
    if not hasattr(LOCAL, "own"):
        LOCAL.own = Made()
    LOCAL.own.use()
    return HttpResponse()


def memo(request: HttpRequest, name: str) -> HttpResponse:
    """Fills the entry of its page, if that is missing."""
    if name not in MEMO:
        MEMO[name] = Made()
    return HttpResponse()


def newest_of_thread(request: HttpRequest) -> HttpResponse:
    """Replaces what the request before has left for this thread."""
    LOCAL.newest = Made()
    return HttpResponse()


def newest(request: HttpRequest) -> HttpResponse:
    """Replaces what the request before has left in the module."""
    global NEWEST
    NEWEST = Made()
    return HttpResponse()


def in_context(request: HttpRequest) -> HttpResponse:
    """Sets a context variable, and leaves it set."""
    CONTEXT.set(Made())
    return HttpResponse()


def imports(request: HttpRequest) -> HttpResponse:
    """Imports a module that builds something."""
    import_module("tests.facts.imported_late")
    return HttpResponse()


def let_go(request: HttpRequest) -> HttpResponse:
    """Empties the buffer."""
    BUFFER.clear()
    return HttpResponse()


def buffer(request: HttpRequest) -> HttpResponse:
    """Puts one into the buffer."""
    BUFFER.append(Made())
    return HttpResponse()


def shelf(request: HttpRequest) -> HttpResponse:
    """Puts one on the shelf."""
    Bookshelf.things.append(Made())
    return HttpResponse()


def admin(request: HttpRequest) -> HttpResponse:
    """Keeps the request on the object that serves a model."""
    REGISTRY[Dish].request = request
    return HttpResponse()


def caught(request: HttpRequest) -> HttpResponse:
    """Keeps an exception, and with its traceback the variables of this function."""
    response = HttpResponse()
    try:
        raise LookupError
    except LookupError as error:
        ERRORS.append(error)
    return response


def unfinished(request: HttpRequest) -> HttpResponse:
    """Keeps a generator that has begun."""

    def steps(made: Made) -> Iterator[None]:
        yield
        made.use()

    UNFINISHED.append(steps(Made()))
    next(UNFINISHED[-1])
    return HttpResponse()


def empty() -> None:
    """Empties all places."""
    global SINGLETON, NEWEST
    SINGLETON = NEWEST = None
    vars(LOCAL).clear()
    CONTEXT.set(None)  # type: ignore[arg-type]
    while not POOL.empty():
        POOL.get()
    POOL.unfinished_tasks = 0
    for place in (BUFFER, MEMO, ERRORS, UNFINISHED, Shelf.things):
        place.clear()  # type: ignore[attr-defined]
    for each in REGISTRY.values():
        vars(each).clear()
    package: Any = sys.modules[__package__]
    sys.modules.pop("tests.facts.imported_late", None)
    vars(package).pop("imported_late", None)
