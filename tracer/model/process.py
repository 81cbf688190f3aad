"""A process as readers get it: its requests, and the lifetimes of its objects, all frozen.

Made by `tracer.model.history.History.snapshot`; drawn by `tracer.render`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tracer.model.facts import Barrier, Boot, ProcessStarted, Request


@dataclass(frozen=True, slots=True, repr=False)
class Lifetime:
    """One object's life, with the scope that follows from the facts."""

    id: int
    name: str
    cls: str
    kind: str
    scope: str
    """One of `tracer.model.scope.SCOPES`."""
    phase: str
    """"before" tracing, at "boot", in a "request", or "inherited" through a fork."""
    built_in: int | None
    """Number of the request it was born in; None outside any request."""
    built_at: int
    requests: int
    """How many requests used it."""
    first_request: int | None
    last_request: int | None
    thread: int
    threads: int
    """On how many threads requests used it."""
    freed: str | None
    """None while it lives, else "response" (by reference count when its request was done with it,
    or closed with its own request), "owner" (closed later than that), "collector", "thread" (its
    thread had ended) or "process"."""
    freed_after: int | None
    """Requests of this process that began after its own and before its end; 0: with its own."""
    freed_in: int | None
    """Number of the newest request that had begun when it died."""
    died_at: int | None
    held_by: str | None
    """What holds it, such as `cafe.views.RECENT[0]`, if that was searched for and found."""
    resource: bool
    """Whether an owner ends it, as a pool ends its connections."""
    mortal: bool
    """False when its death cannot be seen."""
    survived: bool = False
    """Whether a full collection found it alive after its own request."""
    owner: int | None = None
    """Id of the lifetime that ends this one, such as a pool; None unless it is a resource."""
    earlier: str | None = None
    """Scope that most earlier objects of this name turned out to have; None if there are none."""

    def __repr__(self) -> str:
        words = [self.scope, f"built in #{self.built_in}" if self.built_in else self.phase]
        words += [f"freed by {self.freed}"] if self.freed else ["alive"]
        words += [f"held by {self.held_by}"] if self.held_by else []
        return f"<Lifetime of {self.name}: {', '.join(words)}>"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """All objects of one class in one process, counted."""

    name: str
    cls: str
    kind: str
    built: int
    alive: int
    scopes: dict[str, int]
    """Scope to number of objects."""
    freed: dict[str, int]
    """How they were freed ("response", "collector", ...) to number of objects."""
    first_phase: str
    """Phase of the first of them, as in `Lifetime.phase`."""
    first_built: int | None
    """Request in which the first of them was built; None outside any request."""
    requests: int
    """Requests that used any of them."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became, so far, of the objects that one request gave birth to."""

    born: int = 0
    freed_with_response: int = 0
    freed_by_collector: int = 0
    waiting: tuple[str, ...] = ()
    """Names of those still alive that no barrier has proven held."""
    kept: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    """Names of those that later requests used: built here on first use."""


@dataclass(frozen=True, slots=True, repr=False)
class Process:
    """One process: what it is, the requests it served, and the objects that lived in it."""

    about: ProcessStarted
    requests: tuple[Request, ...] = ()
    """Oldest first. A live process keeps only its latest ones; a journal has all."""
    served: int = 0
    lifetimes: tuple[Lifetime, ...] = ()
    """In order of birth."""
    ledger: tuple[LedgerRow, ...] = ()
    fates: dict[int, Fate] = field(default_factory=dict)
    """Request number to what became of its objects."""
    barriers: tuple[Barrier, ...] = ()
    threads: dict[int, str] = field(default_factory=dict)
    """Thread token to name, for every thread seen."""
    ended: bool = False
    """Whether the process ended in an orderly way."""
    boot: Boot | None = None
    """How it booted; None if the tracer started later."""
    heard: int = 0
    """The process's clock at its newest fact; at its end, if that is known."""
    alive: bool | None = None
    """Whether the process is running, as seen from outside; None if not checked or not known."""
    letter: str = ""
    """Distinguishes it from others of the same pid; empty if there are none."""

    @property
    def name(self) -> str:
        """Its pid, with a letter if several processes have that pid."""
        return f"{self.about.pid}{self.letter}"

    def moment(self, at: int) -> float:
        """Returns the time at which its clock showed `at`, in seconds since the epoch."""
        return self.about.started + (at - self.about.begun) / 1e9

    def __repr__(self) -> str:
        lives = len(self.lifetimes)
        return f"<Process {self.name}: {self.served} requests, {lives} lifetimes>"

    def lifetime(self, token: int | None) -> Lifetime | None:
        """Returns the lifetime with this id, or None."""
        return next((life for life in self.lifetimes if life.id == token), None)
