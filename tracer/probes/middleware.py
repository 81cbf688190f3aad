"""Middleware: built once with its handler, entered and left by each request.

The middleware object itself stays what it is. The factory that `load_middleware` imports is
stood in for by one that notes the birth, and the callable that Django is about to guard with
`convert_exception_to_response` by one that times it. Hooks are timed where Django adapts them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import record, timed, timed_async
from tracer.recorder.trace import current

HOOKS = frozenset({"process_view", "process_template_response", "process_exception"})
OWN = "tracer.middleware.TracerMiddleware"


class _Made:
    """Middleware built and not yet put into its chain: id to (token, name)."""

    def __init__(self) -> None:
        self.by_id: dict[int, tuple[int | None, str]] = {}


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch every middleware of every handler built from now on."""
    imports.when("django.core.handlers.base", lambda base: _watch(recorder, patches, base))


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    made = _Made()
    patches.wrap(base, "import_string", lambda load: _importing(recorder, made, load))
    patches.wrap(
        base, "convert_exception_to_response", lambda convert: _layer(recorder, made, convert)
    )
    patches.wrap(base.BaseHandler, "adapt_method_mode", lambda adapt: _hooks(recorder, adapt))
    patches.wrap(base.BaseHandler, "load_middleware", lambda load: _outermost(recorder, base, load))


def _importing(recorder: Recorder, made: _Made, load: Callable[[str], Any]) -> Any:
    def import_string(path: str) -> Any:
        boot = recorder.boot
        start = boot.now() if boot is not None else 0
        try:
            middleware = load(path)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        if path == OWN:
            return middleware

        def factory(get_response: Any) -> Any:
            token = None
            try:
                instance = middleware(get_response)
            except BaseException as error:
                drop_own_frames(error)
                if boot is not None:
                    boot.middleware(path, start, None, type(error).__name__)
                raise
            try:
                if instance is not None:
                    name = path.rpartition(".")[2]
                    token = recorder.born(instance, "middleware", name)
                    made.by_id[id(instance)] = (token, name)
            except Exception as fault:
                recorder.fault("middleware", fault)
            if boot is not None:
                boot.middleware(path, start, token)
            return instance

        try:
            # Django asks the factory what it can do; a wrapper that did not say would be adapted.
            factory.sync_capable = getattr(middleware, "sync_capable", True)  # type: ignore[attr-defined]
            factory.async_capable = getattr(middleware, "async_capable", False)  # type: ignore[attr-defined]
        except Exception as fault:
            recorder.fault("middleware", fault)
            return middleware
        return factory

    return import_string


def _layer(recorder: Recorder, made: _Made, convert: Callable[[Any], Any]) -> Any:
    def convert_exception_to_response(get_response: Any) -> Any:
        known = made.by_id.pop(id(get_response), None)
        layer = None
        try:
            if known is not None:
                shape = _async_layer if iscoroutinefunction(get_response) else _sync_layer
                layer = functools.wraps(get_response)(shape(recorder, get_response, *known))
        except Exception as fault:
            recorder.fault("middleware", fault)
        try:
            inner = convert(get_response if layer is None else layer)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        if layer is not None:
            inner.__wrapped__ = get_response
            _keep_names(recorder, inner, get_response)
        return inner

    return convert_exception_to_response


def _keep_names(recorder: Recorder, inner: Any, get_response: Any) -> None:
    """Name what Django has made of a layer as it would be named without one.

    A middleware object has no name, and what Django makes of it keeps its own.
    """
    try:
        if type(inner) is FunctionType:
            code = inner.__code__
            inner.__name__ = getattr(get_response, "__name__", code.co_name)
            inner.__qualname__ = getattr(get_response, "__qualname__", code.co_qualname)
    except Exception as fault:
        recorder.fault("middleware", fault)


