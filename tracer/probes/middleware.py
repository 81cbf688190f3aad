"""Middleware: built once with its handler, entered and left by each request.

No middleware object is changed. The factory that `load_middleware` imports is wrapped to record the
birth. The callable that Django passes to `convert_exception_to_response` is wrapped to be timed,
and each hook is wrapped where Django adapts it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from asgiref.sync import iscoroutinefunction

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import record, timed, timed_async
from tracer.recorder.trace import current

HOOKS = frozenset({"process_view", "process_template_response", "process_exception"})
OWN_MIDDLEWARE = "tracer.middleware.TracerMiddleware"


Built = dict[int, "tuple[int | None, str]"]
"""Address to (token, name) of middleware that was built and is not yet in its chain."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches every middleware of every handler built from now on."""
    imports.when("django.core.handlers.base", lambda base: _watch(recorder, patches, base))


def _watch(recorder: Recorder, patches: Patches, base: Any) -> None:
    built: Built = {}
    patches.wrap(base, "import_string", lambda load: _import_wrapper(recorder, built, load))
    patches.wrap(
        base,
        "convert_exception_to_response",
        lambda convert: _convert_wrapper(recorder, built, convert),
    )
    patches.wrap(
        base.BaseHandler, "adapt_method_mode", lambda adapt: _adapt_wrapper(recorder, adapt)
    )
    patches.wrap(
        base.BaseHandler, "load_middleware", lambda load: _load_wrapper(recorder, base, load)
    )


def _import_wrapper(recorder: Recorder, built: Built, load: Callable[[str], Any]) -> Any:
    def import_string(path: str) -> Any:
        boot = recorder.boot
        start = boot.now() if boot is not None else 0
        try:
            middleware = load(path)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        if path == OWN_MIDDLEWARE:
            return middleware
        try:
            factory = _recording_factory(recorder, built, middleware, path, start)
            # Django reads these from the factory. Without them it would adapt the wrapper.
            factory.sync_capable = getattr(middleware, "sync_capable", True)
            factory.async_capable = getattr(middleware, "async_capable", False)
        except Exception as fault:
            recorder.fault("middleware", fault)
            return middleware
        return factory

    return import_string


def _recording_factory(
    recorder: Recorder, built: Built, middleware: Any, path: str, start: int
) -> Any:
    """Returns a factory that builds a middleware and records its birth."""
    boot = recorder.boot

    def factory(get_response: Any) -> Any:
        token = None
        try:
            instance = middleware(get_response)
        except BaseException as error:
            drop_own_frames(error)
            if boot is not None:
                boot.add_middleware(path, start, None, type(error).__name__)
            raise
        try:
            if instance is not None:
                name = path.rpartition(".")[2]
                token = recorder.born(instance, "middleware", name)
                built[id(instance)] = (token, name)
        except Exception as fault:
            recorder.fault("middleware", fault)
        if boot is not None:
            boot.add_middleware(path, start, token)
        return instance

    return factory


def _convert_wrapper(recorder: Recorder, built: Built, convert: Callable[[Any], Any]) -> Any:
    def convert_exception_to_response(get_response: Any) -> Any:
        known = built.pop(id(get_response), None)
        layer = None
        try:
            if known is not None:
                timer = _async_layer if iscoroutinefunction(get_response) else _sync_layer
                layer = functools.wraps(get_response)(timer(recorder, get_response, *known))
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
    """Gives what Django makes of a layer the name that it would have without the layer.

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
        # Written out, not `timed`: this runs once per middleware in every request.
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
            described = (lambda *_: what[1:4], (), None)
            record(recorder, trace, stages.MIDDLEWARE, start, described, exc)
            raise
        try:
            trace.add((start, clock(), what))
        except Exception as fault:
            recorder.fault(stages.MIDDLEWARE, fault)
        return response

    return layer


def _async_layer(recorder: Recorder, call: Any, token: int | None, name: str) -> Any:
    return timed_async(recorder, stages.MIDDLEWARE, call, lambda *_: (token, name, ""))


def _adapt_wrapper(recorder: Recorder, adapt: Callable[..., Any]) -> Any:
    def adapt_method_mode(self: Any, is_async: bool, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            adapted = adapt(self, is_async, method, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        try:
            return _timed_hook(recorder, method, adapted)
        except Exception as fault:
            recorder.fault("middleware", fault)
            return adapted

    return adapt_method_mode


def _timed_hook(recorder: Recorder, method: Any, adapted: Any) -> Any:
    """Returns a hook with its timing. Anything else that Django adapts is returned as it is."""
    hook = getattr(method, "__name__", "")
    owner = getattr(method, "__self__", None)
    if hook not in HOOKS or owner is None:
        return adapted
    name = f"{type(owner).__name__}.{hook}"
    token = recorder.weakrefs.token_of(owner)

    def describe(_trace: Any, _args: Any, result: Any) -> tuple[int | None, str, str]:
        answered = result is not None and hook != "process_template_response"
        return token, name, "returned a response" if answered else ""

    if iscoroutinefunction(adapted):
        hook_timer = timed_async(recorder, stages.HOOK, adapted, describe)
    elif hook == "process_view":
        hook_timer = _process_view(recorder, adapted, token, name)
    else:
        hook_timer = timed(recorder, stages.HOOK, adapted, describe)
    # Django's error message for a hook that returns nothing names the class of its `__self__`.
    hook_timer.__self__ = owner
    return hook_timer


def _process_view(recorder: Recorder, call: Any, token: int | None, name: str) -> Any:
    """Times `process_view`. Written out, as most requests pass this hook."""
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
            described = (lambda *_: passed[1:4], (), None)
            record(recorder, trace, stages.HOOK, start, described, exc)
            raise
        try:
            trace.add((start, clock(), passed if response is None else answered))
        except Exception as fault:
            recorder.fault(stages.HOOK, fault)
        return response

    return process_view


def _load_wrapper(recorder: Recorder, base: Any, load: Callable[..., Any]) -> Any:
    """Puts TracerMiddleware around the chain, unless the project lists it itself."""

    def load_middleware(self: Any, is_async: bool = False) -> Any:
        try:
            result = load(self, is_async)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        chain = self._middleware_chain
        try:
            if chain is not None and OWN_MIDDLEWARE not in base.settings.MIDDLEWARE:
                own = base.import_string(OWN_MIDDLEWARE)(chain)
                # Not wrapped as Django's own layers are: no layer within lets an exception pass.
                self._middleware_chain = own if own.is_async else own.passage()
        except Exception as fault:
            self._middleware_chain = chain
            recorder.fault("middleware", fault)
        return result

    return load_middleware


hide_functions(__name__)
