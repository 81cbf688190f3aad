"""What holds an object: the path from a module's global, or from a running function, down to it.

Walks upwards through the garbage collector's referrers, all objects in question together, then
down again from what it found on top. Each step up looks at every object of the process once and
takes tens of milliseconds, so it is never done while a request is in flight.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from collections import deque
from collections.abc import Iterable
from typing import Any

_STEPS = 12
_WIDTH = 300
"""Objects looked at in each step; a wider front is cut, and a path may then not be found."""


LOOKING_IS_HARMLESS = sys.version_info >= (3, 13)
"""Whether a running function's variables can be read without a copy staying in its frame."""


def paths(
    objects: dict[int, Any], seconds: float = 1.0, running: bool = LOOKING_IS_HARMLESS
) -> dict[int, str]:
    """Return for each token whose object is found to be held the shortest path to it.

    `objects` maps tokens to objects. No step is begun after `seconds` of this thread's own work:
    what is found must not depend on what else the machine does. `running`: look into the variables
    of running functions too.
    """
    search = _Search(objects, time.thread_time() + seconds, running)
    search.up()
    found: dict[int, str] = {}
    for token, obj in objects.items():
        chain = search.chain(obj)
        if chain:
            found[token] = _spell(search.tops[id(chain[0])], chain)
    return found


class _Search:
    """One walk. Whatever it keeps in containers of its own would itself be a referrer."""

    def __init__(self, objects: dict[int, Any], deadline: float, running: bool) -> None:
        self.running = running
        self.targets = list(objects.values())
        self.deadline = deadline
        self.tops = _tops()
        self.known: dict[int, Any] = {}
        self.below: dict[int, list[Any]] = {}
        """Address of a holder to what it holds, among what was looked at."""
        self.roots: list[Any] = []
        self.above: dict[int, Any] = {}
        own = (objects, self, vars(self), self.targets, self.known, self.roots, self.above)
        self.mine = {id(item) for item in own}

    def up(self) -> None:
        """Climb until every target is reached from a root, or time or steps are over."""
        front = self.targets
        self.known.update((id(item), item) for item in front)
        for _ in range(_STEPS):
            front = self._step(front)
            self.mine.add(id(front))
            self._down()
            reached = all(id(target) in self.above for target in self.targets)
            if reached:
                return
            if not front or time.thread_time() > self.deadline:
                break
        if self.running:
            self._look_into_functions()
        self._down()

    def _look_into_functions(self) -> None:
        """Local variables of functions that are running: the collector does not tell of them."""
        for frame in _running():
            held = [value for value in frame.f_locals.values() if id(value) in self.known]
            if held:
                self.below[id(frame)] = held
                self.roots.append(frame)

    def _step(self, front: list[Any]) -> list[Any]:
        """Find what holds the front; return the next one."""
        asked = {id(item) for item in front}
        above: list[Any] = []
        holders = gc.get_referrers(*front)
        self.mine |= {id(above), id(holders)}
        for holder in holders:
            key = id(holder)
            if key in self.mine or _ours(holder):
                continue
            held = [item for item in gc.get_referents(holder) if id(item) in asked]
            self.mine.add(id(held))
            if key in self.below:
                self.below[key].extend(held)
            else:
                self.below[key] = held
            if self._is_top(holder):
                self.roots.append(holder)
            elif key not in self.known:
                self.known[key] = holder
                above.append(holder)
        return sorted(above, key=lambda item: type(item) is types.FrameType)[:_WIDTH]

    def _down(self) -> None:
        """Note for everything reachable from the roots what leads to it, nearest first."""
        self.above.clear()
        queue = deque(self.roots)
        self.mine.add(id(queue))
        while queue:
            holder = queue.popleft()
            for held in self.below.get(id(holder), ()):
                if id(held) not in self.above and not self._is_top(held):
                    self.above[id(held)] = holder
                    queue.append(held)

    def _is_top(self, item: Any) -> bool:
        """Whether a path begins here. A frame's address is another's once its function is over."""
        name = self.tops.get(id(item))
        return name is not None and name.startswith("<") == (type(item) is types.FrameType)

    def chain(self, target: Any) -> list[Any]:
        """From a root down to the target; empty if none leads there."""
        chain = [target]
        while not self._is_top(chain[-1]):
            holder = self.above.get(id(chain[-1]))
            if holder is None:
                return []
            chain.append(holder)
        chain.reverse()
        return chain


