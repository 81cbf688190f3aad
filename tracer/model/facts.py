"""The facts: what was seen, exactly as it was seen, and nothing that was concluded from it.

A process's story is a sequence of these. Recording produces them, the journal stores them one a
line, and `tracer.model.history.History` folds them into a picture of the process.

Units: every `at`, `begun` and `closed` is in nanoseconds of the process's monotonic clock
(`time.perf_counter_ns`); `started` values are seconds since the epoch. Tokens are the tracer's own
numbers for objects and threads and are never reused within a process or its forks.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Birth:
    """An object came into being, or (`phase` "before") was found when tracing began."""

    token: int
    kind: str
    """Which probe saw it, such as "middleware", "template" or "watched"; a label, never a scope."""
    cls: str
    """Dotted path of the object's class."""
    name: str
    """What a person would call it, such as "SecurityMiddleware" or "Template cafe/menu.html"."""
    at: int
    """Its birth; for one born in a request, when that request began. Tokens give the order."""
    thread: int
    phase: str = "request"
    """"before" tracing, at "boot" (outside any request), inside a "request", or "inherited": built
    by the parent process and received through a fork."""
    owner: int | None = None
    """Token of the object that ends this one, such as a pool; None unless it is a resource."""
    mortal: bool = True
    """False when the object cannot be watched dying (it supports no weak reference)."""


@dataclass(frozen=True, slots=True)
class Span:
    """One stage of one request. Times are nanoseconds since the request began."""

    stage: str
    name: str
    parent: int | None
    """Index of the enclosing span in `Request.spans`; None for the outermost."""
    start: int
    end: int
    object: int | None = None
    """Token of the object that took part, if it is watched."""
    thread: int = 0
    detail: str = ""
    """A few words for people, such as "20 rows", "hit" or "4 receivers"."""
    error: str = ""
    """Name of the exception that left this stage, or empty."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request, complete. Everything born in it and seen in it is listed here."""

    number: int
    """Counts from 1 within its process."""
    method: str
    path: str
    """Path and query string; the query's values are masked unless the settings allow them."""
    status: int | None
    thread: int
    thread_name: str
    ident: int
    """The operating system's identifier of the thread, as the server had it."""
    started: float
    begun: int
    closed: int
    size: int | None
    """Body size in bytes; None where nobody could count it."""
    watching: int
    """Nanoseconds of this request that were the tracer's own."""
    spans: tuple[Span, ...]
    births: tuple[Birth, ...]
    seen: tuple[tuple[int, int], ...]
    """Pairs of (object token, thread token): who was used by this request, on which thread."""
    imports: tuple[str, ...] = ()
    ending: str = "closed"
    """"closed"; "never closed" when the server skipped the response's close(); "no response" when
    an exception left the handler; "cut off" when the process was gone before the request could be
    written: then nothing is known but how it began."""
    uncounted: int = 0
    """Births beyond the limit per request, counted but not watched."""

    @property
    def duration(self) -> int:
        """Nanoseconds from begin to close."""
        return self.closed - self.begun

    @property
    def cut_off(self) -> bool:
        """Whether its process was gone before the request could be written."""
        return self.ending == "cut off"

    def __repr__(self) -> str:
        stages = len(self.spans)
        return f"<Request {self.number}: {self.method} {self.path} {self.status}, {stages} stages>"


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """A process began to trace, or a forked child began to speak for itself."""

    pid: int
    parent: int
    server: str
    mode: str
    python: str
    django: str
    started: float
    begun: int
    """The monotonic clock at `started`."""
    inherited: bool = False
    """True in a forked child whose application was built by its parent."""
    urlconf: str = ""
    """Name of the root URLconf's module; empty where that is not known."""
    application: str = ""
    """Name of the settings module, to tell two applications of one process apart."""
    forked: bool = False
    """True in a child that was forked when the tracer was there already."""


@dataclass(frozen=True, slots=True)
class Built:
    """Objects born outside any request, or found when tracing began."""

    births: tuple[Birth, ...]


@dataclass(frozen=True, slots=True)
class Died:
    """An object's end. `how`: "reference" (count fell to zero), "collector" or "closed"."""

    token: int
    at: int
    how: str
    ident: int
    """The thread that closed it; 0 where that was not recorded, as for deaths."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """A full collection ended with no request in flight; `by` is "collector" or "tracer"."""

    at: int
    by: str


@dataclass(frozen=True, slots=True)
class Held:
    """What was found to hold an object, as a path such as `cafe.views.RECENT[0]`."""

    token: int
    path: str


@dataclass(frozen=True, slots=True)
class Named:
    """A better name for an object, found after its birth."""

    token: int
    name: str


@dataclass(frozen=True, slots=True)
class ThreadSeen:
    """A thread was met for the first time (`ended` False) or is gone (`ended` True)."""

    thread: int
    name: str
    at: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The process ended in an orderly way."""

    at: int


@dataclass(frozen=True, slots=True)
class Deaths:
    """A batch of deaths, in the order in which they were seen."""

    deaths: tuple[Died, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Imported:
    """One module that was imported, with what that took in nanoseconds."""

    name: str
    own: int
    """Its own code, without the modules that it imported in turn."""
    total: int


@dataclass(frozen=True, slots=True)
class Boot:
    """How a process came to be ready to serve, as far as it has come; a later one replaces it.

    Known only where the tracer was there from the interpreter's start, as under `tracer run`.
    Recorded outside requests only: what a request imports stands in `Request.imports`.
    """

    begun: int
    """The monotonic clock at the interpreter's start, as soon as anybody could look."""
    spans: tuple[Span, ...] = ()
    """Stages of the boot: start and end count from `begun`, `parent` is an index among these.

    On a clock that stands still while the tracer imports itself; threads count down from 0, the
    first to be met.
    """
    modules: int = 0
    """Modules imported so far, without the tracer's own."""
    importing: int = 0
    """Nanoseconds that importing them took."""
    heaviest: tuple[Imported, ...] = ()
    """Those whose own code took longest, the longest first."""
    watching: int = 0
    """Nanoseconds that importing the tracer took; in no other figure."""


Fact = (
    ProcessStarted | Boot | Built | Request | Deaths | Barrier | Held | Named | ThreadSeen | Ended
)
"""Anything a process can report about itself."""
