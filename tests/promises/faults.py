"""Faults, put into each place where the tracer's own code could have one.

`Places` finds the places: every call that code in `tracer/` makes while requests are served, be it
of a function of its own or of one of Python's. `raising_at` makes one of them raise.
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import tracer

OWN = str(Path(tracer.__file__).parent)
ASKING = str(Path(tracer.__file__).parent / "recording" / "handlers.py")
STANDARD = sysconfig.get_paths()["stdlib"]
Place = tuple[str, str, str]
"""(file, function of the tracer's that calls, what it calls)"""

CANNOT_RAISE = frozenset(
    {"ContextVar.get", "ContextVar.set", "dict.pop", "get_ident", "getpid", "id", "len"}
)
"""Python's own, on arguments that are always right."""
PASSED_ON = frozenset({"async_generator.aclose"})
"""The application's: what it raises is for the application."""
DEATH_CALLBACK = "WeakRefs._death_callback.<locals>.on_death"
"""Called by Python itself when an object dies, which raises what it raises to nobody."""


class InjectedFault(Exception):
    """The fault."""


def _is_own(code: CodeType) -> bool:
    # Whoever asks is the client's side, though the tracer has one to offer.
    asking = code.co_filename == ASKING
    return (code.co_filename.startswith(OWN) and not asking) or code.co_filename.startswith(
        "<tracer "
    )


def _is_application(code: CodeType) -> bool:
    name = code.co_filename
    return not _is_own(code) and ("site-packages" in name or not name.startswith((STANDARD, "<")))


@cache
def guards_itself(code: CodeType) -> bool:
    """Whether a function of the tracer's does everything within `try … except Exception`.

    Such a function cannot raise; the calls that it makes are places, and it is none.
    """
    if not code.co_filename.startswith(OWN):
        return False
    for node in ast.walk(_tree(os.path.normpath(code.co_filename))):
        if isinstance(node, _DEFS) and _first_line(node) == code.co_firstlineno:
            return all(_is_safe(statement) for statement in node.body)
    return False


_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _is_safe(statement: ast.stmt) -> bool:
    """A guard with all its parts, or something that calls nothing that could raise."""
    if isinstance(statement, ast.Try) and not statement.finalbody:
        kinds = {ast.unparse(each.type) if each.type else "" for each in statement.handlers}
        rest = [*statement.orelse, *(s for each in statement.handlers for s in each.body)]
        guarded = bool(kinds & {"Exception", "BaseException", ""})
        return guarded and all(_calls_nothing(each) for each in rest)
    return _calls_nothing(statement)


def _calls_nothing(statement: ast.stmt) -> bool:
    nodes = list(ast.walk(statement))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    # These are looked into on their own.
    unsafe = {name for name in called if name.rpartition(".")[2] not in ("fault", "finish")}
    return unsafe <= {"current.set"} and not any(isinstance(n, ast.With | ast.Raise) for n in nodes)


def _name(called: Any) -> str:
    owner = getattr(called, "__self__", None)
    if owner is None or isinstance(owner, type(sys)):
        return str(getattr(called, "__name__", called))
    return f"{type(owner).__name__}.{called.__name__}"


def _place(frame: FrameType, event: str, arg: Any) -> Place | None:
    """The place that this event is a call at, if code of the tracer's makes it."""
    if DEATH_CALLBACK in (
        frame.f_code.co_qualname,
        frame.f_back and frame.f_back.f_code.co_qualname,
    ):
        return None
    if event == "call":
        caller = frame.f_back
        if caller is None or not _is_own(caller.f_code) or not _is_own(frame.f_code):
            return None
        if guards_itself(frame.f_code):
            return None
        code, name = caller.f_code, frame.f_code.co_qualname
    elif event == "c_call" and _is_own(frame.f_code):
        code, name = frame.f_code, _name(arg)
    else:
        return None
    file = os.path.normpath(code.co_filename).rpartition("tracer/")[2]
    return file, code.co_qualname, name


class Places:
    """Every place met while `look` was at work, with those that lead to the application."""

    def __init__(self) -> None:
        self.met: dict[Place, str] = {}
        self.passing: set[Place] = set()
        self._open: list[Place | None] = []

    def look(self, label: str, call: Callable[[], Any]) -> None:
        """Call, and note the places; `label` says later where each was met first."""

        def listen(frame: FrameType, event: str, arg: Any) -> None:
            place = _place(frame, event, arg)
            if place is not None:
                self.met.setdefault(place, label)
            if event == "call" and _is_application(frame.f_code):
                self._pass(frame)
            elif event == "c_call" and _is_own(frame.f_code):
                self._open.append(place)
            elif event in ("c_return", "c_exception") and _is_own(frame.f_code) and self._open:
                self._open.pop()

        before = sys.getprofile()
        sys.setprofile(listen)
        try:
            call()
        finally:
            sys.setprofile(before)
            self._open.clear()

    def _pass(self, frame: FrameType) -> None:
        """The application is called: whatever is on the way to it is no place for a fault."""
        self.passing.update(place for place in self._open if place is not None)
        inner, outer = frame, frame.f_back
        while outer is not None:
            place = _place(inner, "call", None)
            if place is not None:
                self.passing.add(place)
            inner, outer = outer, outer.f_back

    def __iter__(self) -> Iterator[tuple[Place, str]]:
        """Each place for a fault, with the label of a call that meets it."""
        for place, label in sorted(self.met.items()):
            if place not in self.passing and place[2] not in CANNOT_RAISE | PASSED_ON:
                yield place, label


@contextmanager
def raising_at(place: Place) -> Iterator[list[str]]:
    """The first time that this place is met, it raises; the list tells whether it was."""
    met: list[str] = []

    def listen(frame: FrameType, event: str, arg: Any) -> None:
        if not met and _place(frame, event, arg) == place:
            met.append(place[2])
            raise InjectedFault(" ".join(place))

    before = sys.getprofile()
    sys.setprofile(listen)
    try:
        yield met
    finally:
        sys.setprofile(before)
