"""One walk down from the roots of Python's heap finds what holds each object in question.

It goes through the heap in chunks and lets others run between them. No code of the objects runs,
and none is held longer than until it is expanded. What is found is the shortest path from the first
kind of root that leads to the object; each of its edges is checked again before it is reported.

    found = Walk({7: weakref.ref(request)}, pause=pause, give_up=give_up).run().found[7].path
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from tracer.heap import inside, kinds, roots
from tracer.heap.chains import Chains
from tracer.heap.frontier import Frontier
from tracer.heap.kinds import Kinds
from tracer.heap.loose import Loose
from tracer.heap.roots import Root
from tracer.heap.spelling import Found, Spelling
from tracer.heap.storages import Storages

References = Mapping[int, Callable[[], object | None]]
"""Tokens of objects to their weak references."""


@dataclass(slots=True)
class Walked:
    """What one walk found."""

    found: dict[int, Found] = field(default_factory=dict)
    """Token to what holds the object."""
    visited: int = 0
    """Objects reached."""
    complete: bool = False
    """False if it was given up. Then it means nothing that an object was not found."""


class Walk:
    """One walk, run once."""

    def __init__(
        self,
        targets: References,
        *,
        pause: Callable[[], None],
        give_up: Callable[[], bool],
        standing: Iterable[Callable[[], object | None]] = (),
        is_open: Callable[[Context], bool] = lambda context: False,
        current: threading.local | None = None,
        own: Iterable[object] = (),
    ) -> None:
        """`pause` is called between chunks, and the walk ends early once `give_up` is true.

        `standing`: weak references to objects that are roots if no module leads to them. `is_open`:
        whether the request to which a context belongs is still open; its task is left out.
        `current`: the tracer's `CurrentThread`. `own`: objects of the tracer's, not to be entered.
        """
        self.targets, self.pause, self.give_up = targets, pause, give_up
        self.standing, self.is_open, self.current = list(standing), is_open, current
        self.types = Kinds()
        self.tokens: dict[int, list[int]] = {}
        for token, ref in targets.items():
            item = ref()
            if item is not None:
                self.tokens.setdefault(id(item), []).append(token)
            del item
        hidden = [vars(module) for module in inside.own_modules()]
        seen = set(map(id, chain(hidden, roots.refuge_of_threads(), own, (self, vars(self)))))
        self.frontier = Frontier(set(self.tokens), self.types.modules, seen, pause, give_up)
        self.loose: Loose | None = None

    def run(self) -> Walked:
        """Walks, and returns what was found."""
        try:
            complete = self._reach()
            chains = Chains(self.frontier)
            visited = sum(map(len, self.frontier.members))
            complete = chains.find(self._roots()) and complete
            spelling = Spelling(
                chains, self.targets, self.tokens, self.types, Storages(self.current)
            )
            tops: dict[int, Root] = {}
            for root in self._roots():
                if id(root.item) in chains.tops:
                    tops.setdefault(id(root.item), root)
            del root
            while tops:
                root = tops.popitem()[1]
                complete = spelling.run(root, self.pause, self.give_up) and complete
            return Walked(spelling.found, visited, complete)
        finally:
            self.frontier.clear()

    def _reach(self) -> bool:
        """Reaches everything, from one kind of root after the other."""
        return all(self.frontier.run() for _ in self._kinds_of_roots())

    def _kinds_of_roots(self) -> Iterator[str]:
        """Adds the roots of each kind, and yields to have followed what they hold."""
        frontier, only = self.frontier, self.types.only
        tracebacks = self.types.tracebacks
        everything = tracebacks.union(self.types.of)
        frontier.later = everything
        frontier.add_roots(_items(roots.modules()), are_held=False)
        yield kinds.MODULE
        self.loose = loose = Loose(self.types, self.pause)
        frontier.later = everything - only(kinds.THREAD)
        self._begin(kinds.THREAD, loose)
        yield kinds.THREAD
        frontier.add_roots(_items(roots.standing(self.standing)), are_held=False)
        yield kinds.STANDING
        # Only what nothing else of these holds is held by an exception that somebody stored.
        frontier.later = everything - tracebacks
        frontier.resume(tracebacks, _never)
        yield kinds.STANDING
        frontier.later = only(kinds.CONTEXT, kinds.TASK)
        frontier.resume(only(kinds.RUNNING), roots.is_own_thread)
        frontier.add_roots(_items(roots.threads()))
        self._begin(kinds.LOOP, loose)
        yield kinds.LOOP
        frontier.later = only(kinds.TASK)
        self._begin(kinds.CONTEXT, loose)
        yield kinds.CONTEXT
        frontier.later = frozenset()
        frontier.resume(only(kinds.TASK), self._is_busy)
        yield kinds.TASK
        frontier.add_roots(_items(roots.variables()))
        yield kinds.RUNNING

    def _begin(self, kind: str, loose: Loose) -> None:
        """Adds what was put off and is of this kind, then what Python itself holds of it."""
        types = self.types.only(kind)
        self.frontier.resume(types, _never)
        known = self.frontier.seen
        if kind == kinds.CONTEXT:
            known = known | self._contexts_of_tasks()
        self.frontier.add_roots(loose.look(types, known, self.pause))

    def _contexts_of_tasks(self) -> set[int]:
        """Returns the addresses of the contexts of tasks that were put off."""
        return {
            id(held)
            for ref, _, _ in self.frontier.put_off.values()
            for held in gc.get_referents(ref())
            if type(held) is Context
        }

    def _is_busy(self, task: Any) -> bool:
        """Returns whether the task works for a request that is still open."""
        contexts = [held for held in gc.get_referents(task) if type(held) is Context]
        return any(map(self.is_open, contexts))

    def _roots(self) -> Iterator[Root]:
        """Yields all roots once more, as they are now."""
        yield from roots.modules()
        yield from self._loose(kinds.THREAD)
        yield from roots.standing(self.standing)
        yield from roots.threads()
        yield from self._loose(kinds.LOOP)
        yield from self._loose(kinds.CONTEXT)
        yield from roots.variables()

    def _loose(self, kind: str) -> Iterator[Root]:
        if self.loose is not None:
            for item in self.loose.living(self.types.only(kind)):
                yield Root(f"{kind} {inside.dotted_name(type(item))}", item, kind)


def _items(found: Iterable[Root]) -> Iterator[Any]:
    return (root.item for root in found)


def _never(_item: Any) -> bool:
    return False
