"""Paths to what holds an object, found in the real heap and written in Python's notation."""

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
    """An object that is held."""


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("inner",)


@pytest.fixture
def module() -> Iterator[Any]:
    """A module of its own, at whose globals the paths begin."""
    made = types.ModuleType("larder")
    sys.modules["larder"] = made
    yield made
    del sys.modules["larder"]


def path_of(thing: object) -> str | None:
    """Returns the path found to one object."""
    return retainers.paths({1: thing}).get(1)


def test_an_entry_of_a_list_in_a_module_is_named_by_its_index(module: Any) -> None:
    """As in `cafe.views.RECENT[0]`."""
    module.RECENT = [Thing(), Thing()]
    assert path_of(module.RECENT[1]) == "larder.RECENT[1]"


def test_attributes_slots_and_classes_are_steps_of_a_path(module: Any) -> None:
    """Instance dictionaries, slots and class attributes are all written with a dot."""
    module.top = Thing()
    module.top.user = Thing()
    module.slotted = Slotted()
    module.slotted.inner = Thing()
    module.Shop = type("Shop", (), {"shelf": [Thing()], "__module__": "larder"})
    assert path_of(module.top.user) == "larder.top.user"
    assert path_of(module.slotted.inner) == "larder.slotted.inner"
    assert path_of(module.Shop.shelf[0]) == "larder.Shop.shelf[0]"


def test_a_closure_and_a_bound_method_hold_what_they_were_made_with(module: Any) -> None:
    """Two ways to keep a request by mistake."""

    def make() -> tuple[Callable[[], Thing], Thing]:
        kept = Thing()
        return (lambda: kept), kept

    module.closure, kept = make()
    assert path_of(kept) == "larder.closure.<closure>[0]"
    shop = Thing()
    module.method = types.MethodType(lambda self: self, shop)
    assert path_of(shop) == "larder.method.__self__"


def test_text_keys_of_plain_dictionaries_are_never_shown(module: Any) -> None:
    """They are data and may be secret. Numbers are shown."""
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


def test_many_objects_are_found_in_one_search(module: Any) -> None:
    """Each gets its own path, also if they share a retainer or hold each other."""
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
    """The search is bounded in time: what is far away is not found."""
    module.a = {"b": {"c": {"d": [Thing()]}}}
    thing = module.a["b"]["c"]["d"][0]
    assert retainers.paths({1: thing}, seconds=0.0, running=False) == {}
    assert retainers.paths({1: thing}, running=False) == {1: "larder.a['…']['…']['…'][0]"}


def test_a_busy_machine_does_not_shorten_the_search(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search is limited by its own CPU time, not by the time of day."""
    wall = types.SimpleNamespace(
        monotonic=itertools.count(0, 10).__next__, thread_time=time.thread_time
    )
    monkeypatch.setattr(retainers, "time", wall)
    module.a = {"b": {"c": {"d": [Thing()]}}}
    thing = module.a["b"]["c"]["d"][0]
    assert retainers.paths({1: thing}, running=False) == {1: "larder.a['…']['…']['…'][0]"}


def test_the_address_of_a_finished_function_names_no_other_object(module: Any) -> None:
    """Another thread's frame may be freed by now, and a list have its address."""
    thing = Thing()
    module.shelf = [thing]
    search = retainers._Search({1: thing}, time.thread_time() + 30, running=False)
    search.roots[id(module.shelf)] = "<running threading.wait>"
    search.climb()
    (root, *_) = search.chain(thing)
    assert root is vars(module)
