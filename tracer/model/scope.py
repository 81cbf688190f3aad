"""Decides how long an object lives, from recorded facts alone: who holds it, and what became of it.

`decide` never sees the name of a class, a module or a package. Its rules, in order:

1. A resource that was still open when its own request had closed: **connection**. Its owner ends
   it: the DatabaseWrapper that opened it, or the pool that lends it out.
2. Built outside any request, or inherited from the process that forked this one: **thread** if a
   thread's own storage holds it, else **process** if a request used it or a walk found its holder.
3. Built by code that an import ran, and still there: **process**.
4. Left behind, again and again, in one place: **kept**. See `Spot.is_kept`.
5. Held otherwise: **process** or **thread**, as that which holds it. Whether a later request has
   used it changes the words, and not the scope.
6. Ended with the thread that built it, or in its storage when it ended: **thread**.
7. Dead, used by its own request alone, and never found to be held: **request**.
8. Otherwise **undecided**.

What holds an object is found by a walk through the heap, down from what lives as long as the
process or a thread: see `tracer.heap.walk`. A path is proof: no collection has to confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROCESS: Final = "process"
THREAD: Final = "thread"
CONNECTION: Final = "connection"
REQUEST: Final = "request"
KEPT: Final = "kept"
UNDECIDED: Final = "undecided"

SCOPES: Final = (PROCESS, THREAD, CONNECTION, REQUEST, KEPT, UNDECIDED)
"""Every answer `decide` can give."""

ROOTS: Final[dict[str, str]] = {
    "module": PROCESS,
    "standing": PROCESS,
    "loop": PROCESS,
    "thread": THREAD,
    "context": THREAD,
    "running": THREAD,
    "task": UNDECIDED,
}
"""Where a path can begin, and how long what it leads to lives.

"module": a global of a module; "standing": an object built outside requests that requests use;
"loop": an event loop; "thread": a `threading.local`; "context": the context variables of a thread;
"running": a thread that runs, or a function that it runs; "task": a task of an event loop.
"""

FEWEST: Final = 3
"""Requests that must have left something behind: fewer can be a memo that each of them filled."""
FEWEST_BY_KEY: Final = 2 * FEWEST
"""The same where a key leads to it: a few visitors or languages can each have filled their own."""


@dataclass(slots=True)
class Spot:
    """What requests left in one place: of the pages that did so at least `FEWEST` times.

    A place is a path with its items left open, such as `cafe.views.RECENT[*]`, the thread whose
    storage it is if it is one's, and the class of what lies there.
    """

    keyed: bool = False
    """Keys lead to several objects there: they can be the entries of a memo."""
    requests: int = 0
    """For these pages, up to the last walk."""
    left: int = 0
    """Requests of these that left an object there which outlived them: it is there at the last walk
    and no request has used it since, or a later request has put another in its stead."""
    lately: bool = False
    """One of the last third of the requests left one."""
    walks: int = 0
    """Walks that came after another request for these pages than the walk before."""
    found: int = 0
    """Walks of these that found the object of the newest such request there."""
    found_lately: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether requests leave objects here as a rule: by their count, or by the walks'."""
        fewest = FEWEST_BY_KEY if self.keyed else FEWEST
        return (self.left >= fewest and 2 * self.left >= self.requests and self.lately) or (
            self.found >= fewest and 2 * self.found >= self.walks and self.found_lately
        )


@dataclass(slots=True)
class Facts:
    """What is known of one object when its scope is decided.

    Not frozen: making a frozen one takes longer than deciding, and a picture decides a thousand.
    """

    in_request: bool
    """Born while a request of this process was in flight."""
    used: bool = False
    """A request used it; if it was born in one, another than that."""
    dead: bool = False
    resource: bool = False
    """An owner ends it."""
    outlived: bool = False
    """Alive, or open, when its own request had closed."""
    by_import: bool = False
    """Code that an import ran has built it."""
    root: str = ""
    """Where the path begins on which a walk found it last, as in `ROOTS`; empty if none did."""
    kept: bool = False
    """Its place is kept (`Spot.is_kept`), or it hangs by attributes on an object there."""
    with_thread: bool = False
    """Its birth thread let it go as it ended, or had it in its storage then."""


def decide(facts: Facts) -> str:
    """Returns one of `SCOPES`."""
    if facts.resource and facts.outlived:
        return CONNECTION
    held = ROOTS.get(facts.root, UNDECIDED)
    if not facts.in_request:
        return held if held == THREAD or not facts.used else PROCESS
    if facts.by_import and not facts.dead:
        return PROCESS
    if facts.kept:
        return KEPT
    if held != UNDECIDED:
        return held
    if facts.with_thread:
        return THREAD
    return REQUEST if facts.dead and not facts.used else UNDECIDED
