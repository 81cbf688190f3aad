"""Wrappers that neither a warning nor a log record nor a traceback shows.

A warning names its caller by counting frames, and so does a log record. Both pass over frames of
Python's import system, which they know by their file's name: it contains "importlib" and
"_bootstrap". So do the names that the code of our wrappers gets here. Such a name leads to the same
file as before, through a directory that is not there: coverage and debuggers still find it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, Final

MARK: Final = "importlib_bootstrap"
_TRACEBACK: Final = vars(BaseException)["__traceback__"]
"""Read and set by this: an exception's class may have ideas of its own about attributes."""


def pass_over(module: str) -> None:
    """Have warnings and log records pass over all functions of a module, and those within them.

    To be called as the last thing that the module does when it is imported.
    """
    for function in _functions(vars(sys.modules[module]), module):
        function.__code__ = _renamed(function.__code__)


def drop_own_frames(exc: BaseException) -> None:
    """Take a wrapper's frame out of the traceback of an exception that passes through it."""
    try:
        traceback = _TRACEBACK.__get__(exc)
        while traceback is not None and MARK in traceback.tb_frame.f_code.co_filename:
            traceback = traceback.tb_next
        _TRACEBACK.__set__(exc, traceback)
    except Exception:
        return


def _functions(names: Any, module: str) -> Iterator[FunctionType]:
    """The functions that a module or one of its classes defines."""
    for value in list(names.values()):
        kind = type(value)
        function = value.__func__ if kind in (classmethod, staticmethod) else value
        if type(function) is FunctionType and function.__module__ == module:
            yield function
        elif issubclass(kind, type) and value.__module__ == module:
            yield from _functions(vars(value), module)


def _renamed(code: CodeType) -> CodeType:
    """The same code, and that of all functions within it, under another file name."""
    directory, name = os.path.split(code.co_filename)
    within = (_renamed(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(
        co_filename=os.path.join(directory, MARK, os.pardir, name), co_consts=tuple(within)
    )
