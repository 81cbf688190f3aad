"""What holds an object: the path from a module's global, or from a running function, down to it.

The search climbs through the garbage collector's referrers, for all objects at once, until it
reaches such roots; then it walks down again from them. Each step up looks at every object of the
process once and takes tens of milliseconds, so it is never done while a request is in flight.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from collections import deque
from collections.abc import Iterable
from typing import Any

_MAX_STEPS = 12
_MAX_WIDTH = 300
"""Objects looked at in each step. A wider front is cut, and a path may then not be found."""


CAN_READ_FRAMES = sys.version_info >= (3, 13)
"""Whether a running function's variables can be read without leaving a copy in its frame."""


def paths(
    objects: dict[int, Any], seconds: float = 1.0, running: bool = CAN_READ_FRAMES
) -> dict[int, str]:
    """Returns for each token whose object is found to be held the shortest path to it.

    `objects` maps tokens to objects. No step begins after `seconds` of this thread's own CPU time,
    so that the result does not depend on what else the machine does. With `running`, the variables
    of running functions are searched too.
    """
    search = _Search(objects, time.thread_time() + seconds, running)
    search.climb()
    found: dict[int, str] = {}
    for token, obj in objects.items():
        chain = search.chain(obj)
        if chain:
            found[token] = _spell(search.roots[id(chain[0])], chain)
    return found


class _Search:
    """One search. It ignores its own containers, for they are referrers of what they contain."""

    def __init__(self, objects: dict[int, Any], deadline: float, running: bool) -> None:
        self.running = running
        self.targets = list(objects.values())
        self.deadline = deadline
        self.roots = _roots()
        self.known: dict[int, Any] = {}
        self.held_by: dict[int, list[Any]] = {}
        """Address of a retainer to what it holds, among the objects looked at."""
        self.reached_roots: list[Any] = []
        self.retainer_of: dict[int, Any] = {}
        own = (
            objects, self, vars(self), self.targets, self.known, self.reached_roots,
            self.retainer_of,
        )  # fmt: skip
        self.own = {id(item) for item in own}

    def climb(self) -> None:
        """Climbs until every target is reached from a root, or time or steps run out."""
        front = self.targets
        self.known.update((id(item), item) for item in front)
        for _ in range(_MAX_STEPS):
            front = self._step(front)
            self.own.add(id(front))
            self._descend()
            reached = all(id(target) in self.retainer_of for target in self.targets)
            if reached:
                return
            if not front or time.thread_time() > self.deadline:
                break
        if self.running:
            self._search_frames()
        self._descend()

    def _search_frames(self) -> None:
        """Adds the local variables of running functions, which the collector does not report."""
        for frame in _running_frames():
            held = [value for value in frame.f_locals.values() if id(value) in self.known]
            if held:
                self.held_by[id(frame)] = held
                self.reached_roots.append(frame)

    def _step(self, front: list[Any]) -> list[Any]:
        """Finds what holds the front, and returns it as the next front."""
        asked = {id(item) for item in front}
        next_front: list[Any] = []
        retainers = gc.get_referrers(*front)
        self.own |= {id(next_front), id(retainers)}
        for retainer in retainers:
            key = id(retainer)
            if key in self.own or _is_own_frame(retainer):
                continue
            held = [item for item in gc.get_referents(retainer) if id(item) in asked]
            self.own.add(id(held))
            if key in self.held_by:
                self.held_by[key].extend(held)
            else:
                self.held_by[key] = held
            if self._is_root(retainer):
                self.reached_roots.append(retainer)
            elif key not in self.known:
                self.known[key] = retainer
                next_front.append(retainer)
        return sorted(next_front, key=lambda item: type(item) is types.FrameType)[:_MAX_WIDTH]

    def _descend(self) -> None:
        """Notes the retainer of everything that is reachable from the roots, nearest first."""
        self.retainer_of.clear()
        queue = deque(self.reached_roots)
        self.own.add(id(queue))
        while queue:
            retainer = queue.popleft()
            for held in self.held_by.get(id(retainer), ()):
                if id(held) not in self.retainer_of and not self._is_root(held):
                    self.retainer_of[id(held)] = retainer
                    queue.append(held)

    def _is_root(self, item: Any) -> bool:
        """Returns whether a path begins here. A frame's address may by now be another object's."""
        name = self.roots.get(id(item))
        return name is not None and name.startswith("<") == (type(item) is types.FrameType)

    def chain(self, target: Any) -> list[Any]:
        """Returns the objects from a root down to the target; empty if no root leads to it."""
        chain = [target]
        while not self._is_root(chain[-1]):
            retainer = self.retainer_of.get(id(chain[-1]))
            if retainer is None:
                return []
            chain.append(retainer)
        chain.reverse()
        return chain


