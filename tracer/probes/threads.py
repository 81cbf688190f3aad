"""Threads that a request starts: its context goes with them, so their work is its own.

A thread is watched from its start; one that outlives its request is seen to. Work handed to a
pool is carried the same way, so that a pool's long-lived thread serves each request in turn and
mixes none.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pool
from contextvars import Context
from threading import get_ident
from typing import Any, Final

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.threads import coming
from tracer.recorder.trace import Trace, current

CHOOSES: Final = sys.version_info >= (3, 14)
"""Whether a thread runs in a context: a new one, a copy of its starter's, or one given to it."""
INHERITS: Final = bool(getattr(sys.flags, "thread_inherit_context", 0))
"""Whether that is a copy of its starter's where none is given."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch threads being started and work being handed to pools."""
    patches.wrap(threading.Thread, "start", lambda call: _start(recorder, call))
    del imports  # Django loads both.
    patches.wrap(ThreadPoolExecutor, "submit", lambda call: _submit(recorder, call))


def _start(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def start(self: Any) -> None:
        try:
            trace = current.get()
            own = vars(self)
            worker = own.get("_target") is pool._worker
            if trace is not None and not trace.closed and not worker:
                name = own.get("_name", "?")
                label = f"thread {name}"
                token = None if _of_a_pool(own) else recorder.born(self, "thread", label)
                recorder.instant(trace, (stages.THREAD, token, f"start {name}", "", ""))
                recorder.spread(trace)
                # An attribute of the instance, gone again before the thread's own code runs.
                self._bootstrap_inner = _Carried(self, trace)
            elif trace is not None and INHERITS:
                # The request would go along in the copy, and a pool's thread serves others, too.
                self._bootstrap_inner = _Carried(self, None)
        except Exception as fault:
            recorder.fault("thread", fault)
        try:
            call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            # It will not run, so nobody else takes this back.
            vars(self).pop("_bootstrap_inner", None)
            raise

    return start


def _of_a_pool(own: dict[str, Any]) -> bool:
    """Whether a thread looks after a database's pool: the request sets it going, for all others."""
    module = getattr(own.get("_target"), "__module__", None)
    return type(module) is str and module.startswith("psycopg_pool.")


class _Carried:
    """Stands in for `Thread._bootstrap_inner` until the new thread calls it."""

    def __init__(self, thread: threading.Thread, trace: Trace | None) -> None:
        self.thread: threading.Thread | None = thread
        self.trace: Trace | None = trace
        self.is_given = CHOOSES and vars(thread).get("_context") is not None

    def __call__(self) -> None:
        thread, trace = self.thread, self.trace
        self.thread = self.trace = None
        assert thread is not None
        del thread._bootstrap_inner  # type: ignore[attr-defined]
        coming[get_ident()] = vars(thread).get("_name")
        current.set(trace)
        context = vars(thread).get("_context") if CHOOSES else None
        if context is not None and context.get(current) is not trace:
            if self.is_given:
                vars(thread)["_context"] = _Given(thread, context, trace)
            else:
                context.run(current.set, trace)
        del trace
        try:
            thread._bootstrap_inner()  # type: ignore[attr-defined]
        finally:
            coming.pop(get_ident(), None)
            if context is not None:
                if self.is_given:
                    vars(thread)["_context"] = context
                else:
                    # It is as old as its thread, which the application may keep.
                    context.run(current.set, None)


class _Given:
    """Stands in for the context that the application gave to a thread, until the thread runs.

    The request is set in it for just that time. To enter it before and after would be simpler, but
    no other thread can enter it meanwhile.
    """

    def __init__(self, thread: threading.Thread, context: Context, trace: Trace | None) -> None:
        self.thread = thread
        self.context = context
        self.trace = trace

    def run(self, work: Callable[[], None]) -> None:
        """Do in that context what its thread is there for."""
        vars(self.thread)["_context"] = self.context
        try:
            self.context.run(_carrying, self.trace, work)
        except BaseException as exc:
            drop_own_frames(exc)
            raise


def _carrying(trace: Trace | None, work: Callable[[], None]) -> None:
    token = current.set(trace)
    try:
        work()
    except BaseException as exc:
        drop_own_frames(exc)
        raise
    finally:
        current.reset(token)


def _submit(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        trace = current.get()
        try:
            if trace is None or trace.closed:
                return call(self, fn, *args, **kwargs)
            try:
                recorder.spread(trace)
            except Exception as fault:
                recorder.fault("pool", fault)
            return call(self, _Work(fn, trace), *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return submit


class _Work:
    """A function that runs as part of the request that submitted it."""

    def __init__(self, fn: Callable[..., Any], trace: Trace) -> None:
        self.fn = fn
        self.trace = trace

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = current.set(self.trace)
        try:
            return self.fn(*args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            current.reset(token)


pass_over(__name__)
