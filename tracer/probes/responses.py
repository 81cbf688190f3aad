"""The response: leaving the last middleware, producing a streamed body, being closed.

The close of the response that left the handler is the end of its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from weakref import ref

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span, record
from tracer.recorder.trace import LATE, Trace, What, current
from tracer.recorder.weakrefs import Ref

_MOST = 1000
"""Kinds of response remembered; beyond, all are forgotten and those in use come back."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch responses leave, be streamed and be closed."""

    def leaving(base: Any) -> None:
        handler = base.BaseHandler
        patches.wrap(handler, "get_response", lambda call: _leave(recorder, call))
        patches.wrap(handler, "get_response_async", lambda call: _leave_async(recorder, call))

    def closing(http: Any) -> None:
        stream = http.StreamingHttpResponse
        patches.wrap(http.HttpResponseBase, "close", lambda call: _close(recorder, call))
        patches.wrap(stream, "__iter__", lambda call: _body(recorder, call))
        patches.wrap(stream, "__aiter__", lambda call: _async_body(recorder, call))

    imports.when("django.core.handlers.base", leaving)
    imports.when("django.http.response", closing)


def _noting(recorder: Recorder) -> Callable[[Any], None]:
    """Return `note(response)`: what it is, without running any code of its own."""
    known: dict[tuple[str, Any], What] = {}

    def what(name: str, status: Any) -> What:
        """What is told of the request's first response; the same each time."""
        if len(known) >= _MOST:
            known.clear()
        return known.setdefault((name, status), (stages.RESPONSE, LATE, name, status, ""))

    get, clock, fault = current.get, recorder.clock, recorder.fault

    def note(response: Any) -> None:
        try:
            trace = get()
            if trace is None or trace.closed:
                return
            token: int | None
            built = trace.built
            if built is not None and built() is response:
                trace.response, token = built, trace.built_token
            else:
                # Others were built since.
                trace.response = ref(response)
                token = _token_of(trace.births, response)
            status = response.status_code
            if type(status) is not int:
                status = plain_values.number(status)
            trace.status = status
            if response.streaming:
                trace.streaming = True
            else:
                container = response.__dict__.get("_container")
                if type(container) is list:
                    is_whole = len(container) == 1
                    trace.size = len(container[0]) if is_whole else sum(map(len, container))
            now = clock()
            name = type(response).__name__
            if trace.responded is None and token is not None:
                trace.responded = token
                told = known.get((name, status)) or what(name, status)
            else:
                told = stages.RESPONSE, token, name, status, ""
            trace.add((now, now, told))
        except Exception as error:
            fault("response", error)

    return note


def _token_of(births: list[Any], response: Any) -> int | None:
    """The response's token: its birth is one of the newest."""
    for place in range(len(births) - 5, -1, -5):
        mark = births[place]
        if type(mark) is Ref and mark() is response:
            token: int = births[place + 1]
            return token
    return None


def _leave(recorder: Recorder, call: Callable[..., Any]) -> Any:
    note = _noting(recorder)

    def get_response(self: Any, request: Any) -> Any:
        try:
            response = call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        note(response)
        return response

    return get_response


def _leave_async(recorder: Recorder, call: Callable[..., Any]) -> Any:
    note = _noting(recorder)

    async def get_response_async(self: Any, request: Any) -> Any:
        try:
            response = await call(self, request)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        note(response)
        _finish_unawaited(recorder, response)
        return response

    return get_response_async


def _finish_unawaited(recorder: Recorder, response: Any) -> None:
    """End a request that no watched handler awaits: its close comes in another context."""
    try:
        trace = current.get()
        if trace is not None and not trace.awaited and not response.streaming:
            recorder.finish(trace)
    except Exception as fault:
        recorder.fault("response", fault)


def _close(recorder: Recorder, call: Callable[..., Any]) -> Any:
    get, clock, finish, leave = current.get, recorder.clock, recorder.finish, current.set
    what = stages.CLOSE, None, "response.close", "", ""

    def close(self: Any) -> None:
        trace = get()
        left = trace.response if trace is not None else None
        if trace is None or left is None or left() is not self or trace.closed:
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
            # The response that left the handler is closed: that is the end of its request.
            try:
                trace.add((start, clock(), what))
            except Exception as fault:
                recorder.fault(stages.CLOSE, fault)
            if not trace.awaited:
                finish(trace)
                if not trace.calling:
                    leave(None)

    return close


def _body(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def __iter__(self: Any) -> Iterator[Any]:
        try:
            chunks: Iterator[Any] = call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace, start = open_span(recorder, stages.BODY)
        left = trace.response if trace is not None else None
        if trace is None or left is None or left() is not self:
            return chunks
        return _stream(recorder, trace, start, chunks)

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
        _streamed(recorder, trace, start, size, count, failed)
        failed = None


def _async_body(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def __aiter__(self: Any) -> AsyncIterator[Any]:
        try:
            chunks: AsyncIterator[Any] = call(self)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace, start = open_span(recorder, stages.BODY)
        left = trace.response if trace is not None else None
        if trace is None or left is None or left() is not self:
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
        _streamed(recorder, trace, start, size, count, failed)
        failed = None
        close = _closing(recorder, chunks)
        if close is not None:
            # Closing the outer generator early must close the inner one as early.
            await close()


def _closing(recorder: Recorder, chunks: Any) -> Any:
    """What closes an asynchronous body; None if nothing does."""
    try:
        return getattr(chunks, "aclose", None)
    except Exception as fault:
        recorder.fault(stages.BODY, fault)
        return None


def _streamed(
    recorder: Recorder, trace: Trace, start: int, size: int, count: int, exc: BaseException | None
) -> None:
    """The body is out, or was cut off."""
    try:
        cut = " · cut off" if isinstance(exc, GeneratorExit) else ""
        trace.size = size
        detail = f"{count} chunks · {size:,} bytes{cut}"
        told = (lambda *_: (None, "streamed body", detail), (), None)
        record(recorder, trace, stages.BODY, start, told, None if cut else exc)
    except Exception as fault:
        recorder.fault(stages.BODY, fault)


pass_over(__name__)
