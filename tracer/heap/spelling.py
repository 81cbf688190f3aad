"""Spells the paths from roots to targets, along chains of objects that are checked once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracer.heap import inside, kinds
from tracer.heap.chains import Chains
from tracer.heap.frontier import CHUNK
from tracer.heap.kinds import Kinds
from tracer.heap.roots import Root, active_threads
from tracer.heap.steps import Children, Reader, Step, spell, unknown
from tracer.heap.storages import Storages

MAX_STEPS = 100
"""Steps that are spelled. A linked list can be a million long."""


@dataclass(frozen=True, slots=True)
class Found:
    """What holds one object.

    Notation: `shop.RECENT[0]` and whatever else Python spells so; `['…']` for a key that is data;
    `shop.view(log=…)` for a default argument; `shop.view.<closure seen>` for a variable of an
    enclosing function; `shop.rate.<cache>[…]` for a result that `functools.cache` keeps;
    `shop.SEEN.<set>` and `shop.SEEN.<key>` for a set's item and a dictionary's key;
    `context variable shop.current`; `thread "cook"`; `<running shop.cook>.dish` for a variable of a
    function that runs; `.<Kind>` where an object does not show as what it holds another.
    """

    path: str
    spot: str
    """The same with every item, such as `[0]`, written as `[*]`."""
    root: str
    """Its kind, as in `tracer.heap.kinds`."""
    thread: int = 0
    """The tracer's number of the thread whose storage it is; 0 if that is not proven."""
    storage: int = 0
    """The address of the thread's storage or of the context; 0 for other roots."""
    keyed: bool = False
    """Whether the last item on the path lies under a key that is data. A tuple is none."""


class _Place(NamedTuple):
    """An object on the way down, and how the path to it is spelled."""

    item: Any
    path: str
    spot: str
    kind: str
    read: Reader | None = None
    thread: int = 0
    storage: int = 0
    steps: int = 0
    keyed: bool = False


class Spelling:
    """Walks down the tree of chains, and notes the path to each target that it meets."""

    def __init__(
        self,
        chains: Chains,
        targets: Mapping[int, Callable[[], object | None]],
        tokens: Mapping[int, list[int]],
        types: Kinds,
        storages: Storages,
    ) -> None:
        """`tokens` maps the addresses of targets to their tokens."""
        self.chains = chains
        self.targets, self.tokens = targets, tokens
        self.types, self.storages = types, storages
        self.found: dict[int, Found] = {}

    def run(self, root: Root, pause: Callable[[], None], give_up: Callable[[], bool]) -> bool:
        """Spells all paths from this root. Returns False if it was given up."""
        read, text = self._reader(root.item), root.text
        if root.kind == kinds.CONTEXT:
            read, text = self.storages.loose_context, ""
        waiting = [_Place(root.item, text, text, root.kind, read)]
        self._report(waiting[0])
        del root
        done = 0
        while waiting:
            self._step(waiting.pop(), waiting)
            done += 1
            if not done % CHUNK:
                pause()
                if give_up():
                    return False
        return True

    def _step(self, place: _Place, waiting: list[_Place]) -> None:
        """Goes one step down, to all children. Only those that hold something have to wait."""
        tree = self.chains.children
        children = _still_held(place.item, tree.get(id(place.item), set()))
        if not children:
            return
        steps = (place.read or spell)(place.item, children)
        for key, child in children.items():
            below = self._below(place, steps.get(key) or unknown(place.item), child)
            self._report(below)
            if key in tree:
                waiting.append(below)

    def _below(self, place: _Place, step: Step, child: Any) -> _Place:
        kind = self._kind(place.kind, child)
        path, spot = place.path + step.text, place.spot + step.spot
        if step.anew:
            path, spot = step.text, step.spot
        elif place.steps >= MAX_STEPS:
            path, spot = place.path, place.spot
            if place.steps == MAX_STEPS:
                path, spot = f"{path}…", f"{spot}…"
        read = step.read or self._reader(child)
        keyed = place.keyed and not step.anew if step.keyed is None else step.keyed
        if type(child) is Context and place.kind == kinds.RUNNING:
            # From Python 3.14 on a thread holds its context itself.
            path = spot = ""
            read = self.storages.loose_context
        return _Place(
            child, path, spot, kind, read,
            step.thread or place.thread, step.storage or place.storage, place.steps + 1,
            keyed,
        )  # fmt: skip

    def _kind(self, kind: str, child: Any) -> str:
        """Returns the kind of root of a path that has led to this child."""
        own = self.types.of.get(id(type(child)), kind)
        if own == kinds.RUNNING and not _runs(child):
            return kind
        return max(kind, own, key=kinds.IN_ORDER.index)

    def _reader(self, item: Any) -> Reader | None:
        kind = self.types.of.get(id(type(item)))
        if kind == kinds.THREAD:
            return self.storages.local
        return self.storages.context if kind == kinds.CONTEXT else None

    def _report(self, place: _Place) -> None:
        for token in self.tokens.get(id(place.item), ()):
            if self.targets[token]() is place.item and token not in self.found:
                self.found[token] = Found(
                    place.path, place.spot, place.kind, place.thread, place.storage, place.keyed
                )


def _runs(thread: Any) -> bool:
    return any(thread is each for each in list(active_threads().values()))


def _still_held(item: Any, wanted: set[int]) -> Children:
    """Returns those children that the object still holds, in a new dictionary of its own too."""
    if not wanted:
        return {}
    held = inside.by_address(inside.referents(item))
    if not wanted <= held.keys():
        own = inside.instance_dict(item)
        if own is not None and id(own) in held:
            held = inside.by_address(own.values()) | held
    return {key: held[key] for key in wanted if key in held}
