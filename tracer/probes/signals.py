"""Signals that are sent and received: one row for each time one is sent, however it is sent.

`Signal.send` returns at once if a signal has no receivers, as most model signals have none. So
`_live_receivers` is watched, which is called only if there are some. The lists that it returns tell
when `send` and `send_robust` are done with them. What has another end is timed as a whole: the
asynchronous methods, and those of a subclass that sends in its own way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from functools import partial
from types import FrameType, FunctionType
from typing import Any
from weakref import ref

from django.dispatch import Signal, dispatcher

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.probes.signal_names import receiver_name, sender_name
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span
from tracer.recorder.trace import Trace, current

_METHODS = ("send", "send_robust", "asend", "asend_robust")


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches every signal of the process that `request_signals` does not."""
    del imports  # Django cannot be set up without loading its dispatcher.
    classes = _Classes(recorder, patches)
    patches.wrap(Signal, "_live_receivers", partial(_live_receivers_wrapper, recorder))
    patches.wrap(Signal, "connect", classes.connect_wrapper)
    patches.wrap(dispatcher, "async_to_sync", _async_to_sync_wrapper)
    for name in ("asend", "asend_robust"):
        patches.wrap(Signal, name, partial(_asend_wrapper, recorder))
    classes.watch_subclasses(Signal)


class _Send:
    """One time that a signal is sent: when it began, and who received it."""

    __slots__ = ("asked", "before", "detail", "recorder", "signal", "start", "trace")

    def __init__(self, recorder: Recorder, signal: Signal, trace: Trace, start: int) -> None:
        self.recorder = recorder
        self.trace = trace
        self.signal: Signal | None = signal
        self.start = start
        self.detail: tuple[str, tuple[str, ...]] | None = None
        """The names of the sender and of the receivers, if there are any."""
        self.asked = False
        """Whether Django has asked for the receivers, in order to call them."""
        self.before: Token[_Send | None] | None = None
        """What was being sent before, as `_whole` has it."""

    def note(self, sender: Any, found: Any) -> None:
        """Notes the receivers that the signal has for this sender."""
        receivers = tuple([receiver_name(each) for group in found for each in group])
        self.detail = sender_name(sender), receivers

    def record(self) -> None:
        """Records the row: all receivers have returned, or one has raised."""
        recorder, signal = self.recorder, self.signal
        # A task that a receiver has started may hold this for long.
        self.signal = None
        try:
            token = recorder.weakrefs.token_of(signal)
            what = stages.SIGNAL, token, id(signal), self.detail, ""
            self.trace.add((self.start, recorder.clock(), what))
        except Exception as fault:
            recorder.fault("signal", fault)


_whole: ContextVar[_Send | None] = ContextVar("tracer_signal", default=None)
"""What is being sent by a method that is timed as a whole."""


def _live_receivers_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _live_receivers(self: Any, sender: Any) -> Any:
        try:
            found = call(self, sender)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        try:
            trace = current.get()
            if trace is None or trace.closed or not any(found):
                return found
            by_django = _is_djangos(sys._getframe(1))
            whole = _whole.get()
            if whole is not None and whole.signal is self and not whole.asked:
                whole.note(sender, found)
                whole.asked = by_django
            elif by_django:
                send = _Send(recorder, self, trace, recorder.clock())
                send.note(sender, found)
                return _timed(send, *found)
        except Exception as fault:
            recorder.fault("signal", fault)
        return found

    return _live_receivers


def _is_djangos(caller: FrameType | None) -> bool:
    """Whether a frame is one of Django's four methods, which call whom they ask for.

    A function that stands in the place of `_live_receivers` may come between.
    """
    while caller is not None and "_live_receivers" in caller.f_code.co_name:
        caller = caller.f_back
    if caller is None or caller.f_globals is not vars(dispatcher):
        return False
    return caller.f_code.co_name in _METHODS


