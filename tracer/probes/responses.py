"""The response: it leaves the last middleware, produces a streamed body and is closed.

When the response that left the handler is closed, its request ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from weakref import ref

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span, record
from tracer.recorder.trace import LATE, Trace, What, current
from tracer.recorder.weakrefs import Ref

_MAX_KNOWN = 1000
"""Kinds of response remembered. Beyond, all are forgotten, and those in use are added again."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches responses leave the handler, be streamed and be closed."""

    def leaving(base: Any) -> None:
        handler = base.BaseHandler
        patches.wrap(handler, "get_response", lambda call: _get_response_wrapper(recorder, call))
        patches.wrap(
            handler, "get_response_async", lambda call: _get_response_async_wrapper(recorder, call)
        )

    def closing(http: Any) -> None:
        stream = http.StreamingHttpResponse
        patches.wrap(http.HttpResponseBase, "close", lambda call: _close_wrapper(recorder, call))
        patches.wrap(stream, "__iter__", lambda call: _iter_wrapper(recorder, call))
        patches.wrap(stream, "__aiter__", lambda call: _aiter_wrapper(recorder, call))

    imports.when("django.core.handlers.base", leaving)
    imports.when("django.http.response", closing)


def _leaving_recorder(recorder: Recorder) -> Callable[[Any], None]:
    """Returns `record_leaving(response)`, which runs no code of the response's own."""
    known: dict[tuple[str, Any], What] = {}
    get, clock = current.get, recorder.clock

    def record_leaving(response: Any) -> None:
        try:
            trace = get()
            if trace is None or trace.closed:
                return
            token: int | None
            built = trace.built
            if built is not None and built() is response:
                trace.response, token = built, trace.built_token
            else:
                # Other responses were built since.
                trace.response = ref(response)
                token = _token_of(trace.births, response)
            status = response.status_code
            if type(status) is not int:
                status = plain_values.number(status)
            trace.status = status
            if response.streaming:
                trace.streaming = True
            elif type(container := response.__dict__.get("_container")) is list:
                is_whole = len(container) == 1
                trace.size = len(container[0]) if is_whole else sum(map(len, container))
            now = clock()
            name = type(response).__name__
            if trace.responded is None and token is not None:
                trace.responded = token
                what = known.get((name, status)) or _first_response(known, name, status)
            else:
                what = stages.RESPONSE, token, name, status, ""
            trace.add((now, now, what))
        except Exception as fault:
            recorder.fault("response", fault)

    return record_leaving


def _first_response(known: dict[tuple[str, Any], What], name: str, status: Any) -> What:
    """Returns the entry of a request's first response, the same object for all that are alike."""
    if len(known) >= _MAX_KNOWN:
        known.clear()
    return known.setdefault((name, status), (stages.RESPONSE, LATE, name, status, ""))


def _token_of(births: list[Any], response: Any) -> int | None:
    """Returns the response's token, searching from the newest birth back."""
    for place in range(len(births) - 5, -1, -5):
        mark = births[place]
        if type(mark) is Ref and mark() is response:
            token: int = births[place + 1]
            return token
    return None


def _get_response_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    record_leaving = _leaving_recorder(recorder)

    def get_response(self: Any, request: Any) -> Any:
        try:
            response = call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        record_leaving(response)
        return response

    return get_response


def _get_response_async_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    record_leaving = _leaving_recorder(recorder)

    async def get_response_async(self: Any, request: Any) -> Any:
        try:
            response = await call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        record_leaving(response)
        _finish_unawaited(recorder, response)
        return response

    return get_response_async


def _finish_unawaited(recorder: Recorder, response: Any) -> None:
    """Ends a request that no watched handler awaits: its close runs in another context."""
    try:
        trace = current.get()
        if trace is not None and not trace.awaited and not response.streaming:
            recorder.finish(trace)
    except Exception as fault:
        recorder.fault("response", fault)


def _close_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, clock, finish, leave = current.get, recorder.clock, recorder.finish, current.set
    what = stages.CLOSE, None, "response.close", "", ""

    def close(self: Any) -> None:
        trace = get()
        response = trace.response if trace is not None else None
        if trace is None or response is None or response() is not self or trace.closed:
            try:
                call(self)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            return
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(stages.CLOSE, fault)
            start = trace.begun
        try:
            call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            # This response left the handler: its close is the end of its request.
            try:
                trace.add((start, clock(), what))
            except Exception as fault:
                recorder.fault(stages.CLOSE, fault)
            if not trace.awaited:
                finish(trace)
                if not trace.handler_runs:
                    leave(None)

    return close


def _iter_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def __iter__(self: Any) -> Iterator[Any]:
        trace, start = open_span(recorder, stages.BODY)
        response = trace.response if trace is not None else None
        is_body = response is not None and response() is self
        try:
            # Django consumes an asynchronous body here, before its first chunk is asked for.
            chunks: Iterator[Any] = call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            if trace is not None and is_body:
                _record_body(recorder, trace, start, 0, 0, exc)
            raise
        return _stream(recorder, trace, start, chunks) if trace is not None and is_body else chunks

    return __iter__


def _stream(recorder: Recorder, trace: Trace, start: int, chunks: Any) -> Iterator[Any]:
    size = count = 0
    failed = None
    try:
        for chunk in chunks:
            size += len(chunk)
            count += 1
            yield chunk
    except BaseException as exc:
        drop_own_frames(exc)
        failed = exc
        raise
    finally:
        _record_body(recorder, trace, start, size, count, failed)
        failed = None


def _aiter_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def __aiter__(self: Any) -> AsyncIterator[Any]:
        try:
            chunks: AsyncIterator[Any] = call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace, start = open_span(recorder, stages.BODY)
        response = trace.response if trace is not None else None
        if trace is None or response is None or response() is not self:
            return chunks
        return _astream(recorder, trace, start, chunks)

    return __aiter__


async def _astream(recorder: Recorder, trace: Trace, start: int, chunks: Any) -> AsyncIterator[Any]:
    size = count = 0
    failed = None
    try:
        async for chunk in chunks:
            size += len(chunk)
            count += 1
            yield chunk
    except BaseException as exc:
        drop_own_frames(exc)
        failed = exc
        raise
    finally:
        _record_body(recorder, trace, start, size, count, failed)
        failed = None
        close = _closer(recorder, chunks)
        if close is not None:
            # Whoever closes the outer generator early must close the inner one as early.
            await close()


def _closer(recorder: Recorder, chunks: Any) -> Any:
    """Returns the method that closes an asynchronous body, or None."""
    try:
        return getattr(chunks, "aclose", None)
    except Exception as fault:
        recorder.fault(stages.BODY, fault)
        return None


def _record_body(
    recorder: Recorder, trace: Trace, start: int, size: int, count: int, exc: BaseException | None
) -> None:
    """Records a streamed body that was sent, or cut off."""
    try:
        cut = " · cut off" if isinstance(exc, GeneratorExit) else ""
        trace.size = size
        detail = f"{_plural(count, 'chunk')} · {_plural(size, 'byte')}{cut}"
        described = (lambda *_: (None, "streamed body", detail), (), None)
        record(recorder, trace, stages.BODY, start, described, None if cut else exc)
    except Exception as fault:
        recorder.fault(stages.BODY, fault)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s'[: count != 1]}"


hide_functions(__name__)
