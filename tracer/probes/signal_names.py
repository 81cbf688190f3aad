"""What signals, their senders and their receivers are called."""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from django.dispatch import Signal

_WITH_NAME = (FunctionType, BuiltinFunctionType, MethodType)


def receiver_name(receiver: Any) -> str:
    """Returns the qualified name of a function, method or class; for others, their class's name."""
    cls = type(receiver)
    if cls in _WITH_NAME or issubclass(cls, type):
        return str(receiver.__qualname__)
    return cls.__name__


def sender_name(sender: Any) -> str:
    """Returns a class's name; for others, their class's name. Never asks the object itself."""
    cls = type(sender)
    return str(sender.__name__) if issubclass(cls, type) else cls.__name__


class SignalNames:
    """The names that modules give to signals, by the signal's address. Searches modules once."""

    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def __call__(self, ident: int) -> str:
        if ident not in self.found:
            for module in list(sys.modules.values()):
                for name, value in list(getattr(module, "__dict__", {}).items()):
                    if issubclass(type(value), Signal):
                        self.found.setdefault(id(value), name)
        return self.found.setdefault(ident, "a signal")