def _roots() -> dict[int, str]:
    """Returns the address and name of each root: modules' globals, and running functions."""
    roots = {
        id(vars(module)): name
        for name, module in list(sys.modules.items())
        if _is_a(module, types.ModuleType) and not name.startswith("tracer.")
    }
    for frame in _running_frames():
        # The thread that runs the frame keeps it alive, as long as the function runs.
        code = frame.f_code
        roots[id(frame)] = f"<running {frame.f_globals.get('__name__', '?')}.{code.co_name}>"
    return roots


def _running_frames() -> Iterable[types.FrameType]:
    frames: list[types.FrameType | None] = list(sys._current_frames().values())
    while frames:
        # This function's own frame is among them. In a variable that outlives the loop it would
        # keep itself alive until the next collection, and all that the search knows.
        frame = frames.pop()
        while frame is not None:
            if not _is_own_frame(frame):
                yield frame
            frame = frame.f_back


def _is_own_frame(item: Any) -> bool:
    """Returns whether this is a frame of the tracer's own. What it holds does not count."""
    return type(item) is types.FrameType and str(item.f_globals.get("__name__", "")).startswith(
        "tracer."
    )


def _is_a(item: Any, kind: Any) -> bool:
    """Like `isinstance`, but without asking the object: that would evaluate a lazy one."""
    return issubclass(type(item), kind)


def _spell(module: str, chain: list[Any]) -> str:
    """Writes the chain in Python's own notation where there is one."""
    text = module
    for index in range(len(chain) - 1):
        retainer, held = chain[index], chain[index + 1]
        owner = chain[index - 1] if index else None
        if _is_a(retainer, dict):
            attributes = owner is None or _is_namespace_of(owner, retainer)
            text += _entry(retainer, held, attributes)
        elif _is_a(retainer, list | tuple):
            items = (list if _is_a(retainer, list) else tuple).__iter__(retainer)
            text += next((f"[{i}]" for i, item in enumerate(items) if item is held), "[…]")
        else:
            text += _member(retainer, held)
    return text


def _is_namespace_of(owner: Any, namespace: dict[Any, Any]) -> bool:
    return _is_a(owner, type) or _instance_dict(owner) is namespace


def _entry(retainer: dict[Any, Any], held: Any, attributes: bool) -> str:
    """Writes a dictionary's entry. Text keys of plain dictionaries are data, and are left out."""
    for key, value in list(dict.items(retainer)):
        if value is held:
            if attributes:
                return f".{key}"
            return f"[{key!r}]" if type(key) in (int, bool, type(None)) else "['…']"
    return "{…}"


def _member(retainer: Any, held: Any) -> str:
    """Writes a step down from an object that is no plain container."""
    if type(retainer) is types.CellType or _is_namespace_of(retainer, held):
        return ""
    if type(retainer) is types.MethodType:
        return ".__self__" if retainer.__self__ is held else ".__func__"
    if type(retainer) is types.FunctionType:
        return ".<closure>"
    if type(retainer) is types.FrameType:
        names = [name for name, value in list(retainer.f_locals.items()) if value is held]
        return f".{names[0]}" if names else ""
    own = _instance_dict(retainer) or {}
    for name, value in list(own.items()):
        if value is held:
            return f".{name}"
    for name in _slots(type(retainer)):
        if _slot(retainer, name) is held:
            return f".{name}"
    return f".<{type(retainer).__name__}>"


def _instance_dict(retainer: Any) -> dict[str, Any] | None:
    """Returns the object's own attributes, without running any code of its class."""
    try:
        own = object.__getattribute__(retainer, "__dict__")
    except AttributeError:
        return None
    return own if _is_a(own, dict) else None


def _slots(cls: type) -> list[str]:
    return [
        name
        for base in cls.__mro__
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType)
    ]


def _slot(retainer: Any, name: str) -> Any:
    try:
        return object.__getattribute__(retainer, name)
    except AttributeError:
        return None
