"""Where requests leave objects behind: all places of one process, and which of them are kept.

The counts on which rule 4 of `tracer.model.scope` rests. Only objects that a request built count
here: no resource, and nothing that an import built.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final, NamedTuple

from tracer.model.facts import Held, Walk
from tracer.model.objects import TrackedObject
from tracer.model.pages import Pages
from tracer.model.place import HANDED_ON, Key, Place, Tally, make_room

MOST_EMPTY: Final = 1000
"""Places remembered in which nothing lies just now."""


class _Kept(NamedTuple):
    """The places that are kept."""

    single: dict[tuple[int, str], bool]
    """(storage, spot) to whether it holds one object at a time."""
    replaced: dict[tuple[str, str, int], str]
    """(class, page, thread or 0) of objects that were replaced there, to the spot."""


class Spots:
    """All places of one process in which a walk found what requests had built."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._places: dict[Key, Place] = {}
        self._replaced: dict[tuple[str, int], dict[str, Tally]] = {}
        """(class, thread, or 0 for all) to pages, with the requests whose object was replaced."""
        self.walk_time = (0, 0)
        """When the last walk began and ended."""
        self.upto = 0
        """The highest number of a request that had closed when the last walk began."""
        self._kept: _Kept | None = None
        """None if the places are to be judged anew."""

    # -- taking in --------------------------------------------------------------------------

    def walked(self, walk: Walk, tracked: Mapping[int, TrackedObject], upto: int) -> None:
        """Takes in a walk; `upto` is the highest number of a request that had closed before it."""
        for token in walk.lost:
            known = tracked.get(token)
            if known is not None:
                self.leave(known)
                known.is_held = False
        for held in walk.found:
            known = tracked.get(held.token)
            if known is not None:
                self.leave(known)
                known.held, known.is_held = held, known.death is None
                self._join(known, held)
        self.walk_time, self.upto = (walk.begun, walk.ended), upto
        self._kept = None
        for place in self._places.values():
            place.note_walk(self.pages, walk.begun)
            if place.key.storage:
                # Before its thread ends and takes with it what lies there.
                self._judge(place)
        self._forget()

    def _join(self, known: TrackedObject, held: Held) -> None:
        if not _counts(known) or known.death is not None:
            return
        key = Key(held.storage, held.spot, known.birth.cls)
        if key not in self._places:
            thread = (held.thread or known.birth.thread) if held.storage else 0
            self._places[key] = Place(key, thread, held.keyed)
        self._places[key].add(known)

    def leave(self, known: TrackedObject) -> None:
        """Takes an object out of its place: it is dead, or elsewhere."""
        if known.held is not None and known.is_held:
            place = self._places.get(Key(known.held.storage, known.held.spot, known.birth.cls))
            if place is not None:
                place.leave(known)

    def replaced(self, known: TrackedObject) -> None:
        """Takes in that a later request let an object go, and built another of its class."""
        if not _counts(known) or known.built_in is None or known.requests > HANDED_ON:
            return
        known.replaced = True
        for thread in (0, known.birth.thread):
            pages = self._replaced.setdefault((known.birth.cls, thread), {})
            pages.setdefault(known.page, Tally()).add(known.built_in)
            make_room(pages)

    def _forget(self) -> None:
        empty = [key for key, place in self._places.items() if not place.objects]
        for key in empty[: max(0, len(empty) - MOST_EMPTY)]:
            del self._places[key]
        while len(self._replaced) > MOST_EMPTY:
            del self._replaced[next(iter(self._replaced))]

    # -- answering --------------------------------------------------------------------------

    @property
    def has_suspects(self) -> bool:
        """Whether another walk soon would tell more of a place."""
        return any(place.is_suspect for place in self._places.values())

    def kept_at(self, known: TrackedObject) -> str:
        """Returns the kept spot where an object lies, or lay until it was replaced; or "".

        What hangs by attributes on an object in such a spot is kept with it.
        """
        if not _counts(known):
            return ""
        kept, held = self._judged(), known.held
        if held is not None:
            return held.spot if _owner(held, kept.single) else ""
        if not known.replaced:
            return ""
        cls, page, thread = known.birth.cls, known.page, known.birth.thread
        return kept.replaced.get((cls, page, 0)) or kept.replaced.get((cls, page, thread), "")

    def is_one_at_a_time(self, known: TrackedObject) -> bool:
        """Whether its place, which is kept, holds one object that each request replaces."""
        single = self._judged().single
        if known.held is None:
            return known.replaced
        return single.get(_owner(known.held, single) or (0, ""), False)

    def _judged(self) -> _Kept:
        """Returns the places that are kept, judged once after each walk."""
        if self._kept is None:
            self._kept = _Kept({}, {})
            for place in self._places.values():
                if not place.key.storage:
                    self._judge(place)
                if place.kept is not None:
                    single, pages = place.kept
                    self._kept.single[place.key.storage, place.key.spot] = single
                    for page in pages:
                        self._kept.replaced[place.key.cls, page, place.thread] = place.key.spot
        return self._kept

    def _judge(self, place: Place) -> None:
        replaced = self._replaced.get((place.key.cls, place.thread), {})
        place.judge(self.pages, replaced, self.upto)


def _counts(known: TrackedObject) -> bool:
    """Whether an object can be left behind."""
    return known.built_in is not None and not known.by_import and known.birth.owner is None


def _owner(held: Held, places: Container[tuple[int, str]]) -> tuple[int, str] | None:
    """Returns which of these places holds an object, or that on which it hangs."""
    owners = ((held.storage, spot) for spot in _with_owners(held.spot))
    return next((place for place in owners if place in places), None)


def _with_owners(spot: str) -> Iterator[str]:
    """Yields a spot, and those of the objects on which what lies there hangs by attributes."""
    yield spot
    while True:
        spot, dot, attribute = spot.rpartition(".")
        if not dot or "]" in attribute:
            return
        yield spot
