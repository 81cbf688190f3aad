"""Decides how long an object lives, from recorded facts alone.

`decide` never sees a class name. Its rules, in order:

1. Built outside any request, or inherited from the process that forked this one, and used since:
   **process**.
2. Dead before the first barrier after its request closed, and seen in that request alone:
   **request**.
3. A resource, ended by its owner, that was open in more than one request: **connection**. The
   owner is who ends it: the DatabaseWrapper that opened it, or the pool that lends it out.
4. Survived a barrier and seen again in later requests, on more than one thread or on the only
   thread there is: **process**, built on first use.
5. Survived a barrier and seen again only on its birth thread while other threads served
   requests: **thread**.
6. Survived a barrier and not seen in any later request: **kept**. If later requests used others
   of its class that were born in the same request, as the patterns of a URLconf are, a later
   request may still use it: then it is undecided.
7. Otherwise **undecided**.

A *barrier* is a full garbage collection that ended with no request in flight: what survives it is
held by something.
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


@dataclass(slots=True)
class Facts:
    """What is known of one object when its scope is decided.

    Not frozen: making a frozen one takes longer than deciding, and a picture decides a thousand.

    Requests are counted: `requests` is how many used the object at all, `later` how
    many of those were not the request it was born in.
    """

    in_request: bool
    """Born while a request of this process was in flight."""
    requests: int
    later: int
    threads: int
    """Threads on which requests used it."""
    elsewhere: bool
    """Used on a thread other than its birth thread."""
    others_served: bool
    """Other threads than its birth thread have served requests since its birth."""
    survived: bool
    """Alive at, and after, a barrier that came after its request had closed."""
    dead: bool
    resource: bool
    """An owner ends it."""
    outlived: bool = False
    """Still alive, or still open, when its own request had closed and a later one had begun."""
    thread_ended: bool = False
    """Died after its birth thread had ended."""
    kin_used: bool = False
    """Others of its class, born in the same request, were used by later ones."""


def decide(facts: Facts) -> str:
    """Returns one of `SCOPES`."""
    if facts.resource and facts.outlived:
        return CONNECTION
    if not facts.in_request:
        return _built_outside(facts)
    if facts.dead and not facts.survived and not facts.later:
        return REQUEST
    if facts.later:
        return _used_again(facts)
    return KEPT if facts.survived and not facts.kin_used else UNDECIDED


def _built_outside(facts: Facts) -> str:
    """Applies rule 1."""
    return PROCESS if facts.requests else UNDECIDED


def _used_again(facts: Facts) -> str:
    """Applies rules 4 and 5, for an object born in a request and used by later ones."""
    if facts.dead and facts.thread_ended:
        return THREAD
    if not facts.survived:
        return UNDECIDED
    if facts.elsewhere or facts.threads > 1:
        return PROCESS
    return THREAD if facts.others_served else PROCESS
