"""What holds an object: found in the real heap, spelled in Python's own notation."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tracer.heap import retainers


class Thing:
    """Something to be held."""


class Slotted:
    """Has no dictionary."""

    __slots__ = ("inner",)


@pytest.fixture
def module() -> Iterator[Any]:
    """A module of its own, whose globals begin the paths."""
    made = types.ModuleType("larder")
    sys.modules["larder"] = made
    yield made
    del sys.modules["larder"]


def path_of(thing: object) -> str | None:
    """The path found to one object."""
    return retainers.paths({1: thing}).get(1)


def test_an_entry_of_a_list_in_a_module_is_named_by_its_index(module: Any) -> None:
    """As in `cafe.views.RECENT[0]`."""
    module.RECENT = [Thing(), Thing()]
    assert path_of(module.RECENT[1]) == "larder.RECENT[1]"


def test_attributes_slots_and_classes_are_steps_of_a_path(module: Any) -> None:
    """Instance dictionaries, slots and class attributes are all spelled with a dot."""
    module.top = Thing()
    module.top.user = Thing()
    module.slotted = Slotted()
    module.slotted.inner = Thing()
    module.Shop = type("Shop", (), {"shelf": [Thing()], "__module__": "larder"})
    assert path_of(module.top.user) == "larder.top.user"
    assert path_of(module.slotted.inner) == "larder.slotted.inner"
    assert path_of(module.Shop.shelf[0]) == "larder.Shop.shelf[0]"


def test_a_closure_and_a_bound_method_hold_what_they_were_made_with(module: Any) -> None:
    """Two ways to keep a request without meaning to."""

    def make() -> tuple[Callable[[], Thing], Thing]:
        kept = Thing()
        return (lambda: kept), kept

    module.closure, kept = make()
    assert path_of(kept) == "larder.closure.<closure>[0]"
    shop = Thing()
    module.method = types.MethodType(lambda self: self, shop)
    assert path_of(shop) == "larder.method.__self__"


def test_text_keys_of_plain_dictionaries_are_never_told(module: Any) -> None:
    """They are data, and may be secret; numbers are told."""
    module.SESSIONS = {"canary-session-key": Thing(), 7: Thing()}
    assert path_of(module.SESSIONS["canary-session-key"]) == "larder.SESSIONS['…']"
    assert path_of(module.SESSIONS[7]) == "larder.SESSIONS[7]"


def test_a_local_variable_of_a_running_function_holds_too() -> None:
    """A background thread keeps what it works on for as long as it runs."""
    ready, stop = threading.Event(), threading.Event()
    shelf: list[Any] = []

    def cook() -> None:
        dish = Thing()
        shelf.append(dish)
        ready.set()
        stop.wait(120)
        assert dish is not None

    thread = threading.Thread(target=cook)
    thread.start()
    try:
        assert ready.wait(120)
        found = retainers.paths({1: shelf.pop()}, running=True)
    finally:
        stop.set()
        thread.join(120)
    assert found[1] == f"<running {__name__}.cook>.dish"


def test_many_objects_are_found_in_one_walk(module: Any) -> None:
    """Each gets its own path, also where they share a holder or hold each other."""
    module.SHELF = [Thing() for _ in range(5)]
    module.SHELF[0].next = module.SHELF[1]
    module.SHELF[1].next = module.SHELF[0]
    found = retainers.paths(dict(enumerate(module.SHELF)))
    assert found == {index: f"larder.SHELF[{index}]" for index in range(5)}


def test_what_nothing_reachable_holds_has_no_path() -> None:
    """Only this function's caller holds it, through a list that no module knows."""

    def hidden() -> dict[int, str]:
        return retainers.paths({1: Thing()})

    assert hidden() == {}


def test_no_time_means_no_second_step(module: Any) -> None:
    """The walk is bounded in time: what is far away stays unfound."""
    module.a = {"b": {"c": {"d": [Thing()]}}}
    thing = module.a["b"]["c"]["d"][0]
    assert retainers.paths({1: thing}, seconds=0.0, running=False) == {}
    assert retainers.paths({1: thing}, running=False) == {1: "larder.a['…']['…']['…'][0]"}


def test_where_others_have_the_processor_as_much_is_found(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock on the wall runs on; the search goes by its own work."""
    wall = types.SimpleNamespace(
        monotonic=itertools.count(0, 10).__next__, thread_time=time.thread_time
    )
    monkeypatch.setattr(retainers, "time", wall)
    module.a = {"b": {"c": {"d": [Thing()]}}}
    thing = module.a["b"]["c"]["d"][0]
    assert retainers.paths({1: thing}, running=False) == {1: "larder.a['…']['…']['…'][0]"}


def test_the_address_of_a_function_that_is_over_names_nobody_else(module: Any) -> None:
    """Another thread's frame may be gone by now, and a list stand at its address."""
    thing = Thing()
    module.shelf = [thing]
    search = retainers._Search({1: thing}, time.thread_time() + 30, running=False)
    search.roots[id(module.shelf)] = "<running threading.wait>"
    search.climb()
    (root, *_) = search.chain(thing)
    assert root is vars(module)
