"""Where requests enter Django: the `__call__` of the WSGI and ASGI handlers and the test clients'.

A request begins here. It ends when its response is closed (see `tracer.probes.responses`) or, under
ASGI, when the handler is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tracer.probes import preexisting
from tracer.probes.imports import Imports
from tracer.recorder import server_info
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current
from tracer.recorder.weakrefs import Ref

HANDLERS = (
    ("django.core.handlers.wsgi", "WSGIHandler", False),
    ("django.core.handlers.asgi", "ASGIHandler", True),
    ("django.test.client", "ClientHandler", False),
    ("django.test.client", "AsyncClientHandler", True),
)
"""Module, class, and whether its call is a coroutine."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches every kind of handler."""
    for module, name, is_async in HANDLERS:

        def watch(loaded: Any, name: str = name, is_async: bool = is_async) -> None:
            wrapper = _async_wrapper if is_async else _sync_wrapper
            patches.wrap(getattr(loaded, name), "__call__", lambda call: wrapper(recorder, call))

        imports.when(module, watch)
    imports.when(
        "django.core.handlers.base",
        lambda base: patches.wrap(
            base.BaseHandler,
            "load_middleware",
            lambda load: _load_middleware_wrapper(recorder, load),
        ),
    )


def _load_middleware_wrapper(recorder: Recorder, load: Callable[..., Any]) -> Any:
    """Wraps `load_middleware`, the first method that shows that a handler was built."""

    def load_middleware(self: Any, *args: Any, **kwargs: Any) -> Any:
        boot, token = recorder.boot, None
        try:
            token = recorder.weakrefs.token_of(self)
            if token is None:
                token = recorder.born(self, "handler")
            if not recorder.scanned:
                recorder.scanned = True
                with boot.log.clock if boot is not None else nullcontext():
                    preexisting.find_preexisting(recorder)
        except Exception as fault:
            recorder.fault("handler", fault)
        start, name = boot.now() if boot is not None else 0, type(self).__name__
        try:
            result = load(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            if boot is not None:
                boot.add_handler(name, start, token, type(exc).__name__)
            raise
        if boot is not None:
            boot.add_handler(name, start, token)
        return result

    return load_middleware


def _begin(
    recorder: Recorder, address: tuple[Any, ...], environ: Any, awaited: bool = False
) -> Trace | None:
    """Begins a request, unless this call is made from within another one."""
    try:
        left_over = current.get()
        if left_over is not None and not left_over.closed:
            if left_over.handler_runs:
                return None
            # The server never closed this thread's previous response.
            recorder.finish(left_over, "never closed")
        if not recorder.environ:
            recorder.environ = _server_marks(environ)
        return recorder.begin(address, awaited)
    except Exception as fault:
        recorder.fault("entry", fault)
        return None


def _server_marks(environ: Any) -> dict[str, Any]:
    """Returns what shows the server: flags of the first environ, and whose code runs. No header."""
    keep = (
        "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once", "mod_wsgi.process_group",
    )  # fmt: skip
    found = {key: environ[key] for key in keep if key in environ}
    found["callers"] = server_info.callers()
    found["other_threads"] = server_info.modules_of_other_threads()
    found["protocol"] = "wsgi" if "wsgi.version" in environ else "asgi"
    return found


class _NestedRequest:
    """A request made from within another: part of its trace, but with a response of its own."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.outer: Trace | None = None

    def __enter__(self) -> None:
        try:
            outer = current.get()
            if outer is None or outer.closed:
                return
            self.ending = outer.awaited, outer.response, outer.status, outer.size, outer.streaming
            self.view = outer.view, outer.view_token
            outer.awaited = True
            self.outer = outer
        except Exception as fault:
            self.recorder.fault("entry", fault)

    def __exit__(self, *_error: object) -> None:
        outer = self.outer
        if outer is not None:
            outer.awaited, outer.response, outer.status, outer.size, outer.streaming = self.ending
            outer.view, outer.view_token = self.view


def _sync_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    enter, inside, by_id = current.set, current.get, recorder.weakrefs.by_id
    last: Ref | None = None

    def __call__(self: Any, environ: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal last
        trace = None
        try:
            get = environ.get
            where = get("REQUEST_METHOD"), get("SCRIPT_NAME"), get("PATH_INFO"), get("QUERY_STRING")
            is_first = inside() is None and recorder.environ
            trace = recorder.begin(where) if is_first else _begin(recorder, where, environ)
            if trace is not None:
                enter(trace)
                if last is None or last() is not self:
                    last = by_id.get(id(self))
                if last is not None:
                    trace.seen.append(last.token)
        except Exception as fault:
            recorder.fault("entry", fault)
        try:
            if trace is None:
                with _NestedRequest(recorder):
                    return call(self, environ, *args, **kwargs)
            # Passing on `kwargs` costs as much when they are empty.
            result = call(self, environ, *args, **kwargs) if kwargs else call(self, environ, *args)
        except BaseException as exc:
            drop_own_frames(exc)
            if trace is not None:
                # There will be no response that somebody could close.
                recorder.finish(trace, "no response")
                enter(None)
            raise
        trace.handler_runs = False
        if trace.closed:
            enter(None)
        return result

    return __call__


def _async_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    async def __call__(self: Any, scope: Any, *args: Any, **kwargs: Any) -> Any:
        trace = token = None
        try:
            if scope.get("type", "http") == "http":
                trace = _begin(recorder, _address(scope), scope, awaited=True)
            if trace is not None:
                token = current.set(trace)
                recorder.seen(self)
        except Exception as fault:
            recorder.fault("entry", fault)
        try:
            if trace is None or token is None:
                with _NestedRequest(recorder):
                    return await call(self, scope, *args, **kwargs)
            return await call(self, scope, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            if trace is not None and token is not None:
                trace.handler_runs = False
                if trace.streaming and not args:
                    # Only Django's test client calls so; it reads the body after this has returned.
                    trace.awaited = False
                else:
                    recorder.finish(trace)
                try:
                    current.reset(token)
                except Exception as fault:
                    recorder.fault("entry", fault)

    return __call__


def _address(scope: Any) -> tuple[Any, ...]:
    """Returns (method, script name, path, query) of an ASGI scope."""
    query = scope.get("query_string", b"")
    # Bytes according to the specification; Django's own test client gives text.
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    return scope.get("method"), "", scope.get("path"), text


hide_functions(__name__)
