"""Signals that are sent, with their receivers.

`Signal.send` returns at once if a signal has no receivers, as most model signals have none. So
`_live_receivers` is watched, which is called only if there are some. The lists that it returns time
the sender's loop over them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any
from weakref import ref

from django.core.signals import request_finished, request_started
from django.dispatch import Signal

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span
from tracer.recorder.trace import Trace, What, current
from tracer.recorder.weakrefs import WeakRefs


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches every signal of the process."""
    del imports  # Django cannot be set up without loading its dispatcher.
    _TimedReceivers.recorder = recorder
    for signal, stage in _REQUEST_SIGNALS:
        names = _ReceiverNames(signal, stage, Signal._live_receivers, recorder.weakrefs)
        patches.wrap(signal, "send", partial(_send_wrapper, recorder, names))
        patches.wrap(signal, "asend", partial(_asend_wrapper, recorder, names))
        patches.wrap(signal, "connect", names.connect_wrapper)
        patches.wrap(signal, "disconnect", names.connect_wrapper)
        # These two are watched already, so the wrapper of all other signals must not run for them.
        patches.replace(signal, "_live_receivers", signal._live_receivers)
    patches.wrap(Signal, "_live_receivers", lambda call: _live_receivers_wrapper(recorder, call))


_REQUEST_SIGNALS = (
    (request_started, stages.REQUEST_STARTED),
    (request_finished, stages.REQUEST_FINISHED),
)
"""The two signals that every request sends. Watching the signal object itself costs less."""


_ABSENT = object()


