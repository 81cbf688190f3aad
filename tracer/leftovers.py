"""What requests left behind: kept objects, without those that caches keep on purpose.

An object is *kept* when a full collection found it alive though no later request has used it (see
`tracer.model.scope`). After a few requests that is also true of what frameworks build on first use
and hold for later: resolvers, compiled templates. Three things tell the one from the other, none of
them a name that stands for a lifetime:

- others of its class, built in a request as it was, have been used by later requests; or
- Django itself defines the class and holds the object, or a URLconf's `urlpatterns` does, and no
  object of this class was ever seen to end with its request; or
- a class holds it whose module this very request had imported, as a view's `queryset`.

What Django's memory of function signatures holds is its own affair, too: with DEBUG on it keeps
the latest 512 receivers that were connected, and the test client's hold contexts and requests.
Connections are left out: their end is their owner's to bring about, and theirs is another story.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from tracer.model import Lifetime, Process
from tracer.model import scope as scopes

LASTING = frozenset({scopes.PROCESS, scopes.THREAD, scopes.CONNECTION})

SIGNATURES = "django.utils.inspect."
"""Where paths begin that lead through Django's memory of function signatures."""

Evidence = Mapping[str, Iterable[str]]
"""Class to the scopes that objects of it, built in requests, were seen to have."""


def left_behind(process: Process) -> list[Lifetime]:
    """Return what requests of this process left behind and is alive still."""
    seen = evidence(process)
    return [life for life in candidates(process) if not is_cached(life, seen)]


def candidates(process: Process) -> list[Lifetime]:
    """Return what is kept, alive and no part of an import; some of it may be cached."""
    imports = {request.number: request.imports for request in process.requests}
    return [
        life
        for life in process.lifetimes
        if life.scope == scopes.KEPT
        and life.died_at is None
        and not life.resource
        and not came_with_import(life, imports.get(life.built_in or 0, ()))
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
    path = life.held_by or ""
    if path.startswith(SIGNATURES):
        return True
    held_by_django = path.startswith("django.") or ".urlpatterns[" in path
    return held_by_django and life.cls.startswith("django.") and scopes.REQUEST not in known


def came_with_import(life: Lifetime, imports: Iterable[str]) -> bool:
    """Whether a class of a module among `imports` holds an object: it was built by the import."""
    path = life.held_by or ""
    for name in imports:
        if path.startswith(f"{name}."):
            first = path.removeprefix(f"{name}.").partition(".")[0]
            module = sys.modules.get(name)
            if module is not None and isinstance(vars(module).get(first), type):
                return True
    return False
