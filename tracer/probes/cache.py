"""Cache operations: which backend, which operation, hit or miss.

A backend's class is watched when Django first creates a backend for an alias. The asynchronous
methods of `BaseCache` call the synchronous ones, so only those are watched; a backend's own
asynchronous methods are watched themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import ref

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed, timed_async
from tracer.recorder.trace import Trace, What, current

OPERATIONS = (
    "add",
    "get",
    "set",
    "touch",
    "delete",
    "get_many",
    "get_or_set",
    "has_key",
    "incr",
    "decr",
    "set_many",
    "delete_many",
    "clear",
)


class _Backends:
    """The classes of cache backends, each patched once."""

    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self.recorder = recorder
        self.patches = patches
        self.patched: dict[tuple[int, str], ref[type]] = {}
        """(class's address, method's name) to the class, as long as it lives."""

    def watch(self, backend: Any) -> None:
        """Watches the operations of a backend object's class, wherever they are defined."""
        for cls in type(backend).__mro__:
            if cls is object:
                continue
            for operation in OPERATIONS:
                self._watch_method(cls, operation, timed)
                if cls.__module__ != "django.core.cache.backends.base":
                    self._watch_method(cls, f"a{operation}", timed_async)

    def _watch_method(self, cls: type, name: str, timer: Callable[..., Any]) -> None:
        method = vars(cls).get(name)
        key, patched = (id(cls), name), self.patched
        if key in patched or not inspect.isfunction(method):
            return
        patched[key] = ref(cls, lambda _: patched.pop(key, None))
        recorder = self.recorder

        def around(call: Callable[..., Any]) -> Any:
            watched = timer(recorder, stages.CACHE, call, self._describe(name))
            if name not in ("get", "get_or_set"):
                return watched

            def method(*args: Any, **kwargs: Any) -> Any:
                operation = watched
                try:
                    if name == "get_or_set" or "default" in kwargs:
                        # This call has its own value for a miss, or operations of its own.
                        before = _count(current.get())
                        describe = self._describe(name, kwargs.get("default"), before)
                        operation = timer(recorder, stages.CACHE, call, describe)
                except Exception as fault:
                    recorder.fault(stages.CACHE, fault)
                try:
                    return operation(*args, **kwargs)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise

            return method

        self.patches.wrap(cls, name, around)

    def _describe(self, operation: str, default: Any = None, before: int = 0) -> Callable[..., Any]:
        """Returns what describes a call; `before` is how many stages came before it."""
        recorder, name = self.recorder, operation.removeprefix("a")

        def describe(trace: Any, args: Any, result: Any) -> tuple[int | None, Any, Any]:
            backend = args[0]
            token = recorder.weakrefs.token_of(backend)
            shown = recorder.cache_keys and len(args) > 1 and type(args[1]) is str
            key = args[1] if shown else None
            if name == "get_or_set":
                outcome = _first_outcome(trace, token, before)
            else:
                outcome = _outcome(name, args, result, default)
                if outcome == "miss" and name == "get" and _was_added(trace, token, result):
                    outcome = ""
            return token, operation, (key, outcome)

        return describe


def _count(trace: Trace | None) -> int:
    """Returns how many stages a request has so far."""
    return len(trace.events) // 3 + len(trace.other_threads or ()) if trace is not None else 0


def _operations(trace: Trace, backend: int | None, before: int = 0) -> list[What]:
    """Returns a backend's operations in a request so far, but for the first `before` stages."""
    whats = [*trace.events[2::3], *[event[3] for event in trace.other_threads or ()]]
    return [what for what in whats[before:] if what[:2] == (stages.CACHE, backend)]


def _first_outcome(trace: Trace, backend: int | None, before: int) -> str:
    """Returns the outcome of the first lookup in `get_or_set`; it looks again what it added."""
    for _, _, operation, (_, outcome), _ in _operations(trace, backend, before):
        if operation in ("get", "aget"):
            return str(outcome)
    return ""


def _was_added(trace: Trace, backend: int | None, default: Any) -> bool:
    """Whether a lookup that returned its default may have found it, as it follows an `add`."""
    if default is None:
        return False
    *_, last = (None, *_operations(trace, backend))
    return last is not None and last[2] in ("add", "aadd")


def _outcome(operation: str, args: Any, result: Any, default: Any) -> str:
    """Returns "hit" or "miss", by identity. A stored value that is the default counts as a miss."""
    if operation == "get":
        return "miss" if result is (args[2] if len(args) > 2 else default) else "hit"
    if operation == "get_many":
        return f"{len(result)} found" if type(result) is dict else ""
    if operation == "has_key":
        return "hit" if result is True else "miss"
    return ""


def install(
    recorder: Recorder, patches: Patches, imports: Imports, show_keys: bool = False
) -> None:
    """Watches the backends that exist, and each further one when it is created."""
    recorder.cache_keys = show_keys
    backends = _Backends(recorder, patches)

    def around(create: Callable[..., Any]) -> Any:
        def create_connection(self: Any, alias: Any) -> Any:
            try:
                backend = create(self, alias)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                backends.watch(backend)
                recorder.born(backend, "cache", f"{type(backend).__name__} {alias}")
            except Exception as fault:
                recorder.fault("cache", fault)
            return backend

        return create_connection

    def watch(module: Any) -> None:
        for backend in module.caches.all(initialized_only=True):
            backends.watch(backend)
        patches.wrap(module.CacheHandler, "create_connection", around)

    imports.when("django.core.cache", watch)


hide_functions(__name__)