class _ReceiverNames:
    """The names of one signal's receivers, looked up again only when they may have changed.

    Neither the receivers nor the sender are kept: a receiver that is disconnected must not live
    longer for being recorded.
    """

    def __init__(
        self, signal: Signal, stage: str, live: Callable[..., Any], weakrefs: WeakRefs
    ) -> None:
        self.signal = signal
        self.stage = stage
        self.weakrefs = weakrefs
        self.live_receivers = live
        self.known = _UNKNOWN
        """(number of connected receivers, sender, entry to record while both stay the same)"""

    def entry(self, sender: Any) -> What:
        """Returns the entry to record; looks it up again only if it may have changed."""
        count, by, what = self.known
        if len(self.signal.receivers) == count and by() is sender:
            return what
        return self.look_up(sender)

    def look_up(self, sender: Any) -> What:
        """Looks up the entry to record for the signal, which this sender sends just now."""
        found = self.live_receivers(self.signal, sender)
        detail = _sender_name(sender), tuple([_name(one) for group in found for one in group])
        token = self.weakrefs.token_of(self.signal)
        what = self.stage, token, self.stage, detail, ""
        if type(sender).__weakrefoffset__:
            self.known = len(self.signal.receivers), ref(sender), what
        return what

    def connect_wrapper(self, call: Callable[..., Any]) -> Any:
        """Wraps `connect` and `disconnect`: the receivers may be others, though as many."""

        def change(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                self.known = _UNKNOWN

        return change


_UNKNOWN: tuple[int, Callable[[], Any], What] = (0, object, (stages.SIGNAL, None, "", "", ""))


def _send_wrapper(recorder: Recorder, names: _ReceiverNames, call: Callable[..., Any]) -> Any:
    get, clock, signal = current.get, recorder.clock, names.signal

    def send(sender: Any, *, environ: Any = _ABSENT, **named: Any) -> Any:
        trace = get()
        if trace is None or named:
            if environ is not _ABSENT:
                named["environ"] = environ
            if trace is None:
                try:
                    return call(sender, **named)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise
        try:
            start = clock()
        except Exception as fault:
            recorder.fault(names.stage, fault)
            start = trace.begun
        try:
            # Passing on a named argument costs a third of passing on `**named`.
            if named:
                return call(sender, **named)
            return call(sender) if environ is _ABSENT else call(sender, environ=environ)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            try:
                end = clock()
                count, by, what = names.known
                if len(signal.receivers) != count or by() is not sender:
                    what = names.look_up(sender)
                trace.add((start, end, what))
            except Exception as fault:
                recorder.fault("signal", fault)

    return send


def _asend_wrapper(recorder: Recorder, names: _ReceiverNames, call: Callable[..., Any]) -> Any:
    async def asend(sender: Any, **named: Any) -> Any:
        trace, start = open_span(recorder, names.stage)
        try:
            return await call(sender, **named)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            try:
                if trace is not None:
                    trace.add((start, recorder.clock(), names.entry(sender)))
            except Exception as fault:
                recorder.fault("signal", fault)

    return asend


def _live_receivers_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _live_receivers(self: Any, sender: Any) -> Any:
        try:
            found = call(self, sender)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace = current.get()
        if trace is None or trace.closed:
            return found
        try:
            sync, later = found
            return (
                _TimedReceivers.over(sync, trace, self, sender) if sync else sync,
                _TimedAsyncReceivers.over(later, trace, self, sender) if later else later,
            )
        except Exception as fault:
            recorder.fault("signal", fault)
            return found

    return _live_receivers


class _TimedReceivers(list[Any]):
    """A list of receivers that times the loop over it, from the first to the last."""

    __slots__ = ("sender", "signal", "start", "trace")
    recorder: Recorder
    trace: Trace
    signal: Signal
    sender: Any
    start: int

    @classmethod
    def over(
        cls, receivers: list[Any], trace: Trace, signal: Signal, sender: Any
    ) -> _TimedReceivers:
        """Returns the same receivers in the same order, in a list that times the loop."""
        timed = cls(receivers)
        timed.trace, timed.signal, timed.sender, timed.start = trace, signal, sender, 0
        return timed

    def _now(self) -> int:
        try:
            return self.recorder.clock()
        except Exception as fault:
            self.recorder.fault("signal", fault)
            return 0

    def __iter__(self) -> Iterator[Any]:
        start = self._now()
        try:
            yield from list.__iter__(self)
        finally:
            self.record(start)

    def record(self, start: int) -> None:
        """Records the loop: all receivers have returned, or one has raised."""
        recorder = self.recorder
        try:
            signal, names = self.signal, tuple([_name(each) for each in list.__iter__(self)])
            token = recorder.weakrefs.token_of(signal)
            detail = (_sender_name(self.sender), names)
            what = stages.SIGNAL, token, id(signal), detail, ""
            self.trace.add((start, recorder.clock(), what))
        except Exception as fault:
            recorder.fault("signal", fault)


class _TimedAsyncReceivers(_TimedReceivers):
    """The same for asynchronous receivers, over which Django loops twice.

    The first loop starts them; the second one pairs them with their results.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        if self.start:
            self.record(self.start)
        else:
            self.start = self._now()
        return list.__iter__(self)


_WITH_NAME = (FunctionType, BuiltinFunctionType, MethodType)


def _name(receiver: Any) -> str:
    """Returns the qualified name of a function, method or class; for others, their class's name."""
    cls = type(receiver)
    if cls in _WITH_NAME or issubclass(cls, type):
        return str(receiver.__qualname__)
    return cls.__name__


def _sender_name(sender: Any) -> str:
    """Returns a class's name; for others, their class's name. Never asks the object itself."""
    cls = type(sender)
    return str(sender.__name__) if issubclass(cls, type) else cls.__name__


class SignalNames:
    """The names that modules give to signals, by the signal's address. Searches modules once."""

    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def __call__(self, ident: int) -> str:
        if ident not in self.found:
            for module in list(sys.modules.values()):
                for name, value in list(getattr(module, "__dict__", {}).items()):
                    if issubclass(type(value), Signal):
                        self.found.setdefault(id(value), name)
        return self.found.setdefault(ident, "a signal")


hide_functions(__name__)
