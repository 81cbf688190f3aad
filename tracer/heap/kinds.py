"""The kinds of roots, and which types belong to them.

A thread's storage, a thread, an event loop, a context and a task hold objects only for as long as
they live themselves. So a walk does not go through them while it looks for what modules hold.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator
from contextvars import Context
from typing import Any

MODULE = "module"
THREAD = "thread"
STANDING = "standing"
RUNNING = "running"
LOOP = "loop"
CONTEXT = "context"
TASK = "task"
IN_ORDER = (STANDING, MODULE, THREAD, RUNNING, LOOP, CONTEXT, TASK)
"""On one path a later kind counts: what a module's task holds is held by the task."""


class Kinds:
    """The types of each kind, subclasses included. No class of the application is kept alive."""

    def __init__(self) -> None:
        events = vars(sys.modules.get("asyncio.events", object))
        tasks = vars(sys.modules.get("asyncio.tasks", object))
        self._bases: dict[str, tuple[Any, ...]] = {
            THREAD: (threading.local,),
            RUNNING: (threading.Thread,),
            LOOP: (events.get("AbstractEventLoop"),),
            CONTEXT: (Context,),
            TASK: (tasks.get("_CTask"), tasks.get("_PyTask")),
        }
        self.modules = frozenset(map(id, _with_subclasses(types.ModuleType)))
        """The addresses of the types of modules."""
        self.tracebacks = frozenset(map(id, (types.TracebackType, types.FrameType)))
        """The addresses of the types by which an exception holds the functions it left."""
        self.of = {id(cls): kind for kind in self._bases for cls in self.classes(kind)}

    def classes(self, kind: str) -> list[type]:
        """Returns the classes of this kind that there are now."""
        bases = [base for base in self._bases[kind] if base is not None]
        return [cls for base in bases for cls in _with_subclasses(base)]

    def only(self, *kinds: str) -> frozenset[int]:
        """Returns the addresses of the types of these kinds."""
        return frozenset(key for key, kind in self.of.items() if kind in kinds)


def _with_subclasses(root: type) -> Iterator[type]:
    left = [root]
    while left:
        cls = left.pop()
        yield cls
        left += type.__subclasses__(cls)
