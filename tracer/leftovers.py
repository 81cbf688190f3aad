"""What requests left behind: kept objects, without those that caches keep on purpose.

An object is *kept* when a full collection found it alive though no later request has used it (see
`tracer.model.scope`). After a few requests that is also true of what frameworks build on first use
and hold for later: resolvers, compiled templates. Two things tell the one from the other, and
neither is a name:

- others of its class, built in a request as it was, have been used by later requests; or
- Django itself defines the class and holds the object, and no object of this class was ever seen
  to end with its request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tracer.model import Lifetime, Process
from tracer.model import scope as scopes

LASTING = frozenset({scopes.PROCESS, scopes.THREAD, scopes.CONNECTION})

Evidence = Mapping[str, Iterable[str]]
"""Class to the scopes that objects of it were seen to have."""


def left_behind(process: Process) -> list[Lifetime]:
    """Return what requests of this process left behind and is alive still."""
    seen = evidence(process)
    return [
        life
        for life in process.lifetimes
        if life.scope == scopes.KEPT and life.died_at is None and not is_cached(life, seen)
    ]


def evidence(process: Process) -> dict[str, set[str]]:
    """Return how objects of each class that were built in requests have lived."""
    seen: dict[str, set[str]] = {}
    for row in process.ledger:
        if row.first_built is not None:
            seen.setdefault(row.cls, set()).update(row.scopes)
    return seen


def is_cached(life: Lifetime, seen: Evidence) -> bool:
    """Whether what keeps an object keeps it for later, as far as anything tells."""
    known = set(seen.get(life.cls, ()))
    if known & LASTING:
        return True
    held_by_django = (life.held_by or "").startswith("django.")
    return held_by_django and life.cls.startswith("django.") and scopes.REQUEST not in known
