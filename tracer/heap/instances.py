"""The instances of given classes that exist already, found among all that the collector tracks.

The garbage collector also tracks tuples that another thread is just building, and Python refuses to
finish a tuple that has a second reference. So no such reference may last until another thread runs:
all steps are taken within one call of a C function.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Container, Iterator
from contextvars import Context
from functools import partial
from itertools import chain, compress, repeat, starmap
from operator import call, is_
from typing import Any


def instances_of(types: Container[int]) -> list[Any]:
    """Returns the objects whose type's address is in `types`. None of their code runs."""
    everything: list[Any] = []
    # This reads the list only when it is iterated, as below.
    wanted = map(types.__contains__, map(id, map(type, everything)))
    return _select(everything, map(gc.get_objects, (None,)), wanted)


def contexts() -> list[Context]:
    """Returns all contexts. Half as expensive as `instances_of`: 45 ms for 500,000 objects."""
    everything: list[Any] = []
    wanted = map(is_, map(type, everything), repeat(Context))
    return _select(everything, map(gc.get_objects, (None,)), wanted)


def instances_of_classes(classes: list[type]) -> list[Any]:
    """Returns the direct instances of classes whose instances refer to them.

    All classes written in Python are such. Takes 10 ms for 500,000 objects.
    """
    everything: list[Any] = []
    wanted = map(set(map(id, classes)).__contains__, map(id, map(type, everything)))
    return _select(everything, starmap(gc.get_referrers, (classes,)), wanted)


def _select(
    everything: list[Any], sources: Iterator[list[Any]], wanted: Iterator[bool]
) -> list[Any]:
    """Returns those objects of the sources that are wanted."""
    found: list[Any] = []
    steps: tuple[Callable[[], object], ...] = (
        partial(everything.extend, chain.from_iterable(sources)),
        partial(found.extend, compress(everything, wanted)),
        everything.clear,
    )
    try:
        deque(map(call, steps), maxlen=0)
    finally:
        everything.clear()
    return found
