"""URL resolving and the view."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from inspect import CO_COROUTINE
from types import FunctionType
from typing import Any
from weakref import ref

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.constructors import noting
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import record, timed_async
from tracer.recorder.trace import LATE, Trace, What, current

_MOST = 1000
"""Matches and views remembered; beyond, all are forgotten and those in use come back."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch resolving, and the view of each request."""
    imports.when("django.core.handlers.base", lambda base: _watch(recorder, patches, base))
    imports.when("django.urls.resolvers", lambda urls: _resolvers(recorder, patches, urls))


def _resolvers(recorder: Recorder, patches: Patches, urls: Any) -> None:
    patches.wrap(urls.URLResolver, "resolve", lambda call: _tried(recorder, call))
    patches.wrap(urls.URLPattern, "resolve", lambda call: _matched(recorder, call))


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    handler = base.BaseHandler
    patches.wrap(handler, "resolve_request", lambda call: _resolve(recorder, call))
    patches.wrap(handler, "make_view_atomic", lambda make: _view(recorder, make))


def _resolve(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, clock, stage = current.get, recorder.clock, stages.RESOLVE
    note = noting(recorder, "match")
    known: dict[Hashable, What] = {}

    def found(*key: Any) -> What:
        """What is told of a match; the same each time."""
        what = stage, None, key[:3], key[3:], ""
        if len(known) >= _MOST:
            known.clear()
        known[key] = what
        return what

    def resolve_request(self: Any, request: Any) -> Any:
        trace = get()
        if trace is None:
            try:
                return call(self, request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
        before = len(trace.seen)
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stage, fault)
            start = trace.begun
        try:
            match = call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            told = (lambda *_: (None, "no match", (_where(request), before)), (), None)
            record(recorder, trace, stage, start, told, exc)
            raise
        try:
            end = clock()
            note(match)
            # Django has worked out the view's dotted path; a match of another kind has none.
            # Its resolver is the one asked first: the first one seen since `before`.
            own = request.__dict__
            where = _where(request) if "urlconf" in own else None
            url_name = match.url_name
            if url_name is not None and type(url_name) is not str:
                url_name = plain_values.text(url_name)
            key = match._func_path, match.route, url_name, where, before
            what = known.get(key) or found(*key)
            trace.view = what[2]
            trace.add((start, end, what))
        except Exception as fault:
            recorder.fault(stage, fault)
        return match

    return resolve_request


def _where(request: Any) -> str | None:
    """Name of the request's own URLconf, if it has one; never touches computed attributes."""
    urlconf = request.__dict__.get("urlconf")
    if urlconf is None:
        return None
    return plain_values.text(
        urlconf if isinstance(urlconf, str) else getattr(urlconf, "__name__", "a URLconf")
    )


def _view(recorder: Recorder, make: Callable[..., Any]) -> Any:
    get, clock = current.get, recorder.clock
    functions: dict[Hashable, What] = {}
    """What is told of a view that is a function, the same each time."""
    told = _telling(functions)
    plain: dict[int, ref[Any]] = {}
    """Functions that are no coroutine functions, by address."""

    def make_view_atomic(self: Any, view: Any) -> Any:
        try:
            call = make(self, view)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace = get()
        if trace is None:
            return call
        trace.view_token = None
        try:
            known = plain.get(id(call))
            if (known is None or known() is not call) and _is_coroutine(call, plain):
                return timed_async(recorder, stages.VIEW, call, _described)
        except Exception as fault:
            recorder.fault(stages.VIEW, fault)
            return call

        # A function, which holds the view that nobody else may hold. A bound method would be made
        # for less, but Django asks what it gets here whether it is a coroutine function, and to
        # tell that of a method costs more than all the rest.
        def timed_view(request: Any, /, *args: Any, **kwargs: Any) -> Any:
            trace = get()
            if trace is None:
                try:
                    return call(request, *args, **kwargs)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise
            try:
                start = clock()
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
                start = trace.begun
            try:
                response = call(request, *args, **kwargs) if args or kwargs else call(request)
            except BaseException as exc:
                drop_own_frames(exc)
                record(recorder, trace, stages.VIEW, start, (_described, (), None), exc)
                raise
            try:
                end = clock()
                what = functions.get(trace.view) if trace.view_token is None else None
                trace.add((start, end, what or told(trace)))
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
            return response

        return timed_view

    return make_view_atomic


def _is_coroutine(view: Any, plain: dict[int, ref[Any]]) -> bool:
    """Whether a view is a coroutine function; if it is another function, that is remembered."""
    if not _is_plain(view) and iscoroutinefunction(view):
        return True
    if type(view) is FunctionType:
        if len(plain) >= _MOST:
            plain.clear()
        plain[id(view)] = ref(view)
    return False


def _described(trace: Trace, _args: Any, _result: Any) -> tuple[int | None, Any, str]:
    return trace.view_token, trace.view, ""


def _telling(functions: dict[Hashable, What]) -> Callable[[Trace], What]:
    """Return what tells of a view, the same each time where it is the same."""
    classes: dict[Hashable, What] = {}

    def told(trace: Trace) -> What:
        token, view = trace.view_token, trace.view
        if token is None:
            return _same(functions, view, None)
        if trace.viewed is None:
            trace.viewed = token
            return classes.get(view) or _same(classes, view, LATE)
        return stages.VIEW, token, view, "", ""

    return told


def _same(known: dict[Hashable, What], view: Hashable, token: int | None) -> What:
    """What is told of a view, the same each time: its object's token is told elsewhere."""
    what = stages.VIEW, token, view, "", ""
    if len(known) >= _MOST:
        known.clear()
    known[view] = what
    return what


def _is_plain(view: Any) -> bool:
    """Whether this is certainly no coroutine function; asking Python costs a hundred times that.

    A function without attributes of its own is not marked as one either.
    """
    return type(view) is FunctionType and not (view.__code__.co_flags & CO_COROUTINE or vars(view))


def _tried(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, by_id = current.get, recorder.lives.by_id

    def resolve(self: Any, path: Any) -> Any:
        trace = get()
        if trace is not None:
            try:
                known = by_id.get(id(self))
                if known is not None and known() is self:
                    trace.seen.append(known.token)
            except Exception as fault:
                recorder.fault("resolver", fault)
        try:
            return call(self, path)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return resolve


def _matched(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, by_id = current.get, recorder.lives.by_id

    def resolve(self: Any, path: Any) -> Any:
        try:
            match = call(self, path)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        if match is None:
            return None
        trace = get()
        if trace is not None:
            try:
                known = by_id.get(id(self))
                if known is not None and known() is self:
                    trace.seen.append(known.token)
            except Exception as fault:
                recorder.fault("pattern", fault)
        return match

    return resolve


pass_over(__name__)
