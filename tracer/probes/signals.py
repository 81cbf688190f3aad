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
from tracer.recorder.trace import Trace, current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch every signal of the process."""
    _Walk.recorder = recorder
    del imports  # Django cannot be set up without its dispatcher.
    patches.wrap(Signal, "_live_receivers", lambda call: _receivers(recorder, call))


def _receivers(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _live_receivers(self: Any, sender: Any) -> Any:
        found = call(self, sender)
        trace = current.get()
        if trace is None or trace.closed:
            return found
        try:
            sync, asynchronous = found
            return (
                _Walk.over(sync, trace, self, sender) if sync else sync,
                _AsyncWalk.over(asynchronous, trace, self, sender)
                if asynchronous
                else asynchronous,
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
            stage = _STAGES.get(id(signal), stages.SIGNAL)
            token = recorder.lives.token_of(signal)
            told = (_sender(self.sender), names)
            self.trace.add(
                (stage, start, recorder.clock(), recorder.lane.token, token, id(signal), told, "")
            )
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


_STAGES = {
    id(request_started): stages.REQUEST_STARTED,
    id(request_finished): stages.REQUEST_FINISHED,
}


def _name(receiver: Any) -> str:
    """The receiver's qualified name; never its repr."""
    try:
        return str(receiver.__qualname__)
    except AttributeError:
        return type(receiver).__name__


def _sender(sender: Any) -> str:
    """A class's name, or the name of the class of anything else."""
    return sender.__name__ if isinstance(sender, type) else type(sender).__name__
