"""The project's own classes, named in `TRACER["WATCH"]`: births, deaths and uses.

A class is watched as soon as its module is loaded. Its module is never imported for this: the
project would then pay for the import at another place. Subclasses are watched too. Each call of a
public method is a use.

Instances that exist when their class begins to be watched are looked for once. An instance that
came out of a pickle or is a copy runs no `__init__`: it counts as built when its first public
method is called. Both need objects that support weak references: others cannot be recognised.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from tracer.heap import instances
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


class UserClasses:
    """The classes named in the settings, watched as soon as their modules are loaded."""

    def __init__(self, recorder: Recorder, patches: Patches, paths: Iterable[str]) -> None:
        self.recorder = recorder
        self.patches = patches
        self.pending: dict[str, set[str]] = {}
        self.classes: list[ref[type]] = []
        self.patched: dict[int, ref[type]] = {}
        """Address to class, as long as it lives. A metaclass may define hashing of its own."""
        self.installed = False
        """Whether `install` is done: modules that are reported from then on are being loaded."""
        for path in paths:
            module, _, name = path.rpartition(".")
            self.pending.setdefault(module, set()).add(name)

    def forget(self) -> None:
        """Stops waiting for modules. Restoring the patches ends the watching of loaded classes."""
        self.pending.clear()
        self.classes.clear()

    def install(self, imports: Imports) -> None:
        """Watches the classes of modules that are loaded, and the rest when theirs are."""
        for module in list(self.pending):
            imports.when(module, self._module_loaded)
        self.installed = True

    def _module_loaded(self, module: Any) -> None:
        """Watches the classes of this module that the settings name."""
        try:
            for name in self.pending.pop(module.__name__, set()):
                found = vars(module).get(name)
                if isinstance(found, type):
                    self.add(found)
            self.watch_new_subclasses(module.__name__ if self.installed else "")
        except Exception as fault:
            self.recorder.fault("watch", fault)

    def add(self, cls: type) -> None:
        """Adds a class, which is watched from the next `watch_new_subclasses` on."""
        self.classes.append(ref(cls))

    def watch_new_subclasses(self, loading: str = "") -> None:
        """Watches added classes, and subclasses that were defined since the last call.

        `loading` is the name of the module that was loaded just now, if one was.
        """
        new: list[type] = []
        for alive in list(self.classes):
            cls = alive()
            if cls is not None:
                self._watch(cls, new, top=True)
        self._find_instances(new, loading)

    def _find_instances(self, classes: list[type], loading: str) -> None:
        """Watches the instances of these classes that exist already.

        Instances of the classes of a module that is being loaded count as built just now.
        """
        token_of = self.recorder.weakrefs.token_of
        known = {id(cls) for cls in classes if cls.__weakrefoffset__}
        for obj in instances.instances_of(known) if known else ():
            if token_of(obj) is None:
                new = loading != "" and vars(type(obj)).get("__module__") == loading
                self.recorder.born(obj, "watched", before=not new)

    def _watch(self, cls: type, new: list[type], top: bool = False) -> None:
        """Patches a class and its subclasses; adds to `new` those that were not patched before."""
        if id(cls) not in self.patched:
            new.append(cls)
            key, patched = id(cls), self.patched
            patched[key] = ref(cls, lambda _: patched.pop(key, None))
            if top or "__init__" in vars(cls):
                self.patches.wrap(cls, "__init__", self._init_wrapper)
            for name, member in list(vars(cls).items()):
                if not name.startswith("_") and inspect.isfunction(member):
                    self.patches.wrap(cls, name, self._method_wrapper)
        subclasses: list[type] = type.__subclasses__(cls)
        for subclass in subclasses:
            self._watch(subclass, new)

    def _init_wrapper(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder
        if call is object.__init__:
            call = _object_init

        def __init__(*args: Any, **kwargs: Any) -> None:
            try:
                call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                self = args[0]
                # A subclass and its base are both wrapped; the object is born once.
                if recorder.weakrefs.token_of(self) is None and _is_outermost(self, __init__):
                    recorder.born(self, "watched")
            except Exception as fault:
                recorder.fault("watch", fault)

        return __init__

    def _method_wrapper(self, call: Callable[..., Any]) -> Any:
        recorder = self.recorder

        def record_use(args: tuple[Any, ...]) -> None:
            try:
                if args and recorder.seen(args[0]) is None:
                    _record_late_birth(recorder, args[0])
            except Exception as fault:
                recorder.fault("watch", fault)

        def method(*args: Any, **kwargs: Any) -> Any:
            record_use(args)
            try:
                return call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            record_use(args)
            try:
                return await call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        if inspect.iscoroutinefunction(call):
            return coroutine
        return markcoroutinefunction(method) if iscoroutinefunction(call) else method


def _record_late_birth(recorder: Recorder, obj: Any) -> None:
    """Watches an object that ran no `__init__`. One beyond the limits was counted at its birth."""
    known = recorder.weakrefs.token_of(obj) is not None
    if not known and type(obj).__weakrefoffset__ and recorder.has_room():
        recorder.born(obj, "watched")
        recorder.seen(obj)


def _is_outermost(obj: Any, init: Any) -> bool:
    """Returns whether this `__init__` is the one that records the birth of the object.

    An object without weak references is not recognised in a second one.
    """
    cls = type(obj)
    if cls.__weakrefoffset__:
        return True
    found = next((vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base)), init)
    return found is init or not hasattr(found, "__wrapped__")


def _object_init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Does as `object.__init__` would if it were not wrapped.

    That one checks whether it was overridden: then arguments may be meant for `__new__`.
    """
    cls = type(self)
    if (args or kwargs) and getattr(cls, "__new__", None) is object.__new__:
        raise TypeError(f"{cls.__name__}() takes no arguments")


hide_functions(__name__)