def _sync_layer(recorder: Recorder, call: Any, token: int | None, name: str) -> Any:
    clock, get = recorder.clock, current.get
    what = stages.MIDDLEWARE, token, name, "", ""

    def layer(request: Any) -> Any:
        # Spelled out, not `timed`: this runs once per middleware in every request.
        trace = get()
        if trace is None:
            try:
                return call(request)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stages.MIDDLEWARE, fault)
            start = trace.begun
        try:
            response = call(request)
        except BaseException as exc:
            drop_own_frames(exc)
            told = (lambda *_: what[1:4], (), None)
            record(recorder, trace, stages.MIDDLEWARE, start, told, exc)
            raise
        try:
            trace.add((start, clock(), what))
        except Exception as fault:
            recorder.fault(stages.MIDDLEWARE, fault)
        return response

    return layer


def _async_layer(recorder: Recorder, call: Any, token: int | None, name: str) -> Any:
    return timed_async(recorder, stages.MIDDLEWARE, call, lambda *_: (token, name, ""))


def _hooks(recorder: Recorder, adapt: Callable[..., Any]) -> Any:
    def adapt_method_mode(self: Any, is_async: bool, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            adapted = adapt(self, is_async, method, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        try:
            return _watched_hook(recorder, method, adapted)
        except Exception as fault:
            recorder.fault("middleware", fault)
            return adapted

    return adapt_method_mode


def _watched_hook(recorder: Recorder, method: Any, adapted: Any) -> Any:
    """Return a hook that is timed; whatever else Django adapts, as it is."""
    hook = getattr(method, "__name__", "")
    owner = getattr(method, "__self__", None)
    if hook not in HOOKS or owner is None:
        return adapted
    name = f"{type(owner).__name__}.{hook}"
    token = recorder.lives.token_of(owner)

    def described(_trace: Any, _args: Any, result: Any) -> tuple[int | None, str, str]:
        answered = result is not None and hook != "process_template_response"
        return token, name, "returned a response" if answered else ""

    if iscoroutinefunction(adapted):
        watched = timed_async(recorder, stages.HOOK, adapted, described)
    elif hook == "process_view":
        watched = _process_view(recorder, adapted, token, name)
    else:
        watched = timed(recorder, stages.HOOK, adapted, described)
    # Django names the method's class when a hook returns nothing.
    watched.__self__ = owner
    return watched


def _process_view(recorder: Recorder, call: Any, token: int | None, name: str) -> Any:
    """`timed`, spelled out for the hook that most requests pass."""
    clock, get = recorder.clock, current.get
    passed = stages.HOOK, token, name, "", ""
    answered = stages.HOOK, token, name, "returned a response", ""

    def process_view(request: Any, callback: Any, callback_args: Any, callback_kwargs: Any) -> Any:
        trace = get()
        if trace is None:
            try:
                return call(request, callback, callback_args, callback_kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stages.HOOK, fault)
            start = trace.begun
        try:
            response = call(request, callback, callback_args, callback_kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            told = (lambda *_: passed[1:4], (), None)
            record(recorder, trace, stages.HOOK, start, told, exc)
            raise
        try:
            trace.add((start, clock(), passed if response is None else answered))
        except Exception as fault:
            recorder.fault(stages.HOOK, fault)
        return response

    return process_view


def _outermost(recorder: Recorder, base: Any, load: Callable[..., Any]) -> Any:
    """Put TracerMiddleware around the chain, unless the project placed it itself."""

    def load_middleware(self: Any, is_async: bool = False) -> Any:
        try:
            result = load(self, is_async)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        chain = self._middleware_chain
        try:
            if chain is not None and OWN not in base.settings.MIDDLEWARE:
                own = base.import_string(OWN)(chain)
                # Not guarded as Django's own layers are: nothing within lets an exception pass.
                self._middleware_chain = own if own.is_async else own.passage()
        except Exception as fault:
            self._middleware_chain = chain
            recorder.fault("middleware", fault)
        return result

    return load_middleware


pass_over(__name__)
