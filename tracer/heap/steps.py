"""How one step of a path is spelled: from an object to what it holds."""

from __future__ import annotations

import collections
import functools
import gc
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from itertools import compress, count
from typing import Any, NamedTuple

from tracer.heap import inside

Children = Mapping[int, Any]
"""The address of each object that is held to the object."""


class Step(NamedTuple):
    """How a path goes on."""

    text: str
    spot: str
    read: Reader | None = None
    """Spells what the child holds, if that depends on what the child is for its holder."""
    anew: bool = False
    """Whether the path begins anew here: a class has a name of its own."""
    thread: int = 0
    storage: int = 0
    keyed: bool | None = None
    """Whether a key that is data leads to the child; None for what is no item by itself."""


Steps = dict[int, Step]
Reader = Callable[[Any, Children], Steps]
NOTHING = Step("", "")
PARAMETER = "({}=…)"
"""A default argument is written as `app.urls.history(log=…)`: the function and the parameter."""


def same(text: str, read: Reader | None = None) -> Step:
    """Returns a step that is no item: path and spot spell it alike."""
    return Step(text, text, read)


def spell(item: Any, children: Children) -> Steps:
    """Returns the step to each child that can be named, by the type of what holds it."""
    steps: Steps = {}
    for kind, read in _READERS:
        if inside.is_a(item, kind):
            steps = read(item, children)
            break
    left = {key: child for key, child in children.items() if key not in steps}
    return steps | _attributes(item, left) if left else steps


def unknown(item: Any) -> Step:
    """Returns the step from an object that does not show what it holds as what."""
    return same(f".<{inside.dotted_name(type(item)).rpartition('.')[2]}>")


def _where(values: Iterable[Any], children: Children, labels: Iterable[Any]) -> list[Any]:
    """Returns (label, value) of each value that is a child, the first one last."""
    values = list(values)
    is_child = map(children.__contains__, map(id, values))
    return list(compress(zip(labels, values, strict=False), is_child))[::-1]


def _sequence(kind: Any, keyed: bool | None = False) -> Reader:
    def read(item: Any, children: Children) -> Steps:
        found = _where(kind.__iter__(item), children, count())
        return {id(value): Step(f"[{index}]", "[*]", keyed=keyed) for index, value in found}

    return read


def _set(kind: Any) -> Reader:
    def read(item: Any, children: Children) -> Steps:
        found = _where(kind.__iter__(item), children, count())
        return {id(value): Step(".<set>", "[*]", keyed=False) for _, value in found}

    return read


def _entries(item: dict[Any, Any], children: Children) -> list[tuple[Any, Any]]:
    """Returns the dictionary's (key, value) pairs whose value is a child, first ones last."""
    keys, values = list(dict.keys(item)), list(dict.values(item))
    return _where(values, children, keys) if len(keys) == len(values) else []


def dictionary(item: dict[Any, Any], children: Children) -> Steps:
    """Spells entries by their keys, if these are no data."""
    keys = _where(dict.keys(item), children, count())
    steps = {id(key): same(".<key>") for _, key in keys}
    return steps | {id(value): _entry(key) for key, value in _entries(item, children)}


def _entry(key: Any) -> Step:
    kind = type(key)
    if kind in (int, bool, type(None)):
        return Step(f"[{key!r}]", "[*]", keyed=True)
    if issubclass(kind, type):
        return same(f"[{inside.dotted_name(key)}]")
    if kind is not str:
        return Step("[…]", "[*]", keyed=True)
    return same(f"['{key}']") if key in sys.modules else Step("['…']", "[*]", keyed=True)


def namespace(item: dict[Any, Any], children: Children) -> Steps:
    """Spells the entries of a dictionary that holds attributes or a module's globals."""
    return {
        id(value): same(f".{key}") if type(key) is str and key.isidentifier() else _entry(key)
        for key, value in _entries(item, children)
    }


def _class(item: type, children: Children) -> Steps:
    own = id(inside.class_dict(item))
    return {
        key: Step("", "", namespace)
        if key == own
        else Step("", "", _classes)
        if type(child) is tuple
        else _begin_at(child, ".__class__" if child is type(item) else ".__base__")
        for key, child in children.items()
        if key == own or type(child) is tuple or inside.is_a(child, type)
    }


def _classes(_item: Any, children: Children) -> Steps:
    """Spells the step from a class's tuple of bases: each base has a name of its own."""
    return {
        key: _begin_at(child, ".__base__") if inside.is_a(child, type) else same(".<bases>")
        for key, child in children.items()
    }


def _begin_at(cls: type, otherwise: str = ".__class__") -> Step:
    if not inside.is_found_by_name(cls):
        return same(otherwise, _class)
    name = inside.dotted_name(cls)
    return Step(name, name, _class, anew=True)


