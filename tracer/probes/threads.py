"""Threads that a request starts, and work that it hands to a thread pool.

The request's trace goes with them, so their work is recorded as part of the request. A thread is
watched from its start, and may outlive its request. A pool's thread serves many requests: it gets
the trace only for the work that the request submitted.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pool
from contextvars import Context
from threading import get_ident, get_native_id
from typing import Any, Final

from tracer.heap import thread_locals
from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.threads import starting_names
from tracer.recorder.trace import Trace, current

HAS_CONTEXT: Final = sys.version_info >= (3, 14)
"""Whether a thread runs in a context of its own: a new one, a copy of its starter's, or one that
the application gives it."""
COPIES_CONTEXT: Final = bool(getattr(sys.flags, "thread_inherit_context", 0))
"""Whether it is a copy of its starter's if the application gives none."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches threads being started and work being handed to pools."""
    patches.wrap(threading.Thread, "start", lambda call: _start_wrapper(recorder, call))
    patches.wrap(threading.Thread, "_delete", lambda call: _delete_wrapper(recorder, call))
    del imports  # Django loads both modules.
    patches.wrap(ThreadPoolExecutor, "submit", lambda call: _submit_wrapper(recorder, call))


def _start_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def start(self: Any) -> None:
        try:
            trace = current.get()
            own = vars(self)
            is_pool_worker = own.get("_target") is pool._worker
            if trace is not None and not trace.closed and not is_pool_worker:
                name = own.get("_name", "?")
                label = f"thread {name}"
                token = None if _is_database_pool(own) else recorder.born(self, "thread", label)
                recorder.instant(trace, (stages.THREAD, token, f"start {name}", "", ""))
                recorder.spread(trace)
                # An attribute of the instance, removed before the thread's own code runs.
                self._bootstrap_inner = _Bootstrap(self, trace)
            elif trace is not None and COPIES_CONTEXT:
                # The copied context would carry the trace into a thread that serves other requests.
                self._bootstrap_inner = _Bootstrap(self, None)
        except Exception as fault:
            recorder.fault("thread", fault)
        try:
            call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            # The thread will not run, so nothing else removes the attribute.
            vars(self).pop("_bootstrap_inner", None)
            raise

    return start


def _delete_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps what a thread does last, while its thread-locals are still there."""

    def _delete(self: Any) -> None:
        try:
            ident = get_ident()
            number = recorder.threads.number_of(ident)
            if number is not None:
                stored = thread_locals.tokens_in(recorder.thread_locals)
                # From Python 3.14 on a thread holds its context itself.
                context = vars(self).get("_context") if HAS_CONTEXT else None
                if type(context) is Context:
                    stored += thread_locals.tokens_below(context.values())
                recorder.stored_at_end[number] = stored
                recorder.weakrefs.untimely.ending[ident] = number, get_native_id()
        except Exception as fault:
            recorder.fault("thread", fault)
        try:
            call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return _delete


def _is_database_pool(own: dict[str, Any]) -> bool:
    """Returns whether a thread works for a database's pool, and so for all requests."""
    module = getattr(own.get("_target"), "__module__", None)
    return type(module) is str and module.startswith("psycopg_pool.")


class _Bootstrap:
    """A stand-in for `Thread._bootstrap_inner` that brings the trace to the new thread."""

    def __init__(self, thread: threading.Thread, trace: Trace | None) -> None:
        self.thread: threading.Thread | None = thread
        self.trace: Trace | None = trace
        self.has_given_context = HAS_CONTEXT and vars(thread).get("_context") is not None

    def __call__(self) -> None:
        thread, trace = self.thread, self.trace
        self.thread = self.trace = None
        assert thread is not None
        del thread._bootstrap_inner  # type: ignore[attr-defined]
        starting_names[get_ident()] = vars(thread).get("_name")
        current.set(trace)
        context = vars(thread).get("_context") if HAS_CONTEXT else None
        if context is not None and context.get(current) is not trace:
            if self.has_given_context:
                vars(thread)["_context"] = _GivenContext(thread, context, trace)
            else:
                context.run(current.set, trace)
        del trace
        try:
            thread._bootstrap_inner()  # type: ignore[attr-defined]
        finally:
            starting_names.pop(get_ident(), None)
            if context is not None:
                if self.has_given_context:
                    vars(thread)["_context"] = context
                else:
                    # The context lives as long as its thread, which the application may keep.
                    context.run(current.set, None)


class _GivenContext:
    """A stand-in for the context that the application gave to a thread, until the thread runs.

    The trace is set in that context only while the thread runs. Entering the context before and
    after would be simpler, but another thread may be in it at that time.
    """

    def __init__(self, thread: threading.Thread, context: Context, trace: Trace | None) -> None:
        self.thread = thread
        self.context = context
        self.trace = trace

    def run(self, work: Callable[[], None]) -> None:
        """Runs the thread's work in that context."""
        vars(self.thread)["_context"] = self.context
        try:
            self.context.run(_run_with_trace, self.trace, work)
        except BaseException as exc:
            drop_own_frames(exc)
            raise


def _run_with_trace(trace: Trace | None, work: Callable[[], None]) -> None:
    token = current.set(trace)
    try:
        work()
    except BaseException as exc:
        drop_own_frames(exc)
        raise
    finally:
        current.reset(token)


def _submit_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
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
    """A function that is submitted to a pool and runs as part of the request that did so."""

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


hide_functions(__name__)
