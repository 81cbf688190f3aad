"""The objects that last as long as their request, or somewhat longer."""

from __future__ import annotations

from tests.fates.fate import REQUEST, fate


class Passing:
    """What a request builds for itself."""

    def use(self) -> None:
        """Is called by the request that built it."""


@fate(REQUEST)
class InView(Passing):
    """A variable of the view holds it until the view returns."""


@fate(REQUEST)
class OnRequest(Passing):
    """An attribute of the request, which nothing keeps."""


@fate(REQUEST)
class OnResponse(Passing):
    """An attribute of the response, which nothing keeps."""


@fate(REQUEST)
class InCycle(Passing):
    """Holds itself, and nothing else does: it waits for the collector."""


@fate(REQUEST)
class OnlyInWeakDict(Passing):
    """Lies in a `WeakValueDictionary`, a global, and nothing else holds it after the view."""


@fate(REQUEST)
class OnlyInWeakSet(Passing):
    """Lies in a `WeakSet`, a global, and nothing else holds it after the view."""


@fate(REQUEST)
class InBody(Passing):
    """A variable of the generator that is the body of a streaming response, and is used up."""


@fate(REQUEST)
class InDroppedGenerator(Passing):
    """A variable of a generator that has begun and never ends; the view drops it."""


@fate(REQUEST)
class InCaughtError(Passing):
    """A variable of a function that failed. The view catches the exception and drops it."""


@fate(REQUEST)
class LetGoByNext(Passing):
    """A list, a module global, holds it until the next request, whatever that asks for: it takes it
    out, and puts no other in its place. So it outlives its request by one."""


@fate(REQUEST)
class HeldForTwo(Passing):
    """As the one before, and the second request after its own lets it go."""


@fate(REQUEST)
class InThread(Passing):
    """An argument of the function that a thread runs, which its request started. The thread ends
    during the third request after, and then nothing holds it."""
