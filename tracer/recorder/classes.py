"""Numbers for classes: what a recording keeps of an object's class.

A class can be made for one request, as `modelform_factory` does, and it then holds whatever its
fields and callbacks hold, often the request itself. So no recording keeps a class. It keeps the
number of the class's dotted name, and this table keeps the names.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

NAMES = 5_000
"""Names remembered. A site that makes classes under new names for ever must not fill the table."""
OTHERS = 0
"""Number of all classes that come with a new name when the table is full."""


Memo = list[tuple["type | None", int]]
"""Of one entry: the class born last in one place, and its number, for the next is mostly of the
same. To look that up by the class's address costs a thousand instructions."""
_NONE: tuple[type | None, int] = (None, OTHERS)


class ClassNames:
    """Gives each dotted name a number. No class lives longer for it: see `let_go`."""

    def __init__(self, limit: int = NAMES) -> None:
        self.limit = limit
        self.names: dict[int, str] = {OTHERS: f"any class beyond {limit:,} names"}
        """Number to dotted name."""
        self.numbers: dict[int, int] = {}
        """Address of a living class to its number."""
        self._by_name: dict[str, int] = {}
        self._living: dict[int, _Address] = {}
        self._counter = itertools.count(1)
        self._memos: list[Memo] = []

    def number(self, cls: type) -> int:
        """Return the class's number. Safe in several threads, and inside a collection."""
        key = id(cls)
        known = self.numbers.get(key)
        if known is not None:
            return known
        number = self._numbered(dotted(cls))
        address = _Address(cls, self._forget)
        address.key = key
        self._living[key] = address
        self.numbers[key] = number
        return number

    def _numbered(self, name: str) -> int:
        known = self._by_name.get(name)
        if known is not None or len(self._by_name) >= self.limit:
            return known or OTHERS
        number = next(self._counter)
        # The name first: another thread may look it up as soon as it has the number.
        self.names[number] = name
        return self._by_name.setdefault(name, number)

    def _forget(self, address: _Address) -> None:
        """A class died; Python calls this before another can have its address."""
        if self._living.get(address.key) is address:
            self.numbers.pop(address.key, None)
            del self._living[address.key]

    def memo(self) -> Memo:
        """Return a memo for one place where objects are born; see `let_go`."""
        memo = [_NONE]
        self._memos.append(memo)
        return memo

    def remember(self, memo: Memo, cls: type) -> int:
        """Return the class's number, and note both in the memo."""
        number = self.number(cls)
        memo[0] = cls, number
        return number

    def let_go(self) -> None:
        """Forget the classes in memos: the collector begins.

        Between two collections a memo keeps nothing alive that would not live anyway: a class is
        part of a cycle of its own, through `__mro__`, so nothing but the collector ends it.
        """
        for memo in self._memos:
            memo[0] = _NONE


class _Address(weakref.ref):  # type: ignore[type-arg]
    """A living class's address."""

    __slots__ = ("key",)
    key: int


_qualname: Callable[[type], str] = vars(type)["__qualname__"].__get__
_module: Callable[[type], Any] = vars(type)["__module__"].__get__
"""Read past the metaclass, whose own code must not run."""


def dotted(cls: type) -> str:
    """Return the class's module and qualified name, without running any code of the class."""
    module = _module(cls)
    return f"{module if type(module) is str else '?'}.{_qualname(cls)}"
