"""Signals sent, with their receivers.

`Signal.send` returns at once when nobody listens, which is how most model signals end. So the
place to watch is `_live_receivers`, which is reached only when somebody does: the lists that it
returns note when the sender begins to walk them and when it is done.
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
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span
from tracer.recorder.trace import Trace, What, current
from tracer.recorder.weakrefs import Lives


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch every signal of the process."""
    del imports  # Django cannot be set up without its dispatcher.
    _Walk.recorder = recorder
    for signal, stage in _REQUEST_SIGNALS:
        names = _Names(signal, stage, Signal._live_receivers, recorder.lives)
        patches.wrap(signal, "send", partial(_send, recorder, names))
        patches.wrap(signal, "asend", partial(_asend, recorder, names))
        patches.wrap(signal, "connect", names.changing)
        patches.wrap(signal, "disconnect", names.changing)
        # These two are watched already; let them pass the probe of all the others by.
        patches.replace(signal, "_live_receivers", signal._live_receivers)
    patches.wrap(Signal, "_live_receivers", lambda call: _receivers(recorder, call))


_REQUEST_SIGNALS = (
    (request_started, stages.REQUEST_STARTED),
    (request_finished, stages.REQUEST_FINISHED),
)
"""The two that every request sends: watched at the signal itself, which costs less."""


_ABSENT = object()


class _Names:
    """The receivers' names of one signal, looked up again only when they may have changed.

    The receivers themselves are not held, nor is the sender: one that is disconnected must not live
    longer for having been named.
    """

    def __init__(self, signal: Signal, stage: str, live: Callable[..., Any], lives: Lives) -> None:
        self.signal = signal
        self.stage = stage
        self.lives = lives
        self.tracer = live
        self.known = _UNKNOWN
        """(number of connected receivers, sender, what to record while both stay the same)"""

    def now(self, sender: Any) -> What:
        """Return what is to be told; looked up again only when it may have changed."""
        count, by, what = self.known
        if len(self.signal.receivers) == count and by() is sender:
            return what
        return self.look(sender)

    def look(self, sender: Any) -> What:
        """Return what is to be told of the signal, sent by this sender just now."""
        found = self.tracer(self.signal, sender)
        told = _sender(sender), tuple([_name(one) for group in found for one in group])
        token = self.lives.token_of(self.signal)
        what = self.stage, token, self.stage, told, ""
        if type(sender).__weakrefoffset__:
            self.known = len(self.signal.receivers), ref(sender), what
        return what

    def changing(self, call: Callable[..., Any]) -> Any:
        """Around `connect` and `disconnect`: there may be as many receivers, but others."""

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


def _send(recorder: Recorder, names: _Names, call: Callable[..., Any]) -> Any:
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
            # To pass on what has a name here costs a third of passing on whatever there is.
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
                    what = names.look(sender)
                trace.add((start, end, what))
            except Exception as fault:
                recorder.fault("signal", fault)

    return send


def _asend(recorder: Recorder, names: _Names, call: Callable[..., Any]) -> Any:
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
                    trace.add((start, recorder.clock(), names.now(sender)))
            except Exception as fault:
                recorder.fault("signal", fault)

    return asend


def _receivers(recorder: Recorder, call: Callable[..., Any]) -> Any:
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
                _Walk.over(sync, trace, self, sender) if sync else sync,
                _AsyncWalk.over(later, trace, self, sender) if later else later,
            )
        except Exception as fault:
            recorder.fault("signal", fault)
            return found

    return _live_receivers


class _Walk(list[Any]):
    """A list of receivers that notes the time from its first to its last."""

    __slots__ = ("sender", "signal", "start", "trace")
    recorder: Recorder
    trace: Trace
    signal: Signal
    sender: Any
    start: int

    @classmethod
    def over(cls, receivers: list[Any], trace: Trace, signal: Signal, sender: Any) -> _Walk:
        """Return the same receivers in the same order, watched."""
        walk = cls(receivers)
        walk.trace, walk.signal, walk.sender, walk.start = trace, signal, sender, 0
        return walk

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
            self.done(start)

    def done(self, start: int) -> None:
        """All receivers have returned, or one has raised."""
        recorder = self.recorder
        try:
            signal, names = self.signal, tuple([_name(each) for each in list.__iter__(self)])
            token = recorder.lives.token_of(signal)
            told = (_sender(self.sender), names)
            what = stages.SIGNAL, token, id(signal), told, ""
            self.trace.add((start, recorder.clock(), what))
        except Exception as fault:
            recorder.fault("signal", fault)


class _AsyncWalk(_Walk):
    """Asynchronous receivers are walked twice: to start them, and to pair them with results."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        if self.start:
            self.done(self.start)
        else:
            self.start = self._now()
        return list.__iter__(self)


_NAMED = (FunctionType, BuiltinFunctionType, MethodType)


def _name(receiver: Any) -> str:
    """The qualified name of a function, method or class, or that of anything else's class."""
    cls = type(receiver)
    if cls in _NAMED or issubclass(cls, type):
        return str(receiver.__qualname__)
    return cls.__name__


def _sender(sender: Any) -> str:
    """A class's name, or the name of the class of anything else; never asks the object itself."""
    cls = type(sender)
    return str(sender.__name__) if issubclass(cls, type) else cls.__name__


class SignalNames:
    """What modules call a signal, by its address. Looked up once, by walking the modules."""

    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def __call__(self, ident: int) -> str:
        if ident not in self.found:
            for module in list(sys.modules.values()):
                for name, value in list(getattr(module, "__dict__", {}).items()):
                    if issubclass(type(value), Signal):
                        self.found.setdefault(id(value), name)
        return self.found.setdefault(ident, "a signal")


pass_over(__name__)
