"""Reads what an object consists of, without running any code of its class."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

namespace_of: Callable[[type], types.MappingProxyType[str, Any]] = vars(type)["__dict__"].__get__
bases_of: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
namespace_of_module: Callable[[Any], dict[str, Any]] = vars(types.ModuleType)["__dict__"].__get__
_qualname: Callable[[type], Any] = vars(type)["__qualname__"].__get__
_module: Callable[[type], Any] = vars(type)["__module__"].__get__

_C_ATTRIBUTES = (
    "__self__", "__context__", "__cause__", "__traceback__", "args", "tb_next",
    "_coro", "_result", "_exception", "_loop", "gi_yieldfrom", "cr_await", "ag_await",
)  # fmt: skip
"""Attributes written in C that only return what the object holds."""


def is_a(item: object, kind: type) -> bool:
    """Like `isinstance`, but without asking the object: that would evaluate a lazy one."""
    return issubclass(type(item), kind)


def dotted_name(cls: type) -> str:
    """Returns the class's module and qualified name."""
    name = _qualname(cls)
    try:
        module = _module(cls)
    except AttributeError:  # made where there is no `__name__`
        module = None
    return f"{module}.{name}" if type(module) is str and module != "builtins" else str(name)


def is_found_by_name(cls: type) -> bool:
    """Whether its module leads to the class by its name: to one made for a request it does not."""
    try:
        module, names = sys.modules.get(_module(cls)), _qualname(cls).split(".")
    except (AttributeError, TypeError):
        return False
    found: Any = module
    for name in names:
        if is_a(found, types.ModuleType):
            found = namespace_of_module(found).get(name)
        elif is_a(found, type):
            found = namespace_of(found).get(name)
        else:
            return False
    return found is cls


def instance_dict(item: object) -> dict[str, Any] | None:
    """Returns the object's own attributes.

    Python 3.11 and 3.12 may make the dictionary for this; later Pythons keep it once it is made.
    """
    for cls in bases_of(type(item)):
        member = namespace_of(cls).get("__dict__")
        if type(member) in (types.GetSetDescriptorType, types.MemberDescriptorType):
            own = member.__get__(item, type(item))  # type: ignore[union-attr]
            return own if type(own) is dict else None
    return None


def referents(item: object) -> list[Any]:
    """Returns what the object holds; of a module only its globals.

    Some modules written in C show the collector objects that are freed already: `_asyncio` of
    Python 3.12 does. To refer to one and let it go frees it twice.
    """
    return [namespace_of_module(item)] if is_a(item, types.ModuleType) else gc.get_referents(item)


def c_attributes(item: object) -> Iterator[tuple[str, object]]:
    """Yields the name and value of each slot, and of some attributes that are written in C."""
    for cls in bases_of(type(item)):
        for name, member in list(namespace_of(cls).items()):
            if type(member) is types.MemberDescriptorType or (
                type(member) is types.GetSetDescriptorType and name in _C_ATTRIBUTES
            ):
                try:
                    yield name, member.__get__(item, type(item))
                except AttributeError:
                    continue


def class_dict(cls: type) -> object:
    """Returns the dictionary behind the class's namespace."""
    return gc.get_referents(namespace_of(cls))[0]


def variables(frame: types.FrameType, holder: object) -> dict[str, object]:
    """Returns the variables of a function that does not run: suspended, or ended by an exception.

    `holder` is the generator or the frame that refers to them for the collector. Before Python 3.13
    reading them leaves a copy in the frame, which would keep the values alive.
    """
    if sys.version_info >= (3, 13):
        return dict(frame.f_locals)
    known = set(map(id, gc.get_referents(holder)))
    copied = frame.f_locals
    found = dict(copied)
    if frame.f_code.co_flags & _OPTIMIZED and id(copied) not in known:
        copied.clear()
    return found


_OPTIMIZED = 1
"""Flag of a function's code: its variables are no dictionary."""


def own_modules() -> Iterator[types.ModuleType]:
    """Yields the tracer's own modules."""
    for name, module in list(sys.modules.items()):
        if is_own(name) and is_a(module, types.ModuleType):
            yield module


def is_own(module: object) -> bool:
    """Returns whether this is the name of one of the tracer's modules."""
    return type(module) is str and (module == "tracer" or module.startswith("tracer."))


def by_address(items: Iterable[Any]) -> dict[int, Any]:
    """Returns the objects with their addresses as keys. None is hashed."""
    items = list(items)
    return dict(zip(map(id, items), items, strict=True))
