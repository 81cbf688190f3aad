"""Real chains of objects, found by walking a part of the way again.

Only what may lie on the way to a target is expanded once more, and an object is held only until
then. So every edge of a chain is one that is still there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.heap import inside
from tracer.heap.frontier import CHUNK, NO_PARENT, Frontier
from tracer.heap.roots import Root


class Chains:
    """The tree of the addresses that lead from roots to targets."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.parent: dict[int, int] = {}
        """The address of an object to that of the object that holds it."""
        self.children: dict[int, set[int]] = {}
        """The same the other way round, for the chains that end at a target."""
        self.tops: set[int] = set()
        """The addresses of the roots that lead to a target."""

    def find(self, roots: Iterable[Root]) -> bool:
        """Finds the chains. Returns False if it was given up."""
        leads = self._chunks_that_lead_to_targets()
        chunk_of = {
            address: index for index in leads for address in self.frontier.members[index]
        } | self.frontier.found_at
        complete = self._descend(leads, chunk_of, roots)
        self._make_tree()
        return complete

    def _chunks_that_lead_to_targets(self) -> dict[int, None]:
        """Returns the numbers of these chunks, lowest first."""
        leads: set[int] = set()
        for chunk in set(self.frontier.found_at.values()):
            parent = self.frontier.parents[chunk]
            while parent != NO_PARENT and parent not in leads:
                leads.add(parent)
                parent = self.frontier.parents[parent]
        return dict.fromkeys(sorted(leads))

    def _descend(
        self, leads: dict[int, None], chunk_of: dict[int, int], roots: Iterable[Root]
    ) -> bool:
        """Notes the parent of everything in these chunks."""
        wanted = set(chunk_of)
        waiting: dict[int, list[Any]] = {}
        for root in roots:
            address = id(root.item)
            chunk = chunk_of.get(address, -1)
            if address in wanted and self.frontier.parents[chunk] == NO_PARENT:
                wanted.discard(address)
                waiting.setdefault(chunk, []).append(root.item)
            del root
        expanded = 0
        for index in leads:
            for item in waiting.pop(index, ()):
                for address, child in _children(item, wanted):
                    chunk = chunk_of[address]
                    if chunk > index:
                        self.parent[address] = id(item)
                        wanted.discard(address)
                        if chunk in leads:
                            waiting.setdefault(chunk, []).append(child)
                child = None
                expanded += 1
                if not expanded % CHUNK:
                    self.frontier.pause()
                    if self.frontier.give_up():
                        return False
            item = None
        return True

    def _make_tree(self) -> None:
        for target in self.frontier.found_at:
            address = target
            while address in self.parent:
                parent = self.parent[address]
                is_new = parent not in self.children
                self.children.setdefault(parent, set()).add(address)
                if not is_new:
                    break
                address = parent
            else:
                self.tops.add(address)


def _children(item: Any, wanted: set[int]) -> list[tuple[int, Any]]:
    """Returns those of the object's referents whose addresses are wanted."""
    referents = inside.referents(item)
    hits = wanted.intersection(map(id, referents))
    if not hits:
        return []
    found = dict(zip(map(id, referents), referents, strict=True))
    return [(address, found[address]) for address in hits]
