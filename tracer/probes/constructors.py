"""Births of Django's own objects: the lowest `__init__` that always runs, wrapped.

What these objects are called here is a label; how long they live is found out by watching them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.births import BIRTHS_PER_REQUEST
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import extended, then
from tracer.recorder.trace import Trace, current
from tracer.recorder.weakrefs import Ref

Label = Callable[[Any], str | None]


def _pattern(obj: Any) -> str:
    # Not `str(obj.pattern)`: an address may be a lazy text, and translating it is Django's to do.
    own = vars(obj.pattern)
    address = own.get("_route", own.get("_regex"))
    words = address or "(root)" if type(address) is str else f"({type(obj.pattern).__name__})"
    return f"{type(obj).__name__} {words}"


def _database(obj: Any) -> str:
    return f"DatabaseWrapper {obj.alias}"


BIRTHS: tuple[tuple[str, str, str, Label | None], ...] = (
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
    ("django.urls.resolvers", "URLResolver", "resolver", _pattern),
    ("django.urls.resolvers", "URLPattern", "pattern", _pattern),
    ("django.template.backends.base", "BaseEngine", "engine", None),
    ("django.template.engine", "Engine", "engine", None),
    ("django.db.backends.base.base", "BaseDatabaseWrapper", "database", _database),
)
"""Module, class, what it is called here, and how one object of it is called."""


_RECOGNISED = frozenset({"resolver", "pattern", "engine", "database"})
"""Kinds whose objects are looked up again when they are used."""
_MORE = {
    "view": "trace.view_token = token",
    "response": "trace.built, trace.built_token = ref, token",
}
"""What else there is to do at the birth of one."""
_LABELS = {"lazy": "name if type(name := getattr(func, '__qualname__', None)) is str else None"}
"""Where the label is no matter of the class alone; `tracer.model.assemble` makes words of it."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch the births of everything in `BIRTHS`, as far as the project loads it."""
    for module, name, kind, label in BIRTHS:
        around = _birth(recorder, kind, label)

        def watch(loaded: Any, name: str = name, around: Callable[..., Any] = around) -> None:
            patches.wrap(getattr(loaded, name), "__init__", around)

        imports.when(module, watch)
    imports.when("django.db.models.query", lambda module: _rows(recorder, patches, module))
    imports.when("django.contrib.messages.middleware", lambda m: _messages(recorder, patches, m))


ROWS_PER_REQUEST = 5
"""Model instances watched one by one; every row of a long list would cost as much as the list."""


def _rows(recorder: Recorder, patches: Patches, module: Any) -> None:
    """The first model instances that a request's queries return; statements tell how many came."""
    note = noting(recorder, "row")

    def first(rows: Any, trace: Trace) -> Iterator[Any]:
        try:
            for row in rows:
                trace.rows += 1
                note(row)
                yield row
                if trace.rows >= ROWS_PER_REQUEST:
                    return
        except BaseException as exc:
            drop_own_frames(exc)
            raise

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
            # A chain hands on the others without a step of ours for each.
            return chain(first(rows, trace), rows)

        return __iter__

    patches.wrap(module.ModelIterable, "__iter__", around)


def _messages(recorder: Recorder, patches: Patches, module: Any) -> None:
    """A request's message storage; the storages inside it are its own business."""
    note = noting(recorder, "messages")

    def around(call: Callable[..., Any]) -> Any:
        def default_storage(request: Any) -> Any:
            try:
                storage = call(request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            note(storage)
            return storage

        return default_storage

    patches.wrap(module, "default_storage", around)


_BIRTH = """\
    try:
        trace = _get()
        if trace is None or trace.closed or (place := len(births := trace.births)) > _MOST:
            _born({first}, _kind, {label})
        else:
            ref = _Ref({first}, _bury)
            ref.home = births
            ref.place = place
            ref.key = 0
            token = _next(_tokens)
            last = _memo[0]
            cls = type({first})
            number = last[1] if last[0] is cls else _remember(_memo, cls)
            trace.bear((ref, token, _kind, number, {label}))
            {more}
    except Exception as fault:
        _fault(_kind, fault)
"""
"""`noting`, written out once more for where it runs a dozen times in every request."""
_MOST = 5 * (BIRTHS_PER_REQUEST - 1)


def _birth(recorder: Recorder, kind: str, label: Label | None) -> Callable[[Any], Any]:
    lives = recorder.lives
    if kind in _RECOGNISED:
        after = noting(recorder, kind, label)
        return lambda call: then(call, after)
    names = {
        "_get": current.get,
        "_born": recorder.born,
        "_fault": recorder.fault,
        "_next": next,
        "_tokens": lives.tokens,
        "_bury": lives.bury,
        "_kind": kind,
        "_Ref": Ref,
        "_memo": recorder.classes.memo(),
        "_remember": recorder.classes.remember,
        "_MOST": _MOST,
        "func": None,
    }
    more = _MORE.get(kind, "pass"), _LABELS.get(kind, "None")
    body = _BIRTH.replace("{more}", more[0]).replace("{label}", more[1])
    return lambda call: extended(call, body, names)


def noting(recorder: Recorder, kind: str, label: Label | None = None) -> Callable[[Any], None]:
    """Return `note(obj)`, which takes down that `obj` was built just now. It never raises."""
    get, lives = current.get, recorder.lives
    by_id, tokens, bury = lives.by_id, lives.tokens, lives.bury
    recognised = kind in _RECOGNISED
    memo, remember = recorder.classes.memo(), recorder.classes.remember

    def note(obj: Any) -> None:
        try:
            trace = get()
            if trace is None or trace.closed or (place := len(births := trace.births)) > _MOST:
                recorder.born(obj, kind, label(obj) if label is not None else None)
                return
            ref = Ref(obj, bury)
            ref.home = births
            ref.place = place
            token = next(tokens)
            if recognised:
                ref.token = token
                ref.at = 0
                ref.key = key = id(obj)
                by_id[key] = ref
            else:
                ref.key = 0
            # The reference stays alive in there until its object dies.
            last, cls = memo[0], type(obj)
            number = last[1] if last[0] is cls else remember(memo, cls)
            trace.bear((ref, token, kind, number, label(obj) if label is not None else None))
        except Exception as fault:
            recorder.fault(kind, fault)

    return note


pass_over(__name__)
