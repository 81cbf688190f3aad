"""The objects that requests leave behind: nothing uses them again, and something holds them."""

from __future__ import annotations

from tests.fates.fate import KEPT, REQUEST, THREAD, fate


class Left:
    """What a request builds and leaves behind."""

    def use(self) -> None:
        """Is called by the request that built it."""


@fate(KEPT, "left_behind.PILE[")
class Piled(Left):
    """A list, a module global, holds it; each request for its page adds one."""


@fate(KEPT, "left_behind.OFTEN[")
class PiledOften(Left):
    """A list, a module global; of five requests for its page, three add one."""


@fate(KEPT, ".seen[")
class PiledByMiddleware(Left):
    """A list that a middleware has as an attribute; each request for any page adds one."""


@fate(KEPT, "left_behind.COUNTED[")
class Counted(Left):
    """A dict, a module global, with a new number as key for each."""


@fate(KEPT, "left_behind.Ledger.entries[")
class OnClass(Left):
    """A list that is a class's attribute."""


@fate(KEPT, "closure_pile")
class InClosure(Left):
    """A list that only the closure of a view can reach."""


@fate(KEPT, "default_pile")
class InDefault(Left):
    """A list that is a default argument of a view."""


@fate(KEPT)
class ByRequest(Left):
    """What a function with `functools.lru_cache` returned for a request: the request is the key."""


@fate(KEPT, "buffer[")
class Logged(Left):
    """An argument of a log record, which the buffer of a handler holds."""


@fate(KEPT, "left_behind.TASKS")
class OfTask(Left):
    """The result of an `asyncio.Task`; a set, a module global, holds the task."""


@fate(KEPT, "_registry")
class ToFinalize(Left):
    """An argument of a `weakref.finalize` on an object that never dies."""


@fate(KEPT, "left_behind.ERRORS[")
class OfError(Left):
    """A variable of a function that failed. A list, a module global, holds the exception."""


@fate(KEPT, "left_behind.UNFINISHED[")
class OfGenerator(Left):
    """A variable of a generator that has begun and never ends. A list, a global, holds that."""


@fate(KEPT, "receivers[")
class Receiver(Left):
    """Its method is a receiver of a signal, connected without a weak reference by each request."""

    def heard(self, **named: object) -> None:
        """Hears the signal."""


@fate(KEPT, "left_behind.RING[", let_go=REQUEST)
class InRing(Left):
    """A `deque` that holds five, a global: the fifth request after its own pushes it out."""


@fate(KEPT, "left_behind.LAST", let_go=REQUEST)
class LastInGlobal(Left):
    """A module global holds it, until the next request for its page puts its own there."""


@fate(KEPT, ".request", let_go=REQUEST)
class OfMiddlewaresRequest(Left):
    """An attribute of the request; a middleware keeps the last request for its page."""


@fate(KEPT, "left_behind.REQUESTS[")
class OfKeptRequest(Left):
    """An attribute of the request; a list, a module global, holds the requests for its page."""


@fate(
    KEPT,
    "left_behind.CONTEXT",
    let_go=REQUEST,
    on_its_thread=True,
    own_thread=THREAD,
    asgi=(REQUEST,),
)
class LeftInContext(Left):
    """A context variable that each request sets and none resets: the thread's context holds it,
    until the next request for its page on this thread. Under ASGI the context is the request's."""


@fate(
    KEPT, "left_behind.LOCAL", let_go=REQUEST, on_its_thread=True, own_thread=THREAD, asgi=(THREAD,)
)
class LeftInThread(Left):
    """An attribute of a `threading.local` that each request for its page sets anew."""