def _function(item: types.FunctionType, children: Children) -> Steps:
    code = item.__code__
    positional = code.co_varnames[: code.co_argcount][-len(item.__defaults__ or ()) :]
    closure = _named(".<closure {}>", code.co_freevars, _transparent)
    parts = (
        (item.__closure__, Step("", "", closure)),
        (item.__defaults__, Step("", "", _named(PARAMETER, positional))),
        (item.__kwdefaults__, Step("", "", _keyword_defaults)),
        (item.__globals__, same(".__globals__", namespace)),
        (code, same(".__code__")),
    )
    return {id(part): step for part, step in parts if id(part) in children}


def _named(form: str, names: tuple[str, ...], read: Reader | None = None) -> Reader:
    def spell_items(item: tuple[Any, ...], children: Children) -> Steps:
        found = _where(item, children, names)
        return {id(value): same(form.format(name), read) for name, value in found}

    return spell_items


def _keyword_defaults(item: dict[str, Any], children: Children) -> Steps:
    return {id(value): same(PARAMETER.format(key)) for key, value in _entries(item, children)}


def _keywords(item: dict[str, Any], children: Children) -> Steps:
    return {id(value): same(f"['{key}']") for key, value in _entries(item, children)}


def _partial(item: Any, children: Children) -> Steps:
    steps = {id(value): same(f".{name}") for name, value in inside.c_attributes(item)}
    keywords = functools.partial.keywords.__get__(item)
    steps[id(keywords)] = same(".keywords", _keywords)
    return {key: step for key, step in steps.items() if key in children}


def _cached(item: Any, children: Children) -> Steps:
    """Spells the results that `functools.cache` or `lru_cache` keeps, and their arguments."""
    own = inside.instance_dict(item) or {}
    known = own, own.get("__wrapped__")
    tables = [each for each in gc.get_referents(item) if type(each) is dict and each is not own]
    keys = {id(key) for table in tables for key in list(table)}
    steps = {}
    for key, child in children.items():
        if any(child is table for table in tables):
            steps[key] = same(".<cache>", dictionary_of_results)
        elif not any(child is each for each in known):
            steps[key] = _ARGUMENT if key in keys else _RESULT
    return steps


_ARGUMENT = same(".<cache>.<key>")
_RESULT = Step(".<cache>[…]", ".<cache>[*]", keyed=True)


def dictionary_of_results(item: dict[Any, Any], children: Children) -> Steps:
    """Spells the entries of a cache's table. Its keys are arguments, which are data."""
    values = {id(value): Step("[…]", "[*]", keyed=True) for _, value in _entries(item, children)}
    return dict.fromkeys(children, same(".<key>")) | values


def _frame(item: types.FrameType, children: Children) -> Steps:
    return _variables(item, item, children, "")


def _suspended(prefix: str) -> Reader:
    def read(item: Any, children: Children) -> Steps:
        frame = getattr(item, f"{prefix}_frame")
        return {} if frame is None else _variables(frame, item, children, f".{prefix}_frame")

    return read


def _variables(frame: types.FrameType, holder: Any, children: Children, text: str) -> Steps:
    found = inside.variables(frame, holder)
    names = {id(value): name for name, value in found.items()}
    steps = {id(frame): same(text)}
    for key, child in children.items():
        # A variable that an inner function uses too is held by a cell.
        values = gc.get_referents(child) if type(child) is types.CellType else [child]
        for value in values:
            if id(value) in names:
                steps[key] = same(f"{text}.{names[id(value)]}")
    return steps


def _attributes(item: Any, children: Children) -> Steps:
    """Spells the step by the attribute whose value the child is."""
    steps: Steps = {}
    for name, value in inside.c_attributes(item):
        if id(value) in children:
            steps[id(value)] = same(f".{name}")
    own = inside.instance_dict(item)
    if own is not None:
        steps |= namespace(own, children)
        steps[id(own)] = Step("", "", namespace)
    steps[id(type(item))] = _begin_at(type(item))
    return steps


def _transparent(_item: Any, children: Children) -> Steps:
    return dict.fromkeys(children, NOTHING)


_READERS: tuple[tuple[Any, Reader], ...] = (
    (dict, dictionary),
    (list, _sequence(list)),
    (tuple, _sequence(tuple, None)),
    (collections.deque, _sequence(collections.deque)),
    (set, _set(set)),
    (frozenset, _set(frozenset)),
    (type, _class),
    (types.FunctionType, _function),
    (functools.partial, _partial),
    (functools._lru_cache_wrapper, _cached),
    (types.MappingProxyType, _transparent),
    (types.CellType, _transparent),
    (types.FrameType, _frame),
    (types.GeneratorType, _suspended("gi")),
    (types.CoroutineType, _suspended("cr")),
    (types.AsyncGeneratorType, _suspended("ag")),
)
"""The types whose contents are no attributes, and how these are spelled."""
