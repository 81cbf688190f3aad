"""Objects that exist already, found among all that the collector knows.

The collector also knows tuples that another thread is just building, and Python refuses to finish a
tuple to which there is a second reference. So no such reference may last until another thread runs:
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


def instances(types: Container[int]) -> list[Any]:
    """Return the objects whose type is one of these, given by address. None of their code runs."""
    everything: list[Any] = []
    found: list[Any] = []
    # These look at the list only when they are asked.
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
