"""Births of Django's own objects: the lowest `__init__` that always runs, wrapped.

What these objects are called here is a label; how long they live is found out by watching them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.lives import Ref
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current

Label = Callable[[Any], str | None]


def _pattern(obj: Any) -> str:
    return f"{type(obj).__name__} {str(obj.pattern) or '(root)'!s}"


def _lazy(obj: Any) -> str | None:
    # Only picked up here; `tracer.recorder.assembly` makes words of it.
    return getattr(vars(obj).get("_setupfunc"), "__qualname__", None)


def _database(obj: Any) -> str:
    return f"DatabaseWrapper {obj.alias}"


def _view(obj: Any) -> str:
    name = type(obj).__name__
    return name if name.lower().endswith("view") else f"{name} view"


BIRTHS: tuple[tuple[str, str, str, Label | None], ...] = (
    ("django.core.handlers.wsgi", "WSGIRequest", "request", None),
    ("django.core.handlers.asgi", "ASGIRequest", "request", None),
    ("django.http.response", "HttpResponseBase", "response", None),
    ("django.urls.resolvers", "ResolverMatch", "match", None),
    ("django.contrib.sessions.backends.base", "SessionBase", "session", None),
    ("django.contrib.messages.storage.base", "BaseStorage", "messages", None),
    ("django.utils.functional", "SimpleLazyObject", "lazy", _lazy),
    ("django.views.generic.base", "View", "view", _view),
    ("django.template.context", "BaseContext", "context", None),
    ("django.forms.forms", "BaseForm", "form", None),
    ("django.db.models.query", "QuerySet", "queryset", None),
    ("django.db.models.base", "Model", "row", None),
    ("django.db.backends.utils", "CursorWrapper", "cursor", None),
    ("django.urls.resolvers", "URLResolver", "resolver", _pattern),
    ("django.urls.resolvers", "URLPattern", "pattern", _pattern),
    ("django.template.backends.base", "BaseEngine", "engine", None),
    ("django.template.engine", "Engine", "engine", None),
    ("django.db.backends.base.base", "BaseDatabaseWrapper", "database", _database),
)
"""Module, class, what it is called here, and how one object of it is called."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch the births of everything in `BIRTHS`, as far as the project loads it."""
    for module, name, kind, label in BIRTHS:
        around = _birth(recorder, kind, label)

        def watch(loaded: Any, name: str = name, around: Callable[..., Any] = around) -> None:
            patches.wrap(getattr(loaded, name), "__init__", around)

        imports.when(module, watch)


def _birth(recorder: Recorder, kind: str, label: Label | None) -> Callable[[Any], Any]:
    get, clock, lives = current.get, recorder.clock, recorder.lives
    table, new_token, bury = lives.table, lives.tokens.__next__, lives.bury
    is_view = kind == "view"

    def around(call: Callable[..., Any]) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            call(self, *args, **kwargs)
            try:
                trace = get()
                if trace is None or (token := new_token()) > trace.limit:
                    recorder.born(self, kind, label(self) if label is not None else None)
                    return
                # `Recorder.born`, spelled out: this runs a dozen times in every request.
                ref = Ref(self, bury)
                ref.token = token
                ref.key = key = id(self)
                table[key] = ref
                name = label(self) if label is not None else None
                thread = trace.thread if trace.single else recorder.lane.token
                trace.births.append((token, kind, type(self), name, clock(), thread, None, True))
                if is_view:
                    trace.view_token = token
            except Exception as fault:
                recorder.fault(kind, fault)

        return __init__

    return around
