"""URL resolving and the view."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_COROUTINE
from types import FunctionType
from typing import Any

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.probes.objects import noting
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import record, timed_async
from tracer.recorder.trace import Trace, current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch resolving, and the view of each request."""
    imports.when("django.core.handlers.base", lambda base: _watch(recorder, patches, base))
    imports.when("django.urls.resolvers", lambda urls: _resolvers(recorder, patches, urls))


def _resolvers(recorder: Recorder, patches: Patches, urls: Any) -> None:
    patches.wrap(urls.URLResolver, "resolve", lambda call: _tried(recorder, call))
    patches.wrap(urls.URLPattern, "resolve", lambda call: _matched(recorder, call))
    patches.wrap(urls.URLResolver, "_reverse_with_prefix", lambda call: _reversed(recorder, call))


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    handler = base.BaseHandler
    patches.wrap(handler, "resolve_request", lambda call: _resolve(recorder, call))
    patches.wrap(handler, "make_view_atomic", lambda make: _view(recorder, make))


def _resolve(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, clock, stage = current.get, recorder.clock, stages.RESOLVE
    note = noting(recorder, "match")

    def resolve_request(self: Any, request: Any) -> Any:
        trace = get()
        if trace is None:
            return call(self, request)
        before = len(trace.seen)
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stage, fault)
            start = trace.begun
        try:
            match = call(self, request)
        except BaseException as exc:
            told = (lambda *_: (None, "no match", (_where(request), before)), (), None)
            record(recorder, trace, stage, start, told, exc)
            raise
        try:
            end = clock()
            note(match)
            # Django has worked out the view's dotted path; a match of another kind has none.
            trace.view = found = match._func_path, match.route, match.url_name
            # Its resolver is the one asked first: the first one seen since `before`.
            where = _where(request), before
            trace.add((start, end, (stage, None, found, where, "")))
        except Exception as fault:
            recorder.fault(stage, fault)
        return match

    return resolve_request


def _where(request: Any) -> str | None:
    """Name of the request's own URLconf, if it has one; never touches computed attributes."""
    urlconf = request.__dict__.get("urlconf")
    if urlconf is None or isinstance(urlconf, str):
        return urlconf
    return getattr(urlconf, "__name__", "a URLconf")


def _view(recorder: Recorder, make: Callable[..., Any]) -> Any:
    get, clock = current.get, recorder.clock

    def describe(trace: Trace, _args: Any, _result: Any) -> tuple[int | None, Any, str]:
        return trace.view_token, trace.view, ""

    def make_view_atomic(self: Any, view: Any) -> Any:
        made = make(self, view)
        trace = get()
        if trace is None:
            return made
        trace.view_token = None
        try:
            if not _is_plain(made) and iscoroutinefunction(made):
                return timed_async(recorder, stages.VIEW, made, describe)
        except Exception as fault:
            recorder.fault(stages.VIEW, fault)
            return made

        def timed_view(request: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                start = clock()
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
                start = trace.begun
            try:
                response = made(request, *args, **kwargs) if args or kwargs else made(request)
            except BaseException as exc:
                record(recorder, trace, stages.VIEW, start, (describe, (), None), exc)
                raise
            try:
                trace.add((start, clock(), (stages.VIEW, trace.view_token, trace.view, "", "")))
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
            return response

        return timed_view

    return make_view_atomic


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
                ref = by_id.get(id(self))
                if ref is not None and ref() is self:
                    trace.seen.append(ref.token)
            except Exception as fault:
                recorder.fault("resolver", fault)
        return call(self, path)

    return resolve


def _reversed(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Around what `reverse()` asks the resolver it has found: another use of a resolver.

    A long list asks for each of its rows, so it is spelled out for the ways in which it is asked,
    and of one use after the other the first is told.
    """
    get, by_id = current.get, recorder.lives.by_id

    def _reverse_with_prefix(
        self: Any, lookup_view: Any, _prefix: Any, *args: Any, **kwargs: Any
    ) -> Any:
        trace = get()
        if trace is not None:
            try:
                ref = by_id.get(id(self))
                if ref is not None and ref() is self:
                    seen = trace.seen
                    if not seen or seen[-1] != ref.token:
                        seen.append(ref.token)
            except Exception as fault:
                recorder.fault("resolver", fault)
        if kwargs:
            return call(self, lookup_view, _prefix, *args, **kwargs)
        if args:
            return call(self, lookup_view, _prefix, *args)
        return call(self, lookup_view, _prefix)

    return _reverse_with_prefix


def _matched(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, by_id = current.get, recorder.lives.by_id

    def resolve(self: Any, path: Any) -> Any:
        match = call(self, path)
        if match is None:
            return None
        trace = get()
        if trace is not None:
            try:
                ref = by_id.get(id(self))
                if ref is not None and ref() is self:
                    trace.seen.append(ref.token)
            except Exception as fault:
                recorder.fault("pattern", fault)
        return match

    return resolve
