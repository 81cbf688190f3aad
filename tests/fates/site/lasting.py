"""Pages that build something once, and use it again."""

from __future__ import annotations

import atexit
import functools
import itertools
import queue
import threading
from collections.abc import Callable
from contextvars import Context, ContextVar
from importlib import import_module
from typing import ClassVar
from weakref import WeakValueDictionary

from django.http import HttpRequest, HttpResponse

from tests.fates.lasting import (
    AtExit,
    CacheResult,
    ClassMemo,
    ClosureMemo,
    Configuration,
    ContextOnce,
    DefaultMemo,
    InVariable,
    LruResult,
    PageMemo,
    Pooled,
    RareSingleton,
    SharedSingleton,
    Singleton,
    ThreadOnce,
    WeakValue,
)
from tests.fates.site.answer import answer

View = Callable[[HttpRequest], HttpResponse]

BUILDING = threading.RLock()
"""Held while something is built that there may be once: none loses a race."""
SINGLETON: Singleton | None = None
SHARED: SharedSingleton | None = None
RARE: RareSingleton | None = None
CONFIGURATION: Configuration | None = None
STRONG: WeakValue | None = None
AT_EXIT = 0
POOL: queue.Queue[Pooled] = queue.Queue()
BY_PAGE: dict[str, PageMemo] = {}
WEAK: WeakValueDictionary[str, WeakValue] = WeakValueDictionary()
LOCAL = threading.local()
CONTEXT: ContextVar[ContextOnce] = ContextVar("once")
HANDED: queue.Queue[InVariable] = queue.Queue()
RARELY = itertools.count()
LOADS = itertools.count()


def singleton(request: HttpRequest) -> HttpResponse:
    """Builds the singleton unless it is there."""
    global SINGLETON
    with BUILDING:
        SINGLETON = SINGLETON or Singleton()
    return answer(SINGLETON)


def shared_singleton(request: HttpRequest) -> HttpResponse:
    """Builds the singleton of two pages unless it is there."""
    global SHARED
    with BUILDING:
        SHARED = SHARED or SharedSingleton()
    return answer(SHARED)


def rare_singleton(request: HttpRequest) -> HttpResponse:
    """Uses its singleton in each fifth request."""
    global RARE
    if next(RARELY) % 5:
        return answer()
    with BUILDING:
        RARE = RARE or RareSingleton()
    return answer(RARE)


def pool(request: HttpRequest) -> HttpResponse:
    """Takes one out of the pool, and puts it back."""
    with BUILDING:
        if POOL.unfinished_tasks == 0:
            for _ in range(3):
                POOL.put(Pooled())
    lent = POOL.get()
    try:
        return answer(lent)
    finally:
        POOL.put(lent)


@functools.lru_cache
def _price(_: str) -> LruResult:
    return LruResult()


@functools.cache
def _rate() -> CacheResult:
    return CacheResult()


def functools_caches(request: HttpRequest) -> HttpResponse:
    """Calls two functions that remember what they returned."""
    with BUILDING:
        found = _price("tea"), _rate()
    return answer(*found)


class Prices:
    """Has a memo for all of its kind."""

    memo: ClassVar[ClassMemo | None] = None


def class_memo(request: HttpRequest) -> HttpResponse:
    """Fills a class's memo unless it is filled."""
    with BUILDING:
        Prices.memo = Prices.memo or ClassMemo()
    return answer(Prices.memo)


def page_memo(request: HttpRequest) -> HttpResponse:
    """Fills the memo of the page that is asked for."""
    with BUILDING:
        if request.path not in BY_PAGE:
            BY_PAGE[request.path] = PageMemo()
    return answer(BY_PAGE[request.path])


def _with_memo() -> View:
    memo: list[ClosureMemo] = []

    def closure_memo(request: HttpRequest) -> HttpResponse:
        with BUILDING:
            if not memo:
                memo.append(ClosureMemo())
        return answer(*memo)

    return closure_memo


closure_memo = _with_memo()


def default_memo(request: HttpRequest, memo: list[DefaultMemo] = []) -> HttpResponse:  # noqa: B006
    """Fills its default argument unless it is filled."""
    with BUILDING:
        if not memo:
            memo.append(DefaultMemo())
    return answer(*memo)


def weak_value(request: HttpRequest) -> HttpResponse:
    """Finds in a weak dictionary what a global holds."""
    global STRONG
    with BUILDING:
        if STRONG is None:
            WEAK["value"] = STRONG = WeakValue()
    return answer(WEAK["value"])


def imports(request: HttpRequest) -> HttpResponse:
    """Imports a module that nothing has imported before the first request for this page."""
    import_module("tests.fates.site.late_module")
    return answer()


def configuration(request: HttpRequest) -> HttpResponse:
    """Uses the configuration; each third request loads it anew."""
    global CONFIGURATION
    with BUILDING:
        if next(LOADS) % 3 == 0 or CONFIGURATION is None:
            CONFIGURATION = Configuration()
        return answer(CONFIGURATION)


def at_exit(request: HttpRequest) -> HttpResponse:
    """Registers one object to be called at the end."""
    global AT_EXIT
    with BUILDING:
        if not AT_EXIT:
            AT_EXIT = 1
            atexit.register(AtExit().use)
    return answer()


def thread_once(request: HttpRequest) -> HttpResponse:
    """Builds this thread's own unless it is there."""
    if not hasattr(LOCAL, "own"):
        LOCAL.own = ThreadOnce()
    return answer(LOCAL.own)


def context_once(request: HttpRequest) -> HttpResponse:
    """Sets a context variable unless it is set."""
    if CONTEXT.get(None) is None:
        CONTEXT.set(ContextOnce())
    return answer(CONTEXT.get())


def _hold_the_newest() -> None:
    while True:
        held = HANDED.get()
        held.use()
        HANDED.task_done()


@functools.cache
def _start_holder() -> None:
    thread = threading.Thread(target=_hold_the_newest, name="holder", daemon=True)
    # In a context of its own: it is not the work of the request that happens to start it.
    Context().run(thread.start)


def in_variable(request: HttpRequest) -> HttpResponse:
    """Hands an object to the thread that holds the newest in a variable."""
    with BUILDING:
        _start_holder()
    HANDED.put(InVariable())
    HANDED.join()
    return answer()
