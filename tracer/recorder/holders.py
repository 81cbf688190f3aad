"""What holds an object: the path from a module's global down to it.

Walks the garbage collector's referrers, breadth first, from the objects up. It takes tens of
milliseconds for each step of a path, so it is never done while a request is in flight.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterable
from typing import Any

_STEPS = 12
_WIDTH = 200
"""Objects looked at in each step; a wider front is cut, and a path may then not be found."""


def paths(objects: dict[int, Any], ignore: Iterable[Any] = ()) -> dict[int, str]:
    """Return for each token whose object is reachable from a module the shortest path found.

    `objects` maps tokens to objects; `ignore` names the tracer's own containers.
    """
    modules = {
        id(vars(module)): name
        for name, module in list(sys.modules.items())
        if isinstance(module, types.ModuleType)
    }
    found: dict[int, str] = {}
    for token, obj in objects.items():
        path = _Search(obj, modules, {id(item) for item in ignore} | {id(objects)}).path()
        if path is not None:
            found[token] = path
    return found


class _Search:
    """One walk upwards. Two dictionaries, for a tuple per step would itself be a referrer."""

    def __init__(self, target: Any, modules: dict[int, str], ignored: set[int]) -> None:
        self.target = target
        self.modules = modules
        self.ignored = ignored
        self.holders: dict[int, Any] = {id(target): target}
        self.held: dict[int, Any] = {}
        self.ignored |= {id(self), id(self.holders), id(self.held), id(vars(self))}

    def path(self) -> str | None:
        """Return the path found, or None."""
        front = [self.target]
        for _ in range(_STEPS):
            above: list[Any] = []
            self.ignored |= {id(front), id(above)}
            for held in front:
                top = self._above(held, above)
                if top is not None:
                    return _spell(self.modules[id(top)], self._chain(top))
            front = _likely_first(above)
            if not front:
                return None
        return None

    def _above(self, held: Any, above: list[Any]) -> Any:
        """Collect what holds `held`; return a module's globals if they do."""
        for holder in gc.get_referrers(held):
            key = id(holder)
            if key in self.holders or key in self.ignored or _ours(holder):
                continue
            self.holders[key] = holder
            self.held[key] = held
            if key in self.modules:
                return holder
            if len(above) < _WIDTH:
                above.append(holder)
        return None

    def _chain(self, top: Any) -> list[Any]:
        """From the module's globals down to the target."""
        chain = [top]
        while chain[-1] is not self.target:
            chain.append(self.held[id(chain[-1])])
        return chain


def _ours(holder: Any) -> bool:
    """Frames of this walk hold nothing that counts."""
    return isinstance(holder, types.FrameType) and str(
        holder.f_globals.get("__name__", "")
    ).startswith("tracer.")


def _likely_first(front: list[Any]) -> list[Any]:
    """Containers and instance dictionaries before frames and cells."""
    return sorted(front, key=lambda item: isinstance(item, types.FrameType))


def _spell(module: str, chain: list[Any]) -> str:
    """Write the chain in Python's own notation where there is one."""
    text = module
    for index in range(len(chain) - 1):
        holder, held = chain[index], chain[index + 1]
        owner = chain[index - 1] if index else None
        if isinstance(holder, dict):
            attributes = owner is None or _attributes_of(owner, holder)
            text += _entry(holder, held, attributes)
        elif isinstance(holder, list | tuple):
            text += next((f"[{i}]" for i, item in enumerate(holder) if item is held), "[…]")
        else:
            text += _member(holder, held)
    return text


def _attributes_of(owner: Any, namespace: dict[Any, Any]) -> bool:
    return isinstance(owner, type) or _instance_dict(owner) is namespace


def _entry(holder: dict[Any, Any], held: Any, attributes: bool) -> str:
    """A dictionary's entry. Text keys of plain dictionaries are data, and stay unsaid."""
    for key, value in list(holder.items()):
        if value is held:
            if attributes:
                return f".{key}"
            return f"[{key!r}]" if type(key) in (int, bool, type(None)) else "['…']"
    return "{…}"


def _member(holder: Any, held: Any) -> str:
    """A step down from an object that is no plain container."""
    if isinstance(holder, types.CellType) or _attributes_of(holder, held):
        return ""
    if isinstance(holder, types.MethodType):
        return ".__self__" if holder.__self__ is held else ".__func__"
    if isinstance(holder, types.FunctionType):
        return ".<closure>"
    if isinstance(holder, types.FrameType):
        names = [name for name, value in list(holder.f_locals.items()) if value is held]
        return f".<running {holder.f_code.co_name}>" + (f".{names[0]}" if names else "")
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
    return own if isinstance(own, dict) else None


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
