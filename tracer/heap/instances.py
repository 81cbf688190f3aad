"""The instances of given classes that exist already, found among all that the collector tracks.

The garbage collector also tracks tuples that another thread is just building, and Python refuses to
finish a tuple that has a second reference. So no such reference may last until another thread runs:
all steps are taken within one call of a C function.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Container
from functools import partial
from itertools import chain, compress
from operator import call
from typing import Any


def instances_of(types: Container[int]) -> list[Any]:
    """Returns the objects whose type's address is in `types`. None of their code runs."""
    everything: list[Any] = []
    found: list[Any] = []
    # These read the list only when they are iterated.
    wanted = map(types.__contains__, map(id, map(type, everything)))
    steps: tuple[Callable[[], object], ...] = (
        partial(everything.extend, chain.from_iterable(map(gc.get_objects, (None,)))),
        partial(found.extend, compress(everything, wanted)),
        everything.clear,
    )
    try:
        deque(map(call, steps), maxlen=0)
    finally:
        everything.clear()
    return found
