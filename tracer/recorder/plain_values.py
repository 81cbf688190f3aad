"""Plain strings and numbers in place of the application's values, for recordings to keep.

A value of the application may be any object. Even a string may be of the application's own class:
recording it would keep it alive, and everything that it holds. No code of the value's class runs.
"""

from __future__ import annotations

import sys
from typing import Any


def text(value: Any) -> str:
    """Returns a string as an exact `str`; for anything else, return the name of its class.

    Equal copies are shared: Django renders an included template under a new `SafeString` each time.
    """
    cls = type(value)
    if cls is str:
        return value  # type: ignore[no-any-return]
    return sys.intern(str.__str__(value)) if issubclass(cls, str) else cls.__name__


def number(value: Any) -> int | None:
    """Returns a whole number as an exact `int`, such as the 200 of `HTTPStatus.OK`; else None."""
    return int.__index__(value) if issubclass(type(value), int) else None
