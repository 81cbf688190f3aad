"""What a walk does not do: keep objects, run their code, report what is over, take for ever."""

from __future__ import annotations

import sys
import types
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.heap.walking import Slotted, Thing, larder, never, no_collection, no_pause, path_of, walk
from tracer.heap import chains, frontier, loose, spelling, steps, storages
from tracer.heap.walk import Walk

__all__ = ["larder", "no_collection"]


def test_what_nothing_reachable_holds_has_no_path(no_collection: None) -> None:
    """A cycle waits for the collector: it is not held."""

    def hidden() -> dict[int, Any]:
        thing = Thing()
        thing.me = thing
        return {1: thing}

    walked = walk(hidden())
    assert walked.found == {}
    assert walked.complete


def test_twenty_thousand_objects_in_one_list_take_no_longer_each(
    larder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own path; the list is read as often as for one."""
    larder.SHELF = [Thing() for _ in range(20_000)]
    read: list[int] = []
    original = steps._where
    monkeypatch.setattr(
        steps, "_where", lambda values, *rest: read.append(1) or original(values, *rest)
    )
    pauses: list[int] = []
    walked = walk(dict(enumerate(larder.SHELF)), pause=lambda: pauses.append(1))
    assert [walked.found[index].path for index in range(20_000)] == [
        f"larder.SHELF[{index}]" for index in range(20_000)
    ]
    assert len(read) < 50
    assert len(pauses) < walked.visited / 10


def test_a_walk_can_be_given_up(larder: Any) -> None:
    """What it has not found by then means nothing, and it says so."""
    larder.SHELF = [Thing()]
    asked = count()
    walked = walk({1: larder.SHELF[0]}, give_up=lambda: next(asked) > 3)
    assert not walked.complete
    assert 0 < walked.visited < 10_000


def test_an_object_that_was_expanded_is_not_kept_alive(larder: Any) -> None:
    """The walk keeps its address. It holds only what it has still to expand."""
    larder.SHELF = [Thing()]
    larder.SHELF[0].below = Thing()
    shelf, below = weakref.ref(larder.SHELF[0]), weakref.ref(larder.SHELF[0].below)
    walked: list[Walk] = []
    died = []

    def pause() -> None:
        front = walked[0].frontier
        if id(below()) in front.seen and shelf() is not None:
            larder.SHELF.clear()
            died.append(shelf() is None)

    refs: dict[int, Callable[[], object]] = {1: shelf, 2: below}
    walked.append(Walk(refs, pause=pause, give_up=never))
    assert walked[0].run().found == {}
    assert died == [True]
    assert below() is None


def test_an_edge_that_is_gone_by_the_end_is_not_reported(
    larder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither before the way is walked again, nor after."""
    larder.SHELF, other = [Thing(), Thing()], []
    first, second = (weakref.ref(each) for each in larder.SHELF)
    reach, find = Walk._reach, chains.Chains.find

    def reach_then_remove(self: Walk) -> bool:
        complete = reach(self)
        other.append(larder.SHELF.pop(0))
        return complete

    def find_then_remove(self: chains.Chains, roots: Any) -> bool:
        complete = find(self, roots)
        other.append(larder.SHELF.pop())
        return complete

    monkeypatch.setattr(Walk, "_reach", reach_then_remove)
    monkeypatch.setattr(chains.Chains, "find", find_then_remove)
    walked = Walk({1: first, 2: second}, pause=no_pause, give_up=never).run()
    assert [each for each in walked.found.values() if each.root != "running"] == []
    assert len(other) == 2


def test_another_object_at_the_same_address_is_not_taken_for_it(larder: Any) -> None:
    """Python uses addresses again at once."""
    larder.SHELF = [Thing()]
    alive = [larder.SHELF[0], Thing()]
    asked = count()
    refs = {1: lambda: alive[min(next(asked), 1)]}
    walked = Walk(refs, pause=no_pause, give_up=never).run()
    assert walked.found == {}
    assert next(asked) > 1, "the object at the end of the path was not compared"


class Hostile:
    """An object that must not be asked anything."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __eq__(self, other: object) -> bool:
        raise AssertionError("eq")

    def __hash__(self) -> int:
        raise AssertionError("hash")

    def __bool__(self) -> bool:
        raise AssertionError("bool")

    def __iter__(self) -> Any:
        raise AssertionError("iter")

    def __len__(self) -> int:
        raise AssertionError("len")

    def __repr__(self) -> str:
        raise AssertionError("repr")


class Odd:
    """A key that must not be asked for its class."""

    @property
    def __class__(self) -> Any:
        raise AssertionError("class")


class HostileMeta(type):
    """The same for a class."""

    def __getattribute__(cls, name: str) -> Any:
        raise AssertionError(name)

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("eq")

    def __hash__(cls) -> int:
        raise AssertionError("hash")

    def __instancecheck__(cls, instance: object) -> bool:
        raise AssertionError("instancecheck")

    def __subclasscheck__(cls, subclass: type) -> bool:
        raise AssertionError("subclasscheck")


def test_no_code_of_an_object_runs(larder: Any) -> None:
    """Nor of its class, nor of the class of its class."""
    larder.hostile = Hostile()
    object.__setattr__(larder.hostile, "inner", {1: Hostile()})
    inner = object.__getattribute__(larder.hostile, "inner")
    assert path_of(inner[1]) == "larder.hostile.inner[1]"
    kind = HostileMeta("Kind", (dict,), {"__module__": "shop", "shelf": [Thing()]})
    shelf = type.__getattribute__(kind, "shelf")
    larder.item = type.__call__(kind)
    larder.by_object = {Odd(): [Thing()]}
    (things,) = larder.by_object.values()
    assert path_of(things[0]) == "larder.by_object[…][0]"
    assert path_of(shelf[0]) == "larder.item.__class__.shelf[0]"
    object.__setattr__(larder.item, "owner", Thing())
    assert path_of(object.__getattribute__(larder.item, "owner")) == "larder.item.owner"


def test_a_property_in_place_of_the_dictionary_is_not_asked(larder: Any) -> None:
    """Nothing else shows under which name the class keeps the object."""

    class Disguised:
        @property
        def __dict__(self) -> Any:
            raise AssertionError("asked")

        @property
        def __class__(self) -> Any:
            raise AssertionError("asked")

    larder.thing = Disguised()
    larder.thing.inner = Thing()
    path = str(path_of(larder.thing.inner))
    assert path in ("larder.thing.<Disguised>", "larder.thing.<Disguised>['…']")


def test_a_slotted_object_is_found_and_asked_for_no_dictionary(larder: Any) -> None:
    """A slot that is not set is no error."""
    larder.slotted = Slotted()
    larder.slotted.inner = [Slotted()]
    assert path_of(larder.slotted.inner[0]) == "larder.slotted.inner[0]"


def test_what_only_the_tracer_holds_is_not_held(larder: Any) -> None:
    """Neither its modules nor the objects that it names count."""
    own = types.ModuleType("tracer.larder")
    sys.modules["tracer.larder"] = own
    larder.recorder = ours = [Thing()]
    own.SHELF = [Thing()]  # type: ignore[attr-defined]
    refs = {1: weakref.ref(own.SHELF[0]), 2: weakref.ref(ours[0])}  # type: ignore[attr-defined]
    try:
        own_list = [ours]
        del ours, own
        walked = Walk(refs, pause=no_pause, give_up=never, own=own_list).run()
    finally:
        del sys.modules["tracer.larder"]
    assert {each.root for each in walked.found.values()} <= {"running"}


def test_reading_an_attribute_breaks_no_path_that_was_found(
    larder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Python 3.13 an object has no dictionary until somebody asks for it."""
    larder.top = Thing()
    larder.top.user = Thing()
    ref = weakref.ref(larder.top.user)
    find = chains.Chains.find

    def find_then_read(self: chains.Chains, roots: Any) -> bool:
        complete = find(self, roots)
        assert vars(larder.top)
        return complete

    monkeypatch.setattr(chains.Chains, "find", find_then_read)
    walked = Walk({1: ref}, pause=no_pause, give_up=never).run()
    assert walked.found[1].path == "larder.top.user"


def test_nothing_of_a_walk_is_left_when_it_ends(larder: Any) -> None:
    """Also if the pause itself fails."""
    larder.SHELF = [Thing()]
    ref = weakref.ref(larder.SHELF[0])

    def fail() -> None:
        if id(ref()) in walker.frontier.seen:
            raise RuntimeError("stopped")

    walker = Walk({1: ref}, pause=fail, give_up=never)
    with pytest.raises(RuntimeError, match="stopped"):
        walker.run()
    larder.SHELF.clear()
    assert ref() is None


def test_the_modules_of_the_walk_hold_nothing() -> None:
    """All that a walk knows lies in its own objects."""
    for module in (chains, frontier, loose, spelling, steps, storages):
        kept = [name for name, value in vars(module).items() if type(value) in (dict, list, set)]
        assert [name for name in kept if not name.startswith("__")] == []
