"""Births of Django's own objects, seen in the lowest `__init__` of their class that always runs.

The kinds and labels given here are only names. How long an object lives is measured, by a weak
reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from textwrap import indent
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.births import BIRTHS_PER_REQUEST
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import call_then, call_then_run, compiled
from tracer.recorder.trace import current
from tracer.recorder.weakrefs import Ref

Label = Callable[[Any], str | None]


def _pattern_label(obj: Any) -> str:
    # Not `str(obj.pattern)`: a route may be a lazy text, which only Django should translate.
    own = vars(obj.pattern)
    route = own.get("_route", own.get("_regex"))
    words = route or "(root)" if type(route) is str else f"({type(obj.pattern).__name__})"
    return f"{type(obj).__name__} {words}"


def _database_label(obj: Any) -> str:
    return f"DatabaseWrapper {obj.alias}"


CLASSES: tuple[tuple[str, str, str, Label | None], ...] = (
    ("django.core.handlers.wsgi", "WSGIRequest", "request", None),
    ("django.core.handlers.asgi", "ASGIRequest", "request", None),
    ("django.http.response", "HttpResponseBase", "response", None),
    ("django.contrib.sessions.backends.base", "SessionBase", "session", None),
    ("django.utils.functional", "SimpleLazyObject", "lazy", None),
    ("django.views.generic.base", "View", "view", None),
    ("django.template.context", "BaseContext", "context", None),
    ("django.forms.forms", "BaseForm", "form", None),
    ("django.db.models.query", "QuerySet", "queryset", None),
    ("django.db.backends.utils", "CursorWrapper", "cursor", None),
    ("django.urls.resolvers", "URLResolver", "resolver", _pattern_label),
    ("django.urls.resolvers", "URLPattern", "pattern", _pattern_label),
    ("django.template.backends.base", "BaseEngine", "engine", None),
    ("django.template.engine", "Engine", "engine", None),
    ("django.db.backends.base.base", "BaseDatabaseWrapper", "database", _database_label),
)
"""(module, class, kind, function that returns an object's label or None)"""


_LOOKED_UP = frozenset({"resolver", "pattern", "engine", "database"})
"""Kinds whose objects are looked up by their address when they are used."""
_EXTRA_SOURCE = {
    "view": "trace.view_token = token",
    "response": "trace.built, trace.built_token = ref, token",
}
"""Kind to a statement that runs at each birth, besides `_BIRTH_SOURCE`."""
_LABEL_SOURCE = {
    "lazy": "name if type(name := getattr(func, '__qualname__', None)) is str else None"
}
"""Kind to an expression for the label, where it depends on more than the class.
`tracer.model.assemble` makes words of it."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches the births of all `CLASSES`, as far as the project loads them."""
    for module, name, kind, label in CLASSES:
        around = _birth_wrapper(recorder, kind, label)

        def watch(loaded: Any, name: str = name, around: Callable[..., Any] = around) -> None:
            patches.wrap(getattr(loaded, name), "__init__", around)

        imports.when(module, watch)
    imports.when("django.db.models.query", lambda module: _watch_rows(recorder, patches, module))
    imports.when(
        "django.contrib.messages.middleware", lambda m: _watch_messages(recorder, patches, m)
    )


ROWS_PER_REQUEST = 2
"""Model instances watched in one request. Watching each row of a long list would cost as much as
the list."""


def _watch_rows(recorder: Recorder, patches: Patches, module: Any) -> None:
    """Watches the first model instances that a request's queries return.

    How many there were is recorded with the statements.
    """
    first_rows = compiled(_ROWS_SOURCE, "first_rows", _birth_names(recorder, "row"))

    def around(call: Callable[..., Any]) -> Any:
        def __iter__(self: Any) -> Iterator[Any]:
            try:
                rows: Iterator[Any] = call(self)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            trace = current.get()
            if trace is None or trace.closed or trace.rows >= ROWS_PER_REQUEST:
                return rows
            # `chain` yields the other rows without running code of ours for each.
            return chain(first_rows(rows, trace), rows)

        return __iter__

    patches.wrap(module.ModelIterable, "__iter__", around)


def _watch_messages(recorder: Recorder, patches: Patches, module: Any) -> None:
    """Watches a request's message storage, without the storages inside it."""
    record_birth = birth_recorder(recorder, "messages")

    def around(call: Callable[..., Any]) -> Any:
        def default_storage(request: Any) -> Any:
            try:
                storage = call(request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            record_birth(storage)
            return storage

        return default_storage

    patches.wrap(module, "default_storage", around)


_BIRTH_SOURCE = """\
    try:
        trace = _get()
        if trace is None or trace.closed or (index := len(births := trace.births)) > _MAX_INDEX:
            _record_birth({first}, _kind, {label})
        else:
            ref = _Ref({first}, _on_death)
            ref.births = births
            ref.index = index
            ref.key = 0
            token = _next(_tokens)
            last = _memo[0]
            cls = type({first})
            number = last[1] if last[0] is cls else _remember(_memo, cls)
            trace.add_birth((ref, token, _kind, number, {label}))
            {extra}
    except Exception as fault:
        _fault(_kind, fault)
"""
"""`birth_recorder` once more, as source: this runs a dozen times in every request."""
_MAX_INDEX = 5 * (BIRTHS_PER_REQUEST - 1)


_ROWS_SOURCE = f"""\
def first_rows(rows, request):
    try:
        for row in rows:
            request.rows += 1
{indent(_BIRTH_SOURCE, " " * 8).format(first="row", label="None", extra="pass")}
            yield row
            if request.rows >= {ROWS_PER_REQUEST}:
                return
    except BaseException as exc:
        _drop(exc)
        raise
"""


def _birth_names(recorder: Recorder, kind: str) -> dict[str, Any]:
    """Returns the names that `_BIRTH_SOURCE` uses."""
    weakrefs = recorder.weakrefs
    return {
        "_get": current.get,
        "_record_birth": recorder.born,
        "_fault": recorder.fault,
        "_next": next,
        "_tokens": weakrefs.tokens,
        "_on_death": weakrefs.on_death,
        "_kind": kind,
        "_Ref": Ref,
        "_memo": recorder.classes.memo(),
        "_remember": recorder.classes.remember,
        "_MAX_INDEX": _MAX_INDEX,
        "func": None,
    }


def _birth_wrapper(recorder: Recorder, kind: str, label: Label | None) -> Callable[[Any], Any]:
    if kind in _LOOKED_UP:
        after = birth_recorder(recorder, kind, label)
        return lambda call: call_then(call, after)
    names = _birth_names(recorder, kind)
    body = _BIRTH_SOURCE.replace("{extra}", _EXTRA_SOURCE.get(kind, "pass"))
    body = body.replace("{label}", _LABEL_SOURCE.get(kind, "None"))
    return lambda call: call_then_run(call, body, names)


def birth_recorder(
    recorder: Recorder, kind: str, label: Label | None = None
) -> Callable[[Any], None]:
    """Returns `record_birth(obj)`, which records that `obj` was built just now and never raises."""
    get, weakrefs = current.get, recorder.weakrefs
    by_id, tokens, on_death = weakrefs.by_id, weakrefs.tokens, weakrefs.on_death
    looked_up = kind in _LOOKED_UP
    memo, remember = recorder.classes.memo(), recorder.classes.remember

    def record_birth(obj: Any) -> None:
        try:
            trace = get()
            if trace is None or trace.closed or (index := len(births := trace.births)) > _MAX_INDEX:
                recorder.born(obj, kind, label(obj) if label is not None else None)
                return
            ref = Ref(obj, on_death)
            ref.births = births
            ref.index = index
            token = next(tokens)
            if looked_up:
                ref.token = token
                ref.at = 0
                ref.key = key = id(obj)
                by_id[key] = ref
            else:
                ref.key = 0
            # The reference stays alive in the trace until its object dies.
            last, cls = memo[0], type(obj)
            ref.cls = number = last[1] if last[0] is cls else remember(memo, cls)
            trace.add_birth((ref, token, kind, number, label(obj) if label is not None else None))
        except Exception as fault:
            recorder.fault(kind, fault)

    return record_birth


hide_functions(__name__)
