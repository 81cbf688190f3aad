"""Plain strings and numbers in place of what the application gave, which may be any object.

A recording keeps these. An object of the application's own class, even one that is a string, would
live longer for being recorded, and so would everything that it holds. No code of the object's runs.
"""

from __future__ import annotations

import sys
from typing import Any


def text(value: Any) -> str:
    """Return a string as an exact `str`; for anything else the name of its class.

    Copies are shared: Django renders an included template under a new `SafeString` each time.
    """
    cls = type(value)
    if cls is str:
        return value  # type: ignore[no-any-return]
    return sys.intern(str.__str__(value)) if issubclass(cls, str) else cls.__name__


def number(value: Any) -> int | None:
    """Return a whole number as an exact `int`, such as the 200 of `HTTPStatus.OK`; else None."""
    return int.__index__(value) if issubclass(type(value), int) else None
