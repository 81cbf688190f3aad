"""Finds kept objects: those that outlived their request by mistake. Caches are left out.

An object's scope is *kept* when a full collection found it alive though no later request has used
it (see `tracer.model.scope`). After a few requests that is also true of what frameworks build on
first use and hold for later, such as resolvers and compiled templates. An object counts as cached,
and not as kept by mistake, if one of these is true; none of them is a list of names:

- later requests have used others of its class, which were also built in a request; or
- Django itself defines the class and holds the object, or a URLconf's `urlpatterns` does, and no
  object of this class and name was ever seen to end with its request; or
- Django's table of template engines holds it, or the cache of one of Django's `lru_cache`
  functions, or it is reached from there by plain attributes; or
- a class holds it whose module this very request had imported, as a view's `queryset`.

Django's cache of function signatures counts as a cache, too: with DEBUG on it keeps the latest 512
receivers that were connected, and those of the test client hold contexts and requests.
Connections are left out: their owner ends them, and their scope is decided in another way.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Lifetime, Process
from tracer.model import scope as scopes

LONG_LIVED: Final = frozenset({scopes.PROCESS, scopes.THREAD, scopes.CONNECTION})

SIGNATURE_CACHE: Final = "django.utils.inspect."
"""Where paths begin that lead through Django's cache of function signatures."""

CACHED: Final = re.compile(
    r"django(\.\w+)+(\.<_lru_cache_wrapper>|\._engines\['…'\])(\.\w+)*",
)
"""Paths of results in an `lru_cache`, and of what template engines hold. The arguments of a cached
function have other paths: they are items of a key."""


@dataclass
class Evidence:
    """How long objects lived that requests built, by their class."""

    scopes: dict[str, set[str]] = field(default_factory=dict)
    """Class to the scopes that objects of it had."""
    ended: dict[str, set[str]] = field(default_factory=dict)
    """Class to the names of its objects that ended with their requests, as far as known."""

    def add(self, process: Process) -> None:
        """Adds the lifetimes of a process."""
        for row in process.ledger:
            if row.first_built is not None:
                self.scopes.setdefault(row.cls, set()).update(row.scopes)
        for life in process.lifetimes:
            if life.built_in is not None and life.scope == scopes.REQUEST:
                self.ended.setdefault(life.cls, set()).add(life.name)

    def is_reused(self, cls: str) -> bool:
        """Whether later requests used any object of this class."""
        return bool(self.scopes.get(cls, set()) & LONG_LIVED)

    def ends_with_request(self, life: Lifetime) -> bool:
        """Whether others of its class and name ended with their requests.

        Names matter for templates: a loader keeps some of them, a request uses up the others.
        """
        if scopes.REQUEST not in self.scopes.get(life.cls, set()):
            return False
        names = self.ended.get(life.cls)
        return not names or life.name in names


def kept_objects(process: Process) -> list[Lifetime]:
    """Returns the objects that outlived their requests by mistake and are still alive."""
    evidence = Evidence()
    evidence.add(process)
    return [life for life in kept_or_cached(process) if not is_cached(life, evidence)]


def kept_or_cached(process: Process) -> list[Lifetime]:
    """Returns the living objects whose scope is kept; without those that an import built."""
    imports = {request.number: request.imports for request in process.requests}
    return [
        life
        for life in process.lifetimes
        if life.scope == scopes.KEPT
        and life.died_at is None
        and not life.resource
        and not built_by_import(life, imports.get(life.built_in or 0, ()))
    ]


def is_cached(life: Lifetime, evidence: Evidence) -> bool:
    """Whether an object is held for later requests, as far as the evidence goes."""
    path = life.held_by or ""
    if evidence.is_reused(life.cls) or path.startswith(SIGNATURE_CACHE):
        return True
    if not life.cls.startswith("django."):
        return False
    if CACHED.fullmatch(path):
        return True
    return (
        path.startswith("django.") or ".urlpatterns[" in path
    ) and not evidence.ends_with_request(life)


def built_by_import(life: Lifetime, imports: Iterable[str]) -> bool:
    """Whether a class of a module among `imports` holds an object: then the import built it."""
    path = life.held_by or ""
    for name in imports:
        if path.startswith(f"{name}."):
            first = path.removeprefix(f"{name}.").partition(".")[0]
            module = sys.modules.get(name)
            if module is not None and isinstance(vars(module).get(first), type):
                return True
    return False
