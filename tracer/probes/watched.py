"""The project's own classes, named in `TRACER["WATCH"]`: births, deaths and uses.

A class is watched as soon as its module is loaded, and never imported for it: that would move
the import from where the project pays it. Subclasses are watched too. Each call of a public
method is a sighting.

Instances that are there already when their class begins to be watched are looked for once. One
that no `__init__` told of, as it came out of a pickle or is a copy, counts as built when its first
public method is called. Both need an object that supports weak references: no other is known again.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from tracer.probes import heap
from tracer.probes.imports import Imports
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


class Watch:
    """Finds the named classes when their modules appear."""

    def __init__(self, recorder: Recorder, patches: Patches, paths: Iterable[str]) -> None:
        self.recorder = recorder
        self.patches = patches
        self.pending: dict[str, set[str]] = {}
        self.classes: list[type] = []
        self.done: dict[int, type] = {}
        """By address: a metaclass may have ideas of its own about hashing."""
        self.installed = False
        """Whether modules that come from here on are being loaded, and were not there before."""
        for path in paths:
            module, _, name = path.rpartition(".")
            self.pending.setdefault(module, set()).add(name)

    def forget(self) -> None:
        """Wait for no class any more; what is watched already is its patches' to restore."""
        self.pending.clear()
        self.classes.clear()

    def install(self, imports: Imports) -> None:
        """Watch what is loaded already, and the rest when it is."""
        for module in list(self.pending):
            imports.when(module, self.loaded)
        self.installed = True

    def loaded(self, module: Any) -> None:
        """Watch the classes of this module that were asked for."""
        try:
            for name in self.pending.pop(module.__name__, set()):
                found = vars(module).get(name)
                if isinstance(found, type):
                    self.classes.append(found)
            self.again(module.__name__ if self.installed else "")
        except Exception as fault:
            self.recorder.fault("watch", fault)

    def again(self, loading: str = "") -> None:
        """Watch subclasses that were defined since the last time, too.

        `loading` is the module that was loaded just now, if one was.
        """
        known = set(self.done)
        for cls in list(self.classes):
            self._watch(cls, top=True)
        self._find({key: cls for key, cls in self.done.items() if key not in known}, loading)

    def _find(self, classes: dict[int, type], loading: str) -> None:
        """Take in the instances of these classes, by address, that are there already.

        Those of classes that the module being loaded defines were built meanwhile.
        """
        token_of = self.recorder.lives.token_of
        known = {key for key, cls in classes.items() if cls.__weakrefoffset__}
        for obj in heap.instances(known) if known else ():
            if token_of(obj) is None:
                new = loading != "" and vars(type(obj)).get("__module__") == loading
                self.recorder.born(obj, "watched", before=not new)

    def _watch(self, cls: type, top: bool = False) -> None:
        if id(cls) not in self.done:
            self.done[id(cls)] = cls
            if top or "__init__" in vars(cls):
                self.patches.wrap(cls, "__init__", self._birth)
            for name, member in list(vars(cls).items()):
                if not name.startswith("_") and inspect.isfunction(member):
                    self.patches.wrap(cls, name, self._use)
        subclasses: list[type] = type.__subclasses__(cls)
        for subclass in subclasses:
            self._watch(subclass)

    def _birth(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder
        if call is object.__init__:
            call = _initialised

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            call(self, *args, **kwargs)
            try:
                # A subclass and its base are both wrapped; the object is born once.
                if recorder.lives.token_of(self) is None and _is_outermost(self, __init__):
                    recorder.born(self, "watched")
            except Exception as fault:
                recorder.fault("watch", fault)

        return __init__

    def _use(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder

        @functools.wraps(call)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if recorder.seen(self) is None:
                    _meet(recorder, self)
            except Exception as fault:
                recorder.fault("watch", fault)
            return call(self, *args, **kwargs)

        return markcoroutinefunction(method) if iscoroutinefunction(call) else method


def _meet(recorder: Recorder, obj: Any) -> None:
    """Take in an object that nobody told of. One beyond the limits is counted at its birth."""
    known = recorder.lives.token_of(obj) is not None
    if not known and type(obj).__weakrefoffset__ and recorder.has_room():
        recorder.born(obj, "watched")
        recorder.seen(obj)


def _is_outermost(obj: Any, init: Any) -> bool:
    """Whether this `__init__` tells the birth, of an object that nothing else would recognise."""
    cls = type(obj)
    if cls.__weakrefoffset__:
        return True
    found = next((vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base)), init)
    return found is init or not hasattr(found, "__wrapped__")


def _initialised(self: Any, *args: Any, **kwargs: Any) -> None:
    """Do as `object.__init__` would if it were not wrapped.

    It looks whether it was overridden, to tell arguments meant for `__new__` from wrong ones.
    """
    cls = type(self)
    if (args or kwargs) and getattr(cls, "__new__", None) is object.__new__:
        raise TypeError(f"{cls.__name__}() takes no arguments")
