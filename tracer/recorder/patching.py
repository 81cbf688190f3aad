"""The one way in which anything is patched: reversibly, and exactly.

Patterned on a stack of originals: what was there before, including "nothing of its own, it was
inherited", comes back in reverse order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patches:
    """A stack of replaced attributes. Restoring twice is harmless."""

    def __init__(self) -> None:
        self._stack: list[tuple[Any, str, Any]] = []

    def __len__(self) -> int:
        return len(self._stack)

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Put `new` in place of `owner.name`; `owner` is a class, a module or a plain object."""
        original = vars(owner).get(name, _ABSENT)
        setattr(owner, name, new)
        self._stack.append((owner, name, original))

    def wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        """Replace `owner.name` by `around(what it was)`, carrying over its name and signature."""
        original = getattr(owner, name)
        self.replace(owner, name, functools.update_wrapper(around(original), original))

    def restore(self) -> None:
        """Undo everything, newest first; what somebody else has taken away meanwhile stays away."""
        while self._stack:
            owner, name, original = self._stack.pop()
            if original is not _ABSENT:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)
