"""The one way in which the tracer patches anything: exactly, and so that it can be undone.

What was replaced is kept on a stack, and comes back in reverse order. Where a class had no
attribute of its own but inherited one, it has none of its own again.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

_ABSENT = object()
"""The owner had no attribute of its own; there is nothing to put back."""
_REMOVED = object()
"""Somebody else has removed our wrapper; what stands there now is not ours to replace."""

Replaced = tuple[Callable[[], Any], str, Callable[[], Any]]
"""(owner or None if it died, name, original)"""


class Patches:
    """A stack of replaced attributes. Restoring twice is harmless.

    It keeps no class alive, nor the method that was replaced in it: a class can be made for one
    request. The wrapper holds the method and dies with the class.
    """

    def __init__(self) -> None:
        self._stack: dict[int, Replaced] = {}
        """In the order in which they were replaced."""
        self._numbers = itertools.count()
        self._suspendable: list[SuspendablePatch] = []

    def __len__(self) -> int:
        return len(self._stack)

    def __iter__(self) -> Iterator[tuple[Any, str, Any]]:
        """Yields (owner, name, original) of all that is replaced just now; None as original where
        there was nothing of its own."""
        for get_owner, name, get_original in list(self._stack.values()):
            owner, original = get_owner(), get_original()
            if owner is not None:
                yield owner, name, original if original is not _ABSENT else None

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Puts `new` in place of `owner.name`; `owner` is a class, a module or a plain object."""
        original = vars(owner).get(name, _ABSENT)
        number, stack = next(self._numbers), self._stack
        setattr(owner, name, new)
        if not isinstance(owner, type):
            stack[number] = lambda: owner, name, lambda: original
            return
        is_wrapped = original is not _ABSENT and getattr(new, "__wrapped__", None) is original
        get_original = _original_of(ref(new)) if is_wrapped else lambda: original
        stack[number] = ref(owner, lambda _: stack.pop(number, None)), name, get_original

    def wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        """Replaces `owner.name` by `around(original)`, with the original's name and signature."""
        original = getattr(owner, name)
        self.replace(owner, name, _looking_like(original, around(original)))

    def wrap_suspendable(
        self, owner: Any, name: str, around: Callable[[Any], Any]
    ) -> SuspendablePatch:
        """Wraps an attribute of a module so that the wrapper can be taken off for a while."""
        original = vars(owner)[name]
        self.wrap(owner, name, around)
        patch = SuspendablePatch(vars(owner), name, original)
        self._suspendable.append(patch)
        return patch

    def restore(self) -> None:
        """Undoes everything, newest first. What somebody else has removed meanwhile stays away."""
        for patch in self._suspendable:
            # First this: another thread may be about to resume it.
            patch.is_over = True
        self._suspendable.clear()
        while self._stack:
            get_owner, name, get_original = self._stack.popitem()[1]
            owner, original = get_owner(), get_original()
            if owner is None or original is _REMOVED:
                continue
            if original is not _ABSENT:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)


def _original_of(get_wrapper: ref[Any]) -> Callable[[], Any]:
    """Returns a function that returns the original that a wrapper holds."""

    def original() -> Any:
        wrapper = get_wrapper()
        return wrapper.__wrapped__ if wrapper is not None else _REMOVED

    return original


def _looking_like(original: Any, new: Any) -> Any:
    """Gives a wrapper the original's name, and its defaults where no call changes by it."""
    functools.update_wrapper(new, original)
    code = new.__code__
    defaults = getattr(original, "__defaults__", None)
    if defaults and not code.co_argcount:
        new.__defaults__ = defaults
    by_name = getattr(original, "__kwdefaults__", None)
    if by_name and not code.co_kwonlyargcount:
        new.__kwdefaults__ = by_name
    return new


class SuspendablePatch:
    """One replaced name of a module. While it is suspended, the original is used again.

    Several threads may call it at once. What somebody else has put there meanwhile stays.
    """

    def __init__(self, names: dict[str, Any], name: str, original: Any) -> None:
        self.names = names
        self.name = name
        self.original = original
        self.new = names[name]
        self.is_over = False
        """It was restored, and must not come back."""

    def suspend(self) -> None:
        """Puts the original back for a while."""
        if self.names.get(self.name) is self.new:
            self.names[self.name] = self.original

    def resume(self) -> bool:
        """Puts the replacement in place again. Return whether there is nothing left to be done."""
        names = self.names
        if not self.is_over and names.get(self.name) is self.original:
            names[self.name] = self.new
            if self.is_over:
                names[self.name] = self.original
        return self.is_over or names.get(self.name) is self.new
