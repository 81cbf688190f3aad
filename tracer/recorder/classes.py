"""Numbers for classes. A recording keeps the number of an object's class, never the class.

A class can be made for one request, as `modelform_factory` does. It then holds whatever its fields
and callbacks hold, often the request itself, and would keep it alive. So a recording keeps the
number of the class's dotted name, and the table here keeps the names.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

MAX_NAMES = 5_000
"""A site that makes classes under ever new names must not fill the memory."""
OTHER_CLASSES = 0
"""Number of every class whose name is new when the table is full."""


Memo = list[tuple["type | None", int]]
"""One entry: the class of the last object born in one place, and that class's number. The next
object there is mostly of the same class, and looking its number up costs a thousand instructions.
"""
_NO_CLASS: tuple[type | None, int] = (None, OTHER_CLASSES)


class ClassNames:
    """A table of dotted class names, each with a number. It keeps no class alive."""

    def __init__(self, limit: int = MAX_NAMES) -> None:
        self.limit = limit
        self.names: dict[int, str] = {OTHER_CLASSES: f"any class beyond {limit:,} names"}
        """Number to dotted name."""
        self.numbers: dict[int, int] = {}
        """Address of a living class to its number."""
        self._by_name: dict[str, int] = {}
        self._addresses: dict[int, _Address] = {}
        self._counter = itertools.count(1)
        self.memos: list[Memo] = []

    def number(self, cls: type) -> int:
        """Returns the class's number. Safe in several threads, and inside a collection."""
        key = id(cls)
        known = self.numbers.get(key)
        if known is not None:
            return known
        number = self._number_of_name(dotted_name(cls))
        address = _Address(cls, self._class_died)
        address.key = key
        self._addresses[key] = address
        self.numbers[key] = number
        return number

    def _number_of_name(self, name: str) -> int:
        known = self._by_name.get(name)
        if known is not None or len(self._by_name) >= self.limit:
            return known or OTHER_CLASSES
        number = next(self._counter)
        # Store the name first: another thread may look it up as soon as it has the number.
        self.names[number] = name
        return self._by_name.setdefault(name, number)

    def _class_died(self, address: _Address) -> None:
        """Forgets a class. Python calls this before another class can have its address."""
        if self._addresses.get(address.key) is address:
            self.numbers.pop(address.key, None)
            del self._addresses[address.key]

    def memo(self) -> Memo:
        """Returns a new memo for one place where objects are born. See `clear_memos`."""
        memo = [_NO_CLASS]
        self.memos.append(memo)
        return memo

    def remember(self, memo: Memo, cls: type) -> int:
        """Returns the class's number, and write both into the memo."""
        number = self.numbers.get(id(cls))
        if number is None:
            number = self.number(cls)
        memo[0] = cls, number
        return number

    def clear_memos(self) -> None:
        """Forgets the classes in all memos. Called when a garbage collection begins.

        Between two collections a memo keeps nothing alive that would die without it: a class is
        part of a cycle of its own, through `__mro__`, so only the collector frees it.
        """
        for memo in self.memos:
            memo[0] = _NO_CLASS


class _Address(weakref.ref):  # type: ignore[type-arg]
    """A weak reference to a class that knows the class's address."""

    __slots__ = ("key",)
    key: int


_qualname: Callable[[type], str] = vars(type)["__qualname__"].__get__
_module: Callable[[type], Any] = vars(type)["__module__"].__get__
"""Both read past the metaclass, whose own code must not run."""


def dotted_name(cls: type) -> str:
    """Returns the class's module and qualified name, without running any code of the class."""
    module = _module(cls)
    return f"{module if type(module) is str else '?'}.{_qualname(cls)}"
