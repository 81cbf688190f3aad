"""Functions of the tracer that no warning, log record or traceback shows.

A warning names its caller by counting stack frames, and so does a log record. Both skip the frames
of Python's import system, which they know by their file's name: it contains "importlib" and
"_bootstrap". The code of our wrappers gets such a file name here. The name still leads to the same
file, through a directory that does not exist, so coverage and debuggers find it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, Final

HIDDEN: Final = "importlib_bootstrap"
"""The part of a file name that makes a frame hidden."""
_TRACEBACK: Final = vars(BaseException)["__traceback__"]
"""Reads and sets it past the exception's class, which may define attribute access of its own."""


def hide_functions(module: str) -> None:
    """Hides all functions of a module, and those nested in them.

    The module calls this as the last thing when it is imported.
    """
    for function in _functions(vars(sys.modules[module]), module):
        function.__code__ = _hidden(function.__code__)


def drop_own_frames(exc: BaseException) -> None:
    """Removes a wrapper's frame from the traceback of an exception that passes through it."""
    try:
        traceback = _TRACEBACK.__get__(exc)
        while traceback is not None and HIDDEN in traceback.tb_frame.f_code.co_filename:
            traceback = traceback.tb_next
        _TRACEBACK.__set__(exc, traceback)
    except Exception:
        return


def _functions(names: Any, module: str) -> Iterator[FunctionType]:
    """Yields the functions that a module or one of its classes defines."""
    for value in list(names.values()):
        kind = type(value)
        function = value.__func__ if kind in (classmethod, staticmethod) else value
        if type(function) is FunctionType and function.__module__ == module:
            yield function
        elif issubclass(kind, type) and value.__module__ == module:
            yield from _functions(vars(value), module)


def _hidden(code: CodeType) -> CodeType:
    """Returns the same code, and that of all functions nested in it, under a hidden file name."""
    directory, name = os.path.split(code.co_filename)
    nested = (_hidden(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(
        co_filename=os.path.join(directory, HIDDEN, os.pardir, name), co_consts=tuple(nested)
    )
