"""Wrappers that time a call as one stage of the request in flight.

The call's result or exception passes through untouched. A fault of the recording itself ends in
`Recorder.fault`; the call is made exactly once in any case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current

Describe = Callable[[Trace, tuple[Any, ...], Any], "tuple[int | None, Any, Any]"]
"""(trace, arguments, result) to (token, name, detail); the result is None after an exception."""


def record(
    recorder: Recorder,
    trace: Trace,
    stage: str,
    start: int,
    call: tuple[Any, ...],
    exc: BaseException | None,
) -> None:
    """Appends one finished stage. `call` is (describe, arguments, result)."""
    try:
        end = recorder.clock()
        describe, args, result = call
        token, name, detail = describe(trace, args, result)
        error = "" if exc is None else type(exc).__name__
        trace.add((start, end, (stage, token, name, detail, error)))
        if exc is not None and isinstance(exc, Exception):
            recorder.raised(trace, exc)
    except Exception as fault:
        recorder.fault(stage, fault)


def open_span(recorder: Recorder, stage: str) -> tuple[Trace | None, int]:
    """Returns the request in flight and the time, or None and 0 if nothing is to be recorded."""
    try:
        trace = current.get()
        if trace is None or trace.closed:
            return None, 0
        return trace, recorder.clock()
    except Exception as fault:
        recorder.fault(stage, fault)
        return None, 0


def timed(recorder: Recorder, stage: str, call: Callable[..., Any], describe: Describe) -> Any:
    """Returns a plain function that times `call` as `stage`."""
    get, clock = current.get, recorder.clock

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        # Written out: calling `open_span` and `record` would cost as much again.
        trace, start = None, 0
        try:
            trace = get()
            if trace is not None:
                start = clock()
        except Exception as fault:
            recorder.fault(stage, fault)
            trace = None
        try:
            if trace is None:
                return call(*args, **kwargs)
            result = call(*args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            if trace is not None:
                record(recorder, trace, stage, start, (describe, args, None), exc)
            raise
        try:
            end = clock()
            token, name, detail = describe(trace, args, result)
            trace.add((start, end, (stage, token, name, detail, "")))
        except Exception as fault:
            recorder.fault(stage, fault)
        return result

    return wrapper


def timed_async(
    recorder: Recorder, stage: str, call: Callable[..., Awaitable[Any]], describe: Describe
) -> Any:
    """Returns a coroutine function that times `call` as `stage`."""

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        trace, start = open_span(recorder, stage)
        try:
            if trace is None:
                return await call(*args, **kwargs)
            result = await call(*args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            if trace is not None:
                record(recorder, trace, stage, start, (describe, args, None), exc)
            raise
        record(recorder, trace, stage, start, (describe, args, result), None)
        return result

    return wrapper


hide_functions(__name__)
