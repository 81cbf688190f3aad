"""The classes of class-based views: which HTTP methods they define."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_mro: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
_names: Callable[[type], Any] = vars(type)["__dict__"].__get__
"""Both read past the metaclass, whose own code must not run."""


def methods_of(view: Any) -> tuple[str, ...]:
    """Returns the HTTP methods that a view's class defines; none if Django names no class."""
    cls: Any = vars(view).get("view_class") if type(view) is FunctionType else None
    if not issubclass(type(cls), type):
        return ()
    defined: set[str] = set().union(*map(_names, _mro(cls)))
    return tuple([method for method in _METHODS if method in defined])
