"""The objects that are meant to last: built once, and used again by later requests."""

from __future__ import annotations

from tests.fates.fate import KEPT, PROCESS, REQUEST, THREAD, fate


class Lasting:
    """What a request builds for later ones."""

    def use(self) -> None:
        """Is called by each request that uses it."""


@fate(PROCESS, "lasting.SINGLETON")
class Singleton(Lasting):
    """Built by the first request for its page. A module global holds it from then on."""


@fate(PROCESS, "lasting.SHARED")
class SharedSingleton(Lasting):
    """As the singleton, and two pages use it."""


@fate(PROCESS, "lasting.RARE")
class RareSingleton(Lasting):
    """As the singleton, and each fifth request for its page uses it."""


@fate(PROCESS, "lasting.POOL")
class Pooled(Lasting):
    """Three are built by the first request. They lie in a `queue.Queue`, a global; each request
    takes one out and puts it back."""


@fate(PROCESS)
class LruResult(Lasting):
    """What a function with `functools.lru_cache` returned: its cache holds it, under one key."""


@fate(PROCESS)
class CacheResult(Lasting):
    """What a function with `functools.cache` and no arguments returned."""


@fate(PROCESS, "lasting.Prices.memo")
class ClassMemo(Lasting):
    """A class attribute holds it, from the first request on."""


@fate(PROCESS, "lasting.BY_PAGE[")
class PageMemo(Lasting):
    """Two pages have one each. A dict, a module global, holds both, by the page's path."""


@fate(PROCESS, "closure_memo")
class ClosureMemo(Lasting):
    """A list holds it, which only the closure of a view can reach."""


@fate(PROCESS, "default_memo")
class DefaultMemo(Lasting):
    """A list holds it, the default argument of a view, filled once."""


@fate(PROCESS, "lasting.STRONG")
class WeakValue(Lasting):
    """A module global holds it. Requests find it in a `WeakValueDictionary`."""


@fate(PROCESS, "late_module.MADE")
class MadeByImport(Lasting):
    """Built by the import of a module, in the first request for its page. A global of that module
    holds it; no request uses it."""


@fate(PROCESS, "lasting.CONFIGURATION", let_go=PROCESS)
class Configuration(Lasting):
    """A module global holds it, and every request for its page uses it, until the third of them
    loads it anew. It is meant for all requests, so the process's."""


@fate(PROCESS)
class AtExit(Lasting):
    """Built by the first request, which registers a method of it with `atexit`; used by no other.
    `atexit` holds it until the process ends."""


@fate(PROCESS, ".helper")
class Helper(Lasting):
    """Built in a middleware's `__init__`. The middleware holds it, and every request uses it."""


@fate(THREAD, "lasting.LOCAL")
class ThreadOnce(Lasting):
    """An attribute of a `threading.local`: built by the first request for its page on a thread,
    used by all others there."""


@fate(THREAD, "lasting.CONTEXT", asgi=(REQUEST,))
class ContextOnce(Lasting):
    """A context variable holds it: built where that is not set. The threads of a WSGI server have
    one context each, which lasts as they do. Under ASGI each request has one of its own."""


@fate(KEPT, let_go=REQUEST, in_a_variable=True)
class InVariable(Lasting):
    """Each request hands one to a thread that runs all the time. A variable of the function that it
    runs is all that holds it, until the next request hands over another."""
