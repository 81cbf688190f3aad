"""Objects that were built before tracing began, found once, when the first handler is being built.

When apps become ready, no handler, resolver or template engine exists yet. But settings, the app
registry, models, admin sites, signals and the main thread's database wrapper do.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from tracer.heap import instances
from tracer.probes import connection_pools, database
from tracer.probes.constructors import CLASSES, Label
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import RawBirth

KINDS: tuple[tuple[str, str, str, Label | None], ...] = (
    ("django.conf", "Settings", "settings", lambda _: "settings"),
    ("django.conf", "UserSettingsHolder", "settings", lambda _: "settings"),
    ("django.apps.registry", "Apps", "apps", lambda _: "app registry"),
    ("django.apps.config", "AppConfig", "app", lambda obj: f"app {obj.label}"),
    ("django.db.models.base", "ModelBase", "model", lambda obj: f"model {obj.__name__}"),
    ("django.dispatch.dispatcher", "Signal", "signal", None),
    ("django.contrib.admin.sites", "AdminSite", "admin", lambda obj: f"admin site {obj.name}"),
    ("django.db.utils", "ConnectionHandler", "connections", None),
    ("django.core.cache", "CacheHandler", "caches", None),
    ("django.template.utils", "EngineHandler", "engines", None),
    ("django.core.cache.backends.base", "BaseCache", "cache", None),
    ("psycopg_pool.pool", "ConnectionPool", "pool", connection_pools.pool_label),
    ("django.template.base", "Template", "template", lambda obj: f"Template {obj.name}"),
    ("django.core.handlers.base", "BaseHandler", "handler", None),
    *CLASSES,
)
"""(module, class, kind, function that returns an object's label or None)"""

_SINGLETONS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("django.conf", lambda module: vars(module.settings).get("_wrapped")),
    ("django.apps", lambda module: module.apps),
    ("django.db", lambda module: module.connections),
    ("django.core.cache", lambda module: module.caches),
    ("django.template", lambda module: module.engines),
)
"""(module, how to get from it the one object of its kind that Django uses)"""

_IGNORED = frozenset({"queryset", "row", "cursor", "lazy", "match", "context"})
"""Kinds of which imports leave any number behind, in the fields of models and forms."""

_OWNERS = frozenset({"pool", "database"})
"""Kinds whose objects may have connections open already."""


def find_preexisting(recorder: Recorder) -> None:
    """Finds all objects of known kinds that are not watched yet, and watches them.

    Thread-locals are found on the way, to be looked into when a thread ends.
    """
    kinds = _kinds_by_class()
    # That of gevent cannot be referred to weakly, so it is not looked into.
    local_types = {id(cls) for cls in _with_subclasses(threading.local) if cls.__weakrefoffset__}
    found: list[RawBirth] = []
    owners: list[Any] = []
    now, thread = recorder.clock(), recorder.current_thread.token
    for obj in instances.instances_of(kinds.keys() | local_types):
        if id(type(obj)) in local_types:
            recorder.thread_locals.append(weakref.ref(obj))
            continue
        if recorder.weakrefs.token_of(obj) is not None:
            continue
        cls = type(obj)
        kind, label = kinds[id(cls)]
        token, mortal = recorder.weakrefs.watch(obj)
        number = recorder.classes.number(cls)
        found.append((token, kind, number, (_label(label, obj), thread, None, mortal), now))
        if kind in _OWNERS:
            owners.append(obj)
    recorder.preexisting.extend(found)
    database.find_open_connections(recorder, owners)


_bases: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__


def _kinds_by_class() -> dict[int, tuple[str, Label | None]]:
    """Returns the kind and label function of each known class and subclass, by its address.

    The key is no class, as a metaclass may define hashing and comparing of its own.
    """
    named: dict[int, tuple[str, Label | None]] = {}
    classes: list[type] = []
    for module_name, name, kind, label in KINDS:
        cls = getattr(sys.modules.get(module_name), name, None)
        if cls is not None and kind not in _IGNORED:
            named[id(cls)] = kind, label
            classes.append(cls)
    kinds: dict[int, tuple[str, Label | None]] = {}
    for cls in classes:
        if id(cls) not in kinds:
            nearest = next(base for base in _bases(cls) if id(base) in named)
            kinds[id(cls)] = named[id(nearest)]
            classes += type.__subclasses__(cls)
    return kinds


def _with_subclasses(cls: type) -> Iterator[type]:
    yield cls
    subclasses: list[type] = type.__subclasses__(cls)
    for subclass in subclasses:
        yield from _with_subclasses(subclass)


def _label(label: Label | None, obj: Any) -> str | None:
    try:
        return label(obj) if label is not None else None
    except Exception:
        # Another thread may have built the object only by half; a label is not worth a fault.
        return None


def singletons_in_use(recorder: Recorder) -> list[int]:
    """Returns the tokens of the objects that Django's well-known names stand for just now.

    Called after each request.
    """
    tokens = []
    for module_name, get in _SINGLETONS:
        module = sys.modules.get(module_name)
        if module is not None:
            token = recorder.weakrefs.token_of(get(module))
            if token is not None:
                tokens.append(token)
    return tokens
