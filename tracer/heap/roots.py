"""Where the walk down begins: modules, standing objects, running threads and functions."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tracer.heap import inside, kinds

CAN_READ_FRAMES = sys.version_info >= (3, 13)
"""Whether a running function's variables can be read without leaving a copy in its frame."""


class Root(NamedTuple):
    """An object that a path begins at, how the path spells it, and its kind."""

    text: str
    item: Any
    kind: str


def modules() -> Iterator[Root]:
    """Yields the modules."""
    for name, module in list(sys.modules.items()):
        yield Root(name, module, kinds.MODULE)


def standing(refs: list[Callable[[], Any]]) -> Iterator[Root]:
    """Yields these objects under the names of their classes."""
    for ref in refs:
        item = ref()
        if item is not None:
            yield Root(inside.dotted_name(type(item)), item, kinds.STANDING)


def threads() -> Iterator[Root]:
    """Yields the threads that run, but for the tracer's."""
    for thread in list(active_threads().values()):
        if not is_own_thread(thread):
            name = (inside.instance_dict(thread) or {}).get("_name")
            yield Root(f'thread "{name if type(name) is str else "?"}"', thread, kinds.RUNNING)


def is_own_thread(thread: object) -> bool:
    """Returns whether this thread runs a function of the tracer's."""
    function = (inside.instance_dict(thread) or {}).get("_target")
    if type(function) is types.MethodType:
        function = function.__func__
    if type(function) is not types.FunctionType:
        return False
    return inside.is_own(function.__globals__.get("__name__"))


def active_threads() -> dict[int, threading.Thread]:
    """Returns Python's own table of the threads that run."""
    active: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
    return active


def variables() -> Iterator[Root]:
    """Yields the variables of the functions that run, but for the tracer's."""
    if not CAN_READ_FRAMES:
        return
    frames: list[types.FrameType | None] = list(sys._current_frames().values())
    while frames:
        # This function's own frame is among them. In a variable that outlives the loop it would
        # keep itself alive until the next collection.
        frame = frames.pop()
        while frame is not None:
            name = dict.get(frame.f_globals, "__name__")
            if not inside.is_own(name) and frame.f_globals is not frame.f_locals:
                text = f"<running {name}.{frame.f_code.co_qualname}>"
                for variable, value in list(frame.f_locals.items()):
                    yield Root(f"{text}.{variable}", value, kinds.RUNNING)
            frame = frame.f_back


def refuge_of_threads() -> Iterator[object]:
    """Yields Python's own tables of threads: a thread is in them for as long as it runs."""
    yield active_threads()
    yield threading._limbo  # type: ignore[attr-defined]
    yield getattr(threading, "_dangling", None)
