"""What the tests of the walk share: a walk without pauses, and classes whose objects are held."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tracer.heap.spelling import Found
from tracer.heap.walk import Walk, Walked


class Thing:
    """An object that is held."""


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("__hidden", "__weakref__", "inner")


def no_pause() -> None:
    """Goes on at once."""


def never() -> bool:
    """Does not give up."""
    return False


def walk(targets: dict[int, Any], pause: Callable[[], None] = no_pause, **options: Any) -> Walked:
    """Walks for objects that are given by token, and keeps none of them meanwhile."""
    refs = {token: weakref.ref(item) for token, item in targets.items()}
    targets.clear()
    return Walk(refs, pause=pause, **{"give_up": never, **options}).run()


def find(item: object, **options: Any) -> Found | None:
    """Returns what holds one object."""
    walked = walk({1: item}, **options)
    assert walked.complete
    return walked.found.get(1)


def path_of(item: object, **options: Any) -> str | None:
    """Returns the path to one object."""
    found = find(item, **options)
    return found and found.path


def both(item: object) -> tuple[str, str]:
    """Returns path and spot of one object."""
    found = find(item)
    assert found is not None
    return found.path, found.spot


def is_keyed(item: object) -> bool:
    """Returns whether a key that is data leads to one object."""
    found = find(item)
    assert found is not None
    return found.keyed


@pytest.fixture
def larder() -> Iterator[Any]:
    """A module of its own, at whose globals the paths begin."""
    made = types.ModuleType("larder")
    sys.modules["larder"] = made
    yield made
    del sys.modules["larder"]


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Garbage stays."""
    gc.disable()
    yield
    gc.enable()
