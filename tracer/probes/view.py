"""URL resolving and the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.imports import Imports
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


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    handler = base.BaseHandler
    patches.wrap(handler, "resolve_request", lambda call: _resolve(recorder, base, call))
    patches.wrap(handler, "make_view_atomic", lambda make: _view(recorder, make))


def _resolve(recorder: Recorder, base: Any, call: Callable[..., Any]) -> Any:
    get, clock = current.get, recorder.clock

    def resolve_request(self: Any, request: Any) -> Any:
        trace, start, before = None, 0, 0
        try:
            trace = get()
            if trace is not None:
                start, before = clock(), len(trace.seen)
        except Exception as fault:
            recorder.fault(stages.RESOLVE, fault)
        if trace is None:
            return call(self, request)
        try:
            match = call(self, request)
        except BaseException as exc:
            told = (lambda *_: (_root(trace, before), "no match", _where(base, request)), (), None)
            record(recorder, trace, stages.RESOLVE, start, told, exc)
            raise
        try:
            end = clock()
            # Django has worked out the view's dotted path; a match of another kind has none.
            own = vars(match)
            trace.view = found = own.get("_func_path") or "view", own["route"], own["url_name"]
            thread = trace.thread if trace.single else recorder.lane.token
            token, where = _root(trace, before), _where(base, request)
            trace.add((stages.RESOLVE, start, end, thread, token, found, where, ""))
        except Exception as fault:
            recorder.fault(stages.RESOLVE, fault)
        return match

    return resolve_request


def _root(trace: Trace, before: int) -> int | None:
    """The resolver asked first: the first one seen since resolving began."""
    if len(trace.seen) <= before:
        return None
    first = trace.seen[before]
    return first if isinstance(first, int) else first[0]


def _where(base: Any, request: Any) -> str:
    """Name of the URLconf in force, without touching computed attributes of the request."""
    urlconf = vars(request).get("urlconf") or base.settings.ROOT_URLCONF
    return urlconf if isinstance(urlconf, str) else getattr(urlconf, "__name__", "a URLconf")


def _view(recorder: Recorder, make: Callable[..., Any]) -> Any:
    get, clock = current.get, recorder.clock

    def describe(trace: Trace, _args: Any, _result: Any) -> tuple[int | None, Any, str]:
        return trace.view_token, trace.view, trace.told[0]

    def make_view_atomic(self: Any, view: Any) -> Any:
        made = make(self, view)
        trace = get()
        if trace is None:
            return made
        trace.view_token = None
        if iscoroutinefunction(made):
            return timed_async(recorder, stages.VIEW, made, describe)

        def timed_view(request: Any, *args: Any, **kwargs: Any) -> Any:
            start = 0
            try:
                start = clock()
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
            try:
                response = made(request, *args, **kwargs)
            except BaseException as exc:
                record(recorder, trace, stages.VIEW, start, (describe, (), None), exc)
                raise
            try:
                thread = trace.thread if trace.single else recorder.lane.token
                told = trace.view_token, trace.view, trace.told[0]
                trace.add((stages.VIEW, start, clock(), thread, *told, ""))
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
            return response

        return timed_view

    return make_view_atomic


def _tried(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, table = current.get, recorder.lives.table

    def resolve(self: Any, path: Any) -> Any:
        try:
            trace = get()
            if trace is not None:
                ref = table.get(id(self))
                if ref is not None and ref() is self:
                    token = ref.token
                    trace.seen.append(token if trace.single else (token, recorder.lane.token))
        except Exception as fault:
            recorder.fault("resolve", fault)
        return call(self, path)

    return resolve


def _matched(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def resolve(self: Any, path: Any) -> Any:
        match = call(self, path)
        if match is not None:
            try:
                recorder.seen(self)
            except Exception as fault:
                recorder.fault("resolve", fault)
        return match

    return resolve
