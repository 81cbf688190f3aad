"""A process as readers get it: its requests, and the lifetimes of its objects, all frozen.

Made by `tracer.model.history.History.snapshot`; drawn by `tracer.render`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracer.model.facts import Barrier, Boot, ProcessStarted
from tracer.model.requests import Request

MOST_SAID: Final = 160
"""Characters in which a lifetime is described."""


class Lifetime(NamedTuple):
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
    """None while it lives, else "response" (by reference count before a later request began, or
    closed with its own request), "later" (by reference count after that, or outside requests),
    "owner" (closed later than its own request), "collector", "thread" (as its thread ended) or
    "process"."""
    freed_after: int | None
    """Requests of this process that began after its own and before its end; 0: with its own."""
    freed_in: int | None
    """Number of the newest request that had begun when it died."""
    died_at: int | None
    held_by: str | None
    """What holds it, or did when a walk found it last, such as `cafe.views.RECENT[0]`."""
    resource: bool
    """Whether an owner ends it, as a pool ends its connections."""
    mortal: bool
    """False when its death cannot be seen."""
    survived: bool = False
    """Whether a full collection found it alive after its own request."""
    owner: int | None = None
    """Id of the lifetime that ends this one, such as a pool; None unless it is a resource."""
    spot: str = ""
    """`held_by` with its items left open: the same for all that lies in one list."""
    root: str = ""
    """Where that path begins, as in `tracer.model.scope.ROOTS`; empty if no path was found."""
    is_held: bool = False
    """Whether the last walk found it held."""
    held_thread: int = 0
    """Thread whose thread-local holds it, where that is proven; else 0."""
    one_at_a_time: bool = False
    """Whether its place holds one object, which each request replaces."""
    keyed: bool = False
    """Whether a key that is data leads to it, as to the entry of a memo."""
    known: str = ""
    """Why it is accepted that it is kept (`tracer.model.known`); empty if it is not."""
    by_import: str = ""
    """The module whose code built it while it was imported; empty if none did."""
    outlived_by: int = 0
    """Requests that began after its own had closed, and while it was there."""
    earlier: str | None = None
    """While its own is undecided: the scope that most earlier objects of its name turned out to
    have; None if there are none."""

    def __repr__(self) -> str:
        words = [self.scope, f"built in #{self.built_in}" if self.built_in else self.phase]
        words += [f"freed by {self.freed}"] if self.freed else ["alive"]
        words += [f"held by {self.held_by}"] if self.held_by else []
        said = f"{self.name}: {', '.join(words)}"
        # A path may lead through much.
        return f"<Lifetime of {said if len(said) <= MOST_SAID else said[: MOST_SAID - 1] + '…'}>"


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
    """The sum of all that follows."""
    freed_with_response: int = 0
    freed_by_collector: int = 0
    freed_late: int = 0
    """Freed in another way, after the request: by their owner, with a thread, let go by another."""
    waiting: tuple[str, ...] = ()
    """Names of those still alive of which it is not known whether anything holds them."""
    kept: tuple[str, ...] = ()
    """Names of those still alive that requests leave behind as a rule."""
    stayed: tuple[str, ...] = ()
    """Names of those still alive that live for the process, a thread or a connection."""


@dataclass(frozen=True, slots=True, repr=False)
class Process:
    """One process: what it is, the requests it served, and the objects that lived in it."""

    about: ProcessStarted
    requests: Sequence[Request] = ()
    """Oldest first; each is assembled when it is asked for. Of a long run only the newest ones, and
    the first two."""
    served: int = 0
    lifetimes: tuple[Lifetime, ...] = ()
    """In order of birth."""
    ledger: tuple[LedgerRow, ...] = ()
    fates: dict[int, Fate] = field(default_factory=dict)
    """Request number to what became of its objects."""
    barriers: tuple[Barrier, ...] = ()
    walks: int = 0
    """Walks through the heap that looked for what holds the objects."""
    walked_upto: int = 0
    """The newest request that had closed when the last walk began: what later ones built it did not
    look for."""
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
        return self.about.moment(at)

    def __repr__(self) -> str:
        lives = len(self.lifetimes)
        return f"<Process {self.name}: {self.served} requests, {lives} lifetimes>"

    def lifetime(self, token: int | None) -> Lifetime | None:
        """Returns the lifetime with this id, or None."""
        return next((life for life in self.lifetimes if life.id == token), None)
