"""URL resolving and the view.

Both wrappers run once in each request. So what they record is one tuple for all requests that find
the same view, and is kept here to be used again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from inspect import CO_COROUTINE
from types import FunctionType
from typing import Any
from weakref import ref

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.constructors import birth_recorder
from tracer.probes.imports import Imports
from tracer.probes.view_classes import methods_of
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import record, timed_async
from tracer.recorder.trace import LATE, Trace, What, current

_MAX_KNOWN = 1000
"""Matches and views remembered. Beyond, all are forgotten, and those in use are added again."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches resolving, and the view of each request."""
    imports.when("django.core.handlers.base", lambda base: _watch_handler(recorder, patches, base))
    imports.when("django.urls.resolvers", lambda urls: _watch_resolvers(recorder, patches, urls))


def _watch_handler(recorder: Recorder, patches: Patches, base: Any) -> None:
    handler = base.BaseHandler
    patches.wrap(handler, "resolve_request", lambda call: _resolve_request(recorder, call))
    patches.wrap(handler, "make_view_atomic", lambda make: _make_view_atomic(recorder, make))


def _watch_resolvers(recorder: Recorder, patches: Patches, urls: Any) -> None:
    patches.wrap(urls.URLResolver, "resolve", lambda call: _resolver_resolve(recorder, call))
    patches.wrap(urls.URLPattern, "resolve", lambda call: _pattern_resolve(recorder, call))


def _resolve_request(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, clock, stage = current.get, recorder.clock, stages.RESOLVE
    record_birth = birth_recorder(recorder, "match")
    known: dict[Hashable, What] = {}

    def resolve_request(self: Any, request: Any) -> Any:
        trace = get()
        if trace is None:
            try:
                return call(self, request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
        before, start = len(trace.seen), trace.begun
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stage, fault)
        try:
            match = call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            record(recorder, trace, stage, start, (_no_match, (request, before), None), exc)
            raise
        try:
            end = clock()
            record_birth(match)
            urlconf = _urlconf(request) if "urlconf" in request.__dict__ else None
            name = match.url_name
            if name is not None and type(name) is not str:
                name = plain_values.text(name)
            key = match._func_path, match.route, name, urlconf, before
            what = known.get(key) or _new_match(known, key)
            trace.view = what[2]
            trace.add((start, end, what))
        except Exception as fault:
            recorder.fault(stage, fault)
        return match

    return resolve_request


def _new_match(known: dict[Hashable, What], key: tuple[Any, ...]) -> What:
    """Returns the entry for a match, and keeps it for later requests.

    `key` is (dotted path of the view, route, URL name, URLconf, place in `trace.seen`). Django has
    worked out the path; a match of another class has none. The resolver that was asked first is the
    first one in `trace.seen` from that place on.
    """
    what = stages.RESOLVE, None, key[:3], key[3:], ""
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[key] = what
    return what


def _no_match(_trace: Trace, args: Any, _match: Any) -> tuple[None, str, Any]:
    request, before = args
    return None, "no match", (_urlconf(request), before)


def _urlconf(request: Any) -> str | None:
    """Returns the name of the request's own URLconf, or None. Reads no computed attributes."""
    urlconf = request.__dict__.get("urlconf")
    if urlconf is None:
        return None
    return plain_values.text(
        urlconf if isinstance(urlconf, str) else getattr(urlconf, "__name__", "a URLconf")
    )


def _make_view_atomic(recorder: Recorder, make: Callable[..., Any]) -> Any:
    get = current.get
    functions: dict[int, ref[Any]] = {}
    """Address to functions that are no coroutine functions."""
    timed_view = _view_timer(recorder)

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
            known = functions.get(id(call))
            if (known is None or known() is not call) and _is_coroutine(call, functions):
                return timed_async(
                    recorder, stages.VIEW, call, lambda trace, *_: _described(trace, (call,), None)
                )
            return timed_view(call)
        except Exception as fault:
            recorder.fault(stages.VIEW, fault)
            return call

    return make_view_atomic


def _view_timer(recorder: Recorder) -> Callable[[Any], Any]:
    """Returns a function that wraps one request's view, to time it."""
    get, clock = current.get, recorder.clock
    known: dict[Hashable, What] = {}
    new_entry = _entry_maker(known)

    # The wrapper is a function, and holds the view, which nothing else may hold. A bound method
    # would cost less to make. But Django asks whether what it gets here is a coroutine function,
    # and answering that for a method costs more than all the rest.
    def timed_view(call: Any) -> Any:
        def view(request: Any, /, *args: Any, **kwargs: Any) -> Any:
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
                record(recorder, trace, stages.VIEW, start, (_described, (call,), None), exc)
                raise
            try:
                end = clock()
                what = known.get(trace.view) if trace.view_token is None else None
                trace.add((start, end, what or new_entry(trace, call)))
            except Exception as fault:
                recorder.fault(stages.VIEW, fault)
            return response

        return view

    return timed_view


def _is_coroutine(view: Any, functions: dict[int, ref[Any]]) -> bool:
    """Returns whether a view is a coroutine function; other functions are added to `functions`."""
    if not _is_plain(view) and iscoroutinefunction(view):
        return True
    if type(view) is FunctionType:
        if len(functions) >= _MAX_KNOWN:
            functions.clear()
        functions[id(view)] = ref(view)
    return False


def _is_plain(view: Any) -> bool:
    """Returns whether a view is certainly no coroutine function, at a hundredth of Python's price.

    A function without attributes of its own is not marked as a coroutine function either.
    """
    return type(view) is FunctionType and not (view.__code__.co_flags & CO_COROUTINE or vars(view))


def _described(trace: Trace, args: Any, _result: Any) -> tuple[int | None, Any, Any]:
    token = trace.view_token
    return token, trace.view, methods_of(args[0]) if token is not None else ()


def _entry_maker(functions: dict[Hashable, What]) -> Callable[[Trace, Any], What]:
    """Returns a function that returns a view's entry, the same one for all that are alike."""
    classes: dict[Hashable, What] = {}

    def new_entry(trace: Trace, call: Any) -> What:
        token, view = trace.view_token, trace.view
        if token is None:
            return _remembered(functions, view, (stages.VIEW, None, view, (), ""))
        if trace.viewed is None:
            trace.viewed = token
            known = classes.get(view)
            if known is not None:
                return known
            # The view object's token is recorded elsewhere.
            return _remembered(classes, view, (stages.VIEW, LATE, view, methods_of(call), ""))
        return stages.VIEW, token, view, methods_of(call), ""

    return new_entry


def _remembered(known: dict[Hashable, What], view: Hashable, what: What) -> What:
    """Keeps a view's entry and returns it."""
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[view] = what
    return what


def _resolver_resolve(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, by_id = current.get, recorder.weakrefs.by_id

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


def _pattern_resolve(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, by_id = current.get, recorder.weakrefs.by_id

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


hide_functions(__name__)
