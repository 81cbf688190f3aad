"""Signals sent, with their receivers.

`Signal.send` returns at once when nobody listens, which is how most model signals end. So the
place to watch is `_live_receivers`, which is reached only when somebody does: the lists that it
returns note when the sender begins to walk them and when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.signals import request_finished, request_started
from django.dispatch import Signal

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import open_span
from tracer.recorder.trace import Trace, current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch every signal of the process."""
    del imports  # Django cannot be set up without its dispatcher.
    _Walk.recorder = recorder
    for signal, stage in _REQUEST_SIGNALS:
        names = _Names(signal, Signal._live_receivers)
        patches.replace(signal, "send", _send(recorder, stage, signal.send, names))
        patches.replace(signal, "asend", _asend(recorder, stage, signal.asend, names))
    patches.wrap(Signal, "_live_receivers", lambda call: _receivers(recorder, call))


_REQUEST_SIGNALS = (
    (request_started, stages.REQUEST_STARTED),
    (request_finished, stages.REQUEST_FINISHED),
)
"""The two that every request sends: watched at the signal itself, which costs less."""
_OWN = frozenset(id(signal) for signal, _ in _REQUEST_SIGNALS)


class _Names:
    """The receivers' names of one signal, looked up again only when they have changed."""

    def __init__(self, signal: Signal, live: Callable[..., Any]) -> None:
        self.signal = signal
        self.live = live
        self.key: tuple[int, ...] = ()
        self.names: list[str] = []

    def now(self, sender: Any) -> list[str]:
        """Return the names of those who listen to `sender` just now."""
        listed = self.signal.receivers
        key = (id(listed), len(listed), id(listed[-1]) if listed else 0, id(sender))
        if key != self.key:
            found = self.live(self.signal, sender)
            self.names = [_name(receiver) for group in found for receiver in group]
            self.key = key
        return self.names


def _note(recorder: Recorder, trace: Trace, stage: str, start: int, names: _Names, by: Any) -> None:
    """One of the two request signals was sent."""
    try:
        end = recorder.clock()
        thread = trace.thread if trace.single else recorder.lane.token
        token = recorder.lives.token_of(names.signal)
        trace.add((stage, start, end, thread, token, stage, (_sender(by), names.now(by)), ""))
    except Exception as fault:
        recorder.fault("signal", fault)


def _send(recorder: Recorder, stage: str, call: Callable[..., Any], names: _Names) -> Any:
    def send(sender: Any, **named: Any) -> Any:
        trace, start = open_span(recorder, stage)
        if trace is None:
            return call(sender, **named)
        try:
            return call(sender, **named)
        finally:
            _note(recorder, trace, stage, start, names, sender)

    return send


def _asend(recorder: Recorder, stage: str, call: Callable[..., Any], names: _Names) -> Any:
    async def asend(sender: Any, **named: Any) -> Any:
        trace, start = open_span(recorder, stage)
        if trace is None:
            return await call(sender, **named)
        try:
            return await call(sender, **named)
        finally:
            _note(recorder, trace, stage, start, names, sender)

    return asend


def _receivers(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _live_receivers(self: Any, sender: Any) -> Any:
        found = call(self, sender)
        trace = current.get()
        if trace is None or trace.closed or id(self) in _OWN:
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

    def __iter__(self) -> Iterator[Any]:
        start = self.recorder.clock()
        try:
            yield from list.__iter__(self)
        finally:
            self.done(start)

    def done(self, start: int) -> None:
        """All receivers have returned, or one has raised."""
        recorder = self.recorder
        try:
            signal, names = self.signal, [_name(receiver) for receiver in list.__iter__(self)]
            token = recorder.lives.token_of(signal)
            told = (_sender(self.sender), names)
            thread = recorder.thread(self.trace)
            self.trace.add((stage, start, recorder.clock(), thread, token, id(signal), told, ""))
        except Exception as fault:
            recorder.fault("signal", fault)


class _AsyncWalk(_Walk):
    """Asynchronous receivers are walked twice: to start them, and to pair them with results."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        if self.start:
            self.done(self.start)
        else:
            self.start = self.recorder.clock()
        return list.__iter__(self)


def _name(receiver: Any) -> str:
    """The receiver's qualified name; never its repr."""
    try:
        return str(receiver.__qualname__)
    except AttributeError:
        return type(receiver).__name__


def _sender(sender: Any) -> str:
    """A class's name, or the name of the class of anything else."""
    return sender.__name__ if isinstance(sender, type) else type(sender).__name__
