"""The project's own classes, named in `TRACER["WATCH"]`: births, deaths and uses.

A class is watched as soon as its module is loaded, and never imported for it: that would move
the import from where the project pays it. Subclasses are watched too. Each call of a public
method is a sighting.

Instances that are there already when their class begins to be watched are looked for once. One
that no `__init__` told of, as it came out of a pickle or is a copy, counts as built when its first
public method is called. Both need an object that supports weak references: no other is known again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from tracer.heap import instances
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


class Watch:
    """Finds the named classes when their modules appear."""

    def __init__(self, recorder: Recorder, patches: Patches, paths: Iterable[str]) -> None:
        self.recorder = recorder
        self.patches = patches
        self.pending: dict[str, set[str]] = {}
        self.classes: list[ref[type]] = []
        self.done: dict[int, ref[type]] = {}
        """By address, as long as they live: a metaclass may have ideas of its own about hashing."""
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
                    self.add(found)
            self.again(module.__name__ if self.installed else "")
        except Exception as fault:
            self.recorder.fault("watch", fault)

    def add(self, cls: type) -> None:
        """Watch this class, too, from the next `again` on."""
        self.classes.append(ref(cls))

    def again(self, loading: str = "") -> None:
        """Watch subclasses that were defined since the last time, too.

        `loading` is the module that was loaded just now, if one was.
        """
        new: list[type] = []
        for alive in list(self.classes):
            cls = alive()
            if cls is not None:
                self._watch(cls, new, top=True)
        self._find(new, loading)

    def _find(self, classes: list[type], loading: str) -> None:
        """Take in the instances of these classes that are there already.

        Those of classes that the module being loaded defines were built meanwhile.
        """
        token_of = self.recorder.lives.token_of
        known = {id(cls) for cls in classes if cls.__weakrefoffset__}
        for obj in instances.instances(known) if known else ():
            if token_of(obj) is None:
                new = loading != "" and vars(type(obj)).get("__module__") == loading
                self.recorder.born(obj, "watched", before=not new)

    def _watch(self, cls: type, new: list[type], top: bool = False) -> None:
        """Patch the class and its subclasses; `new` takes those that were not patched yet."""
        if id(cls) not in self.done:
            new.append(cls)
            key, done = id(cls), self.done
            done[key] = ref(cls, lambda _: done.pop(key, None))
            if top or "__init__" in vars(cls):
                self.patches.wrap(cls, "__init__", self._birth)
            for name, member in list(vars(cls).items()):
                if not name.startswith("_") and inspect.isfunction(member):
                    self.patches.wrap(cls, name, self._use)
        subclasses: list[type] = type.__subclasses__(cls)
        for subclass in subclasses:
            self._watch(subclass, new)

    def _birth(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder
        if call is object.__init__:
            call = _initialised

        def __init__(*args: Any, **kwargs: Any) -> None:
            try:
                call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                self = args[0]
                # A subclass and its base are both wrapped; the object is born once.
                if recorder.lives.token_of(self) is None and _is_outermost(self, __init__):
                    recorder.born(self, "watched")
            except Exception as fault:
                recorder.fault("watch", fault)

        return __init__

    def _use(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder

        def use(args: tuple[Any, ...]) -> None:
            try:
                if args and recorder.seen(args[0]) is None:
                    _meet(recorder, args[0])
            except Exception as fault:
                recorder.fault("watch", fault)

        def method(*args: Any, **kwargs: Any) -> Any:
            use(args)
            try:
                return call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            use(args)
            try:
                return await call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        if inspect.iscoroutinefunction(call):
            return coroutine
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


pass_over(__name__)
