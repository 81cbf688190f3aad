"""What requests left behind: kept objects, without those that caches keep on purpose.

An object is *kept* when a full collection found it alive though no later request has used it (see
`tracer.model.scope`). After a few requests that is also true of what frameworks build on first use
and hold for later: resolvers, compiled templates. Four things tell the one from the other, none of
them a name that stands for a lifetime:

- others of its class, built in a request as it was, have been used by later requests; or
- Django itself defines the class and holds the object, or a URLconf's `urlpatterns` does, and no
  object of this class and name was ever seen to end with its request; or
- Django's table of template engines has it, or a function of Django's that remembers what it
  returned, or it hangs on that by plain attributes; or
- a class holds it whose module this very request had imported, as a view's `queryset`.

What Django's memory of function signatures holds is its own affair, too: with DEBUG on it keeps
the latest 512 receivers that were connected, and the test client's hold contexts and requests.
Connections are left out: their end is their owner's to bring about, and theirs is another story.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Lifetime, Process
from tracer.model import scope as scopes

LASTING = frozenset({scopes.PROCESS, scopes.THREAD, scopes.CONNECTION})

SIGNATURES = "django.utils.inspect."
"""Where paths begin that lead through Django's memory of function signatures."""

REMEMBERED: Final = re.compile(
    r"django(\.\w+)+(\.<_lru_cache_wrapper>|\._engines\['…'\])(\.\w+)*",
)
"""Such paths; the arguments of a function that remembers would be items of a key."""


@dataclass
class Evidence:
    """How objects that requests built have lived."""

    scopes: dict[str, set[str]] = field(default_factory=dict)
    """Class to the scopes that objects of it had."""
    ended: dict[str, set[str]] = field(default_factory=dict)
    """Class to the names of those that ended with their requests, as far as they are known."""

    def learn(self, process: Process) -> None:
        """Take in what is known of a process."""
        for row in process.ledger:
            if row.first_built is not None:
                self.scopes.setdefault(row.cls, set()).update(row.scopes)
        for life in process.lifetimes:
            if life.built_in is not None and life.scope == scopes.REQUEST:
                self.ended.setdefault(life.cls, set()).add(life.name)

    def lasts(self, cls: str) -> bool:
        """Whether any of this class was used by later requests."""
        return bool(self.scopes.get(cls, set()) & LASTING)

    def ends(self, life: Lifetime) -> bool:
        """Whether others of its class and name ended with their requests.

        Templates are of one class, whether a loader keeps them or a request uses them up.
        """
        if scopes.REQUEST not in self.scopes.get(life.cls, set()):
            return False
        names = self.ended.get(life.cls)
        return not names or life.name in names


def left_behind(process: Process) -> list[Lifetime]:
    """Return what requests of this process left behind and is alive still."""
    seen = Evidence()
    seen.learn(process)
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


def is_cached(life: Lifetime, seen: Evidence) -> bool:
    """Whether what keeps an object keeps it for later, as far as anything tells."""
    path = life.held_by or ""
    if seen.lasts(life.cls) or path.startswith(SIGNATURES):
        return True
    if not life.cls.startswith("django."):
        return False
    if REMEMBERED.fullmatch(path):
        return True
    return (path.startswith("django.") or ".urlpatterns[" in path) and not seen.ends(life)


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
