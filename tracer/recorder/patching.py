"""The one way in which anything is patched: reversibly, and exactly.

Patterned on a stack of originals: what was there before, including "nothing of its own, it was
inherited", comes back in reverse order.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

_ABSENT = object()
"""There was nothing of its own, and nothing is put back."""
_TAKEN = object()
"""Somebody else has taken our wrapper away: what stands there now is not ours to replace."""

Replaced = tuple[Callable[[], Any], str, Callable[[], Any]]
"""(owner or None if it died, name, original)"""


class Patches:
    """A stack of replaced attributes. Restoring twice is harmless.

    A class is not held, nor is the method that was replaced in it: a class can be made for one
    request. Its wrapper holds the method and goes with the class.
    """

    def __init__(self) -> None:
        self._stack: dict[int, Replaced] = {}
        """In the order in which they were replaced."""
        self._numbers = itertools.count()
        self._liftable: list[Patch] = []

    def __len__(self) -> int:
        return len(self._stack)

    def __iter__(self) -> Iterator[tuple[Any, str, Any]]:
        """Yield (owner, name, original) of all that is replaced just now; None as original where
        there was nothing of its own."""
        for get_owner, name, get_original in list(self._stack.values()):
            owner, original = get_owner(), get_original()
            if owner is not None:
                yield owner, name, original if original is not _ABSENT else None

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Put `new` in place of `owner.name`; `owner` is a class, a module or a plain object."""
        original = vars(owner).get(name, _ABSENT)
        number, stack = next(self._numbers), self._stack
        setattr(owner, name, new)
        if not isinstance(owner, type):
            stack[number] = lambda: owner, name, lambda: original
            return
        is_wrapped = original is not _ABSENT and getattr(new, "__wrapped__", None) is original
        get_original = _wrapped_by(ref(new)) if is_wrapped else lambda: original
        stack[number] = ref(owner, lambda _: stack.pop(number, None)), name, get_original

    def wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        """Replace `owner.name` by `around(what it was)`, carrying over its name and signature."""
        original = getattr(owner, name)
        self.replace(owner, name, _like(original, around(original)))

    def liftable(self, owner: Any, name: str, around: Callable[[Any], Any]) -> Patch:
        """`wrap`, of something that `owner` holds itself and that may be lifted for a while."""
        original = vars(owner)[name]
        self.wrap(owner, name, around)
        patch = Patch(vars(owner), name, original)
        self._liftable.append(patch)
        return patch

    def restore(self) -> None:
        """Undo everything, newest first; what somebody else has taken away meanwhile stays away."""
        for patch in self._liftable:
            # First this: it may be about to be laid in another thread.
            patch.is_over = True
        self._liftable.clear()
        while self._stack:
            get_owner, name, get_original = self._stack.popitem()[1]
            owner, original = get_owner(), get_original()
            if owner is None or original is _TAKEN:
                continue
            if original is not _ABSENT:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)


def _wrapped_by(wrapper: ref[Any]) -> Callable[[], Any]:
    """Return what tells the original that a wrapper holds."""

    def original() -> Any:
        still = wrapper()
        return still.__wrapped__ if still is not None else _TAKEN

    return original


def _like(original: Any, new: Any) -> Any:
    """Have a wrapper tell of itself what the original does, as far as it changes no call."""
    functools.update_wrapper(new, original)
    code = new.__code__
    defaults = getattr(original, "__defaults__", None)
    if defaults and not code.co_argcount:
        new.__defaults__ = defaults
    by_name = getattr(original, "__kwdefaults__", None)
    if by_name and not code.co_kwonlyargcount:
        new.__kwdefaults__ = by_name
    return new


class Patch:
    """One replaced name of a module, which can be lifted: what was there before is used again.

    From several threads at once, too. What somebody else has put there meanwhile stays.
    """

    def __init__(self, names: dict[str, Any], name: str, original: Any) -> None:
        self.names = names
        self.name = name
        self.original = original
        self.new = names[name]
        self.is_over = False
        """It was restored, and must not come back."""

    def lift(self) -> None:
        """Have the original used."""
        if self.names.get(self.name) is self.new:
            self.names[self.name] = self.original

    def lay(self) -> bool:
        """Have the replacement used again; return whether there is nothing left to be done."""
        names = self.names
        if not self.is_over and names.get(self.name) is self.original:
            names[self.name] = self.new
            if self.is_over:
                names[self.name] = self.original
        return self.is_over or names.get(self.name) is self.new
