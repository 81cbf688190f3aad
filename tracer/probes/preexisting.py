"""What was built before tracing: looked for once, when the first handler is being built.

Apps become ready before any handler, resolver or template engine exists, but settings, the app
registry, models, admin sites, signals and the main thread's database wrapper are there already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tracer.heap import instances
from tracer.probes import connection_pools, database
from tracer.probes.constructors import BIRTHS, Label
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
    ("psycopg_pool.pool", "ConnectionPool", "pool", connection_pools.label),
    ("django.template.base", "Template", "template", lambda obj: f"Template {obj.name}"),
    ("django.core.handlers.base", "BaseHandler", "handler", None),
    *BIRTHS,
)

_WELL_KNOWN: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("django.conf", lambda module: vars(module.settings).get("_wrapped")),
    ("django.apps", lambda module: module.apps),
    ("django.db", lambda module: module.connections),
    ("django.core.cache", lambda module: module.caches),
    ("django.template", lambda module: module.engines),
)
"""Names through which Django reaches the one object of its kind; looked at after each request."""

_PASSING = frozenset({"queryset", "row", "cursor", "lazy", "match", "context"})
"""Kinds of which import time leaves arbitrary numbers behind, in models' and forms' fields."""

_OWNERS = frozenset({"pool", "database"})
"""Kinds whose objects may have connections open already."""


def before_tracing(recorder: Recorder) -> None:
    """Find everything of a known kind that exists and is not watched yet, and watch it."""
    verdicts = _verdicts()
    found: list[RawBirth] = []
    owners: list[Any] = []
    now, lane = recorder.clock(), recorder.lane.token
    for obj in instances.instances(verdicts):
        if recorder.lives.token_of(obj) is not None:
            continue
        cls = type(obj)
        kind, label = verdicts[id(cls)]
        token, mortal = recorder.lives.watch(obj)
        number = recorder.classes.number(cls)
        found.append((token, kind, number, (_label(label, obj), lane, None, mortal), now))
        if kind in _OWNERS:
            owners.append(obj)
    recorder.found.extend(found)
    database.found_open(recorder, owners)


_bases: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__


def _verdicts() -> dict[int, tuple[str, Label | None]]:
    """What the objects of each class are, by that class's address.

    A metaclass may have ideas of its own about hashing and comparing.
    """
    kinds: dict[int, tuple[str, Label | None]] = {}
    classes: list[type] = []
    for module_name, name, kind, label in KINDS:
        cls = getattr(sys.modules.get(module_name), name, None)
        if cls is not None and kind not in _PASSING:
            kinds[id(cls)] = kind, label
            classes.append(cls)
    verdicts: dict[int, tuple[str, Label | None]] = {}
    for cls in classes:
        if id(cls) not in verdicts:
            nearest = next(base for base in _bases(cls) if id(base) in kinds)
            verdicts[id(cls)] = kinds[id(nearest)]
            classes += type.__subclasses__(cls)
    return verdicts


def _label(label: Label | None, obj: Any) -> str | None:
    try:
        return label(obj) if label is not None else None
    except Exception:
        # Half-built objects exist; a name is not worth a fault.
        return None


def in_force(recorder: Recorder) -> list[int]:
    """Return the tokens of the objects that Django's well-known names stand for just now."""
    tokens = []
    for module_name, get in _WELL_KNOWN:
        module = sys.modules.get(module_name)
        if module is not None:
            token = recorder.lives.token_of(get(module))
            if token is not None:
                tokens.append(token)
    return tokens
