"""Where requests enter Django: the handlers' `__call__`, WSGI, ASGI and the test clients' alike.

Here a request begins. It ends with its response's close (see `tracer.probes.responses`), or, under
ASGI, when the handler is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tracer.probes import preexisting
from tracer.probes.imports import Imports
from tracer.recorder import server_info
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
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
    """Watch every kind of handler."""
    for module, name, is_async in HANDLERS:

        def watch(loaded: Any, name: str = name, is_async: bool = is_async) -> None:
            around = _async_entry if is_async else _sync_entry
            patches.wrap(getattr(loaded, name), "__call__", lambda call: around(recorder, call))

        imports.when(module, watch)
    imports.when(
        "django.core.handlers.base",
        lambda base: patches.wrap(
            base.BaseHandler, "load_middleware", lambda load: _load(recorder, load)
        ),
    )


def _load(recorder: Recorder, load: Callable[..., Any]) -> Any:
    """A handler builds its middleware: the handler's birth, as far as anyone can see it."""

    def load_middleware(self: Any, *args: Any, **kwargs: Any) -> Any:
        boot, token = recorder.boot, None
        try:
            token = recorder.lives.token_of(self)
            if token is None:
                token = recorder.born(self, "handler")
            if not recorder.scanned:
                recorder.scanned = True
                with boot.log if boot is not None else nullcontext():
                    preexisting.before_tracing(recorder)
        except Exception as fault:
            recorder.fault("handler", fault)
        start, name = boot.now() if boot is not None else 0, type(self).__name__
        try:
            result = load(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            if boot is not None:
                boot.handler(name, start, token, type(exc).__name__)
            raise
        if boot is not None:
            boot.handler(name, start, token)
        return result

    return load_middleware


def _enter(
    recorder: Recorder, told: tuple[Any, ...], environ: Any, awaited: bool = False
) -> Trace | None:
    """Begin a request, unless this call is made from within one."""
    try:
        left_over = current.get()
        if left_over is not None and not left_over.closed:
            if left_over.calling:
                return None
            # The server never closed the previous response of this thread.
            recorder.finish(left_over, "never closed")
        if not recorder.environ:
            recorder.environ = _about_server(environ)
        return recorder.begin(told, awaited)
    except Exception as fault:
        recorder.fault("entry", fault)
        return None


def _about_server(environ: Any) -> dict[str, Any]:
    """What tells the server: flags of the first environ, and whose code runs; no header."""
    keep = (
        "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once", "mod_wsgi.process_group",
    )  # fmt: skip
    found = {key: environ[key] for key in keep if key in environ}
    found["callers"], found["beside"] = server_info.callers(), server_info.beside()
    found["protocol"] = "wsgi" if "wsgi.version" in environ else "asgi"
    return found


class _Within:
    """A request made from within another is a part of it, and its response is not the other's."""

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


def _sync_entry(recorder: Recorder, call: Callable[..., Any]) -> Any:
    enter, inside, lives = current.set, current.get, recorder.lives
    last: Ref | None = None

    def entry(self: Any, environ: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal last
        trace = None
        try:
            get = environ.get
            told = get("REQUEST_METHOD"), get("SCRIPT_NAME"), get("PATH_INFO"), get("QUERY_STRING")
            if inside() is None and recorder.environ:
                trace = recorder.begin(told)
            else:
                trace = _enter(recorder, told, environ)
            if trace is not None:
                enter(trace)
                if last is None or last() is not self:
                    last = lives.by_id.get(id(self))
                if last is not None:
                    trace.seen.append(last.token)
        except Exception as fault:
            recorder.fault("entry", fault)
        try:
            if trace is None:
                with _Within(recorder):
                    return call(self, environ, *args, **kwargs)
            # Passing on what is not there costs as much as what is there.
            result = call(self, environ, *args, **kwargs) if kwargs else call(self, environ, *args)
        except BaseException as exc:
            drop_own_frames(exc)
            if trace is not None:
                # No response will come, so nobody can close it.
                recorder.finish(trace, "no response")
                enter(None)
            raise
        trace.calling = False
        if trace.closed:
            enter(None)
        return result

    return entry


def _async_entry(recorder: Recorder, call: Callable[..., Any]) -> Any:
    async def entry(self: Any, scope: Any, *args: Any, **kwargs: Any) -> Any:
        trace = token = None
        try:
            if scope.get("type", "http") == "http":
                trace = _enter(recorder, _told(scope), scope, awaited=True)
            if trace is not None:
                token = current.set(trace)
                recorder.seen(self)
        except Exception as fault:
            recorder.fault("entry", fault)
        try:
            if trace is None or token is None:
                with _Within(recorder):
                    return await call(self, scope, *args, **kwargs)
            return await call(self, scope, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            if trace is not None and token is not None:
                trace.calling = False
                if trace.streaming and not args:
                    # Only the test client calls so, and reads the body after this has returned.
                    trace.awaited = False
                else:
                    recorder.finish(trace)
                try:
                    current.reset(token)
                except Exception as fault:
                    recorder.fault("entry", fault)

    return entry


def _told(scope: Any) -> tuple[Any, ...]:
    """(method, script name, path, query) of an ASGI scope."""
    query = scope.get("query_string", b"")
    # Bytes by the specification; Django's own test client gives text.
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    return scope.get("method"), "", scope.get("path"), text


pass_over(__name__)