def _tops() -> dict[int, str]:
    """Where paths begin: modules' globals, and the functions that threads are running."""
    tops = {
        id(vars(module)): name
        for name, module in list(sys.modules.items())
        if _is_a(module, types.ModuleType) and not name.startswith("tracer.")
    }
    for frame in _running():
        # Kept alive by the thread that runs it, for as long as that is inside.
        code = frame.f_code
        tops[id(frame)] = f"<running {frame.f_globals.get('__name__', '?')}.{code.co_name}>"
    return tops


def _running() -> Iterable[types.FrameType]:
    frames: list[types.FrameType | None] = list(sys._current_frames().values())
    while frames:
        # This function's own frame is among them: kept in a variable it would keep itself,
        # and all that the search knows, until the next collection.
        frame = frames.pop()
        while frame is not None:
            if not _ours(frame):
                yield frame
            frame = frame.f_back


def _ours(holder: Any) -> bool:
    """Frames of the tracer's own hold nothing that counts."""
    return type(holder) is types.FrameType and str(holder.f_globals.get("__name__", "")).startswith(
        "tracer."
    )


def _is_a(item: Any, kind: Any) -> bool:
    """`isinstance`, but for asking the object: a lazy one would be evaluated by that."""
    return issubclass(type(item), kind)


def _spell(module: str, chain: list[Any]) -> str:
    """Write the chain in Python's own notation where there is one."""
    text = module
    for index in range(len(chain) - 1):
        holder, held = chain[index], chain[index + 1]
        owner = chain[index - 1] if index else None
        if _is_a(holder, dict):
            attributes = owner is None or _attributes_of(owner, holder)
            text += _entry(holder, held, attributes)
        elif _is_a(holder, list | tuple):
            items = (list if _is_a(holder, list) else tuple).__iter__(holder)
            text += next((f"[{i}]" for i, item in enumerate(items) if item is held), "[…]")
        else:
            text += _member(holder, held)
    return text


def _attributes_of(owner: Any, namespace: dict[Any, Any]) -> bool:
    return _is_a(owner, type) or _instance_dict(owner) is namespace


def _entry(holder: dict[Any, Any], held: Any, attributes: bool) -> str:
    """A dictionary's entry. Text keys of plain dictionaries are data, and stay unsaid."""
    for key, value in list(dict.items(holder)):
        if value is held:
            if attributes:
                return f".{key}"
            return f"[{key!r}]" if type(key) in (int, bool, type(None)) else "['…']"
    return "{…}"


def _member(holder: Any, held: Any) -> str:
    """A step down from an object that is no plain container."""
    if type(holder) is types.CellType or _attributes_of(holder, held):
        return ""
    if type(holder) is types.MethodType:
        return ".__self__" if holder.__self__ is held else ".__func__"
    if type(holder) is types.FunctionType:
        return ".<closure>"
    if type(holder) is types.FrameType:
        names = [name for name, value in list(holder.f_locals.items()) if value is held]
        return f".{names[0]}" if names else ""
    own = _instance_dict(holder) or {}
    for name, value in list(own.items()):
        if value is held:
            return f".{name}"
    for name in _slots(type(holder)):
        if _slot(holder, name) is held:
            return f".{name}"
    return f".<{type(holder).__name__}>"


def _instance_dict(holder: Any) -> dict[str, Any] | None:
    """The object's own attributes, without running any code of its class."""
    try:
        own = object.__getattribute__(holder, "__dict__")
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


def _slot(holder: Any, name: str) -> Any:
    try:
        return object.__getattribute__(holder, name)
    except AttributeError:
        return None
