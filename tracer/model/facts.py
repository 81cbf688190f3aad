"""The facts: what was recorded of a process, without anything that is concluded from it.

A process's story is a sequence of facts. Recording produces them, the journal stores one a line,
and `tracer.model.history.History` makes a `Process` of them.

Units: every `at`, `begun` and `closed` is in nanoseconds of the process's monotonic clock
(`time.perf_counter_ns`); `started` values are seconds since the epoch. Tokens are the tracer's own
numbers for objects and threads; they are never reused within a process or its forks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tracer.model.recorded import RecordedRequests


@dataclass(slots=True)
class Birth:
    """The birth of an object, or (`phase` "before") an object found when tracing began."""

    token: int
    kind: str
    """Label of its probe, such as "middleware", "template" or "watched"; not a scope."""
    cls: str
    """Dotted path of the object's class."""
    name: str
    """What a person would call it, such as "SecurityMiddleware" or "Template cafe/menu.html"."""
    at: int
    """When it was born; if in a request, when that request began. Tokens give the order."""
    thread: int
    phase: str = "request"
    """"before" tracing, at "boot" (outside any request), inside a "request", or "inherited": built
    by the parent process and received through a fork."""
    owner: int | None = None
    """Token of the object that ends this one, such as a pool; None unless it is a resource."""
    mortal: bool = True
    """False when its death cannot be seen, because it supports no weak reference."""


class Span(NamedTuple):
    """One stage of one request. Times are nanoseconds since the request began."""

    stage: str
    name: str
    parent: int | None
    """Index of the enclosing span in `Request.spans`; None for the outermost."""
    start: int
    end: int
    object: int | None = None
    """Token of the object that took part, if that is a watched one."""
    thread: int = 0
    detail: str = ""
    """A few words for people, such as "20 rows", "hit" or "4 receivers"."""
    error: str = ""
    """Name of the exception that left this stage; empty if none did."""


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """The start of tracing in a process, or in a forked child."""

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
    """Name of the root URLconf's module; empty if not known."""
    application: str = ""
    """Name of the settings module; it distinguishes two applications in one process."""
    forked: bool = False
    """True in a child that was forked while its parent was traced."""

    def moment(self, at: int) -> float:
        """Returns the time at which its clock showed `at`, in seconds since the epoch."""
        return self.started + (at - self.begun) / 1e9


@dataclass(frozen=True, slots=True)
class Built:
    """Objects born outside any request, or found when tracing began."""

    births: tuple[Birth, ...]


class Died(NamedTuple):
    """An object's death. `how`: "reference" (count fell to zero), "collector" or "closed"."""

    token: int
    at: int
    how: str


@dataclass(frozen=True, slots=True)
class Barrier:
    """A full collection, from `begun` to `at`. What it left alive does not merely wait for one."""

    at: int
    by: str
    """Who ran it: "collector" or "tracer"."""
    begun: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What holds an object, as a walk through the heap found it."""

    token: int
    path: str
    """The shortest from a root, as Python writes it, such as `cafe.views.RECENT[0]`."""
    spot: str = ""
    """The path with each item `[i]` written `[*]`: the same for all objects in one list."""
    root: str = "module"
    """Where the path begins: see `tracer.model.scope.ROOTS`."""
    thread: int = 0
    """Whose thread-local holds it, where that is proven; else 0."""
    storage: int = 0
    """Tells the storage of one thread from that of another; 0 if no thread-local holds it."""
    keyed: bool = False
    """Whether the last item of the path lies under a key that is data: it may be a memo's."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk through the heap, from `begun` to `ended`. It looked for every object then alive.

    Of an object that is neither here nor `lost` it says what the last walk said.
    """

    begun: int
    ended: int
    found: tuple[Held, ...] = ()
    """Objects that are held, and were not, or in another way, at the walk before."""
    lost: tuple[int, ...] = ()
    """Tokens of living objects that were held at the walk before, and are not any more."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Objects that a later request let go, which built another of their class."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A better name for an object, found after its birth."""

    token: int
    name: str


@dataclass(frozen=True, slots=True)
class ThreadSeen:
    """A thread that was seen for the first time (`ended` False) or has ended (`ended` True)."""

    thread: int
    name: str
    at: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class EndedWithThread:
    """Objects that lay in thread-locals when a thread ended, or that it let go while it ended."""

    thread: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The orderly end of the process."""

    at: int


@dataclass(frozen=True, slots=True)
class SegmentBegan:
    """A segment of the journal begins. What stands before it there repeats who the process is and
    what of its objects lived, for those who have no earlier segment."""

    number: int
    """Of the segment, from 2."""
    newest: int
    """The highest number of a request in earlier segments."""


@dataclass(frozen=True, slots=True)
class Deaths:
    """A batch of deaths, in the order in which they were seen."""

    deaths: tuple[Died, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Imported:
    """One module that was imported, and the nanoseconds that took."""

    name: str
    own: int
    """Without the modules that it imported in turn."""
    total: int


@dataclass(frozen=True, slots=True)
class Boot:
    """How a process booted, so far; a later fact of this type replaces it.

    Known only if the tracer ran from the interpreter's start, as under `tracer run`.
    Covers the time outside requests: what a request imports stands in `Request.imports`.
    """

    begun: int
    """The monotonic clock at the interpreter's start, or as soon after it as Python code ran."""
    spans: tuple[Span, ...] = ()
    """Stages of the boot: start and end count from `begun`, `parent` is an index among these.

    Their clock stands still while the tracer imports itself. Threads are numbered 0, -1, -2, …
    in the order in which they were seen.
    """
    modules: int = 0
    """Number of modules imported so far, without the tracer's own."""
    importing: int = 0
    """Nanoseconds that importing them took."""
    heaviest: tuple[Imported, ...] = ()
    """The modules whose own code took longest, the longest first."""
    watching: int = 0
    """Nanoseconds that importing the tracer took; no other figure contains them."""


Fact = (
    ProcessStarted
    | Boot
    | Built
    | RecordedRequests
    | Deaths
    | Barrier
    | Walk
    | Replaced
    | EndedWithThread
    | Named
    | ThreadSeen
    | SegmentBegan
    | Ended
)
"""Anything a process can report about itself."""