def _timed(send: _Send, sync: list[Any], later: list[Any]) -> tuple[list[Any], list[Any]]:
    """Returns the same receivers in the same order, in lists that tell when they are done with."""
    if later:
        later = _AsyncReceivers(later)
        later.send = send
    if sync:
        sync = _SyncReceivers(sync)
        sync.send, sync.is_all = send, not later
    return sync, later


class _SyncReceivers(list[Any]):
    """The receivers over which `send` loops, and whether asynchronous ones come after them."""

    __slots__ = ("is_all", "send")
    send: _Send
    is_all: bool

    def __iter__(self) -> Iterator[Any]:
        is_end = True
        try:
            yield from list.__iter__(self)
            is_end = self.is_all
        finally:
            if is_end:
                self.send.record()


class _AsyncReceivers(list[Any]):
    """The receivers that `send` calls last, all in one call of `async_to_sync`."""

    __slots__ = ("send",)
    send: _Send


def _async_to_sync_wrapper(call: Callable[..., Any]) -> Any:
    """Wraps `async_to_sync` as the dispatcher calls it, for asynchronous receivers alone."""

    def async_to_sync(function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            run, send = call(function, *args, **kwargs), _sent_by(function)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        if send is None:
            return run

        def run_and_record() -> Any:
            try:
                return run()
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                send.record()

        return run_and_record

    return async_to_sync


def _sent_by(function: Any) -> _Send | None:
    """Returns what Django's inner function sends: the receivers are in its closure."""
    for cell in (function.__closure__ or ()) if type(function) is FunctionType else ():
        try:
            if type(cell.cell_contents) is _AsyncReceivers:
                return cell.cell_contents.send
        except ValueError:  # an empty cell
            continue
    return None


def _begin(recorder: Recorder, signal: Signal) -> _Send | None:
    """Begins to send, unless this signal is being sent and only another method of it is called."""
    trace, start = open_span(recorder, stages.SIGNAL)
    outer = _whole.get()
    if trace is None or (outer is not None and outer.signal is signal and not outer.asked):
        return None
    send = _Send(recorder, signal, trace, start)
    send.before = _whole.set(send)
    return send


def _end(send: _Send | None) -> None:
    if send is not None:
        if send.before is not None:
            # In another context, as of a generator closed elsewhere, there is nothing to put back.
            with suppress(ValueError):
                _whole.reset(send.before)
        send.before = None
        if send.detail is not None:
            send.record()
        send.signal = None


def _send_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps a subclass's own `send` or `send_robust`."""

    def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = _begin(recorder, self)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            _end(begun)

    return send


def _asend_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps `asend` or `asend_robust`."""

    async def asend(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = _begin(recorder, self)
        try:
            return await call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            _end(begun)

    return asend


class _Classes:
    """The subclasses of `Signal` that send in their own way."""

    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self.recorder = recorder
        self.patches = patches
        self.watched: dict[int, ref[type]] = {}

    def connect_wrapper(self, call: Callable[..., Any]) -> Any:
        """Wraps `connect`, which comes before a signal has receivers."""

        def connect(signal: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                for cls in type(signal).__mro__:
                    self.watch(cls)
            except Exception as fault:
                self.recorder.fault("signal", fault)
            try:
                return call(signal, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return connect

    def watch_subclasses(self, cls: type) -> None:
        """Watches the subclasses that there are."""
        subclasses: list[type] = type.__subclasses__(cls)
        for each in subclasses:
            self.watch(each)
            self.watch_subclasses(each)

    def watch(self, cls: type) -> None:
        """Wraps those of the four methods that a class defines itself."""
        key, watched = id(cls), self.watched
        if key in watched or cls is Signal or cls is object:
            return
        watched[key] = ref(cls, lambda _: watched.pop(key, None))
        for name in _METHODS:
            method = vars(cls).get(name)
            if type(method) is FunctionType:
                around = _asend_wrapper if name.startswith("a") else _send_wrapper
                self.patches.wrap(cls, name, partial(around, self.recorder))


hide_functions(__name__)
