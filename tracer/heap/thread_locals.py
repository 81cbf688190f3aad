"""What lies in thread-locals: the watched objects that they hold, without asking the locals.

Reading an attribute of a `threading.local` may run its class's `__init__` in the reading thread. So
its dicts, one for each thread that uses it, are taken from the collector's view of it.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final
from weakref import getweakrefs, ref

from tracer.heap import inside
from tracer.recorder.weakrefs import Ref

_CONTAINERS: Final = frozenset(map(id, (dict, list, tuple, set, frozenset, deque)))


def storages_of(local: Any) -> Iterator[dict[str, Any]]:
    """Yields the dict of each thread that uses a thread-local."""
    for table in gc.get_referents(local):
        if type(table) is dict:
            for storage in list(table.values()):
                if type(storage) is dict:
                    yield storage


def tokens_in(locals_: Iterable[ref[Any]]) -> list[int]:
    """Returns the tokens of the watched objects that lie in these thread-locals, of any thread.

    They lie there themselves, or in a list, dict or the like that does.
    """
    tokens = []
    for get in list(locals_):
        local = get()
        if local is None:
            continue
        for storage in storages_of(local):
            tokens += tokens_among(storage.values())
    return tokens


def tokens_below(items: Iterable[Any]) -> list[int]:
    """The same, and of what lies in the attributes of these values, as asgiref keeps things."""
    values = list(items)
    return tokens_among(chain(values, *map(inside.referents, values)))


def tokens_among(items: Iterable[Any]) -> list[int]:
    """Returns the tokens of those of these values that are watched, or that lie in one of them."""
    values = list(items)
    values += gc.get_referents(*[each for each in values if id(type(each)) in _CONTAINERS])
    return [token for value in values for token in _tokens_of(value)]


def _tokens_of(value: Any) -> Iterator[int]:
    for reference in getweakrefs(value):
        if type(reference) is Ref:
            if reference.key:
                yield reference.token
            elif reference.births is not None and reference.index < len(reference.births):
                yield reference.births[reference.index + 1]
