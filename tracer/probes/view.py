"""URL resolving and the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import timed, timed_async
from tracer.recorder.trace import Trace, current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch resolving, and the view of each request."""
    imports.when("django.core.handlers.base", lambda base: _watch(recorder, patches, base))
    imports.when("django.urls.resolvers", lambda urls: _resolvers(recorder, patches, urls))


def _resolvers(recorder: Recorder, patches: Patches, urls: Any) -> None:
    patches.wrap(urls.URLResolver, "resolve", lambda call: _tried(recorder, call))
    patches.wrap(urls.URLPattern, "resolve", lambda call: _matched(recorder, call))


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    def resolved(trace: Trace, args: Any, match: Any) -> tuple[int | None, str, str]:
        request = args[1]
        # Through vars(): a request class of the project's own may compute attributes.
        urlconf = vars(request).get("urlconf") or base.settings.ROOT_URLCONF
        where = urlconf if isinstance(urlconf, str) else getattr(urlconf, "__name__", "a URLconf")
        resolver = base.get_resolver(urlconf)
        token = recorder.lives.token_of(resolver)
        if match is None:
            return token, "no match", f"in {where}"
        trace.view = match._func_path
        route = f"route {match.route!r}"
        name = f" · name {match.view_name}" if match.url_name else ""
        return token, match._func_path, f"{route}{name} · in {where}"

    patches.wrap(
        base.BaseHandler,
        "resolve_request",
        lambda call: timed(recorder, stages.RESOLVE, call, resolved),
    )
    patches.wrap(base.BaseHandler, "make_view_atomic", lambda make: _view(recorder, make))


def _view(recorder: Recorder, make: Callable[..., Any]) -> Any:
    def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
        name, detail = trace.view or "view", ""
        if trace.view_token is not None:
            name = f"{name}.{trace.method.lower()}"
            detail = "new instance"
        return trace.view_token, name, detail

    def make_view_atomic(self: Any, view: Any) -> Any:
        made = make(self, view)
        trace = current.get()
        if trace is None:
            return made
        trace.view_token = None
        shape = timed_async if iscoroutinefunction(made) else timed
        return shape(recorder, stages.VIEW, made, describe)

    return make_view_atomic


def _tried(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def resolve(self: Any, path: Any) -> Any:
        try:
            recorder.seen(self)
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
