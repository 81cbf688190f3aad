"""The two signals that every request sends. Watching these objects themselves costs less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

from django.core.signals import request_finished, request_started
from django.dispatch import Signal

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.probes.signal_names import receiver_name, sender_name
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span
from tracer.recorder.trace import What, current
from tracer.recorder.weakrefs import WeakRefs


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches the two signals, before the probe of all others: its wrappers are not for them."""
    del imports  # Django cannot be set up without loading its dispatcher.
    for signal, stage in _REQUEST_SIGNALS:
        names = _ReceiverNames(signal, stage, Signal._live_receivers, recorder.weakrefs)
        patches.wrap(signal, "send", partial(_send_wrapper, recorder, names))
        patches.wrap(signal, "asend", partial(_asend_wrapper, recorder, names))
        patches.wrap(signal, "connect", names.connect_wrapper)
        patches.wrap(signal, "disconnect", names.connect_wrapper)
        patches.replace(signal, "_live_receivers", signal._live_receivers)


_REQUEST_SIGNALS = (
    (request_started, stages.REQUEST_STARTED),
    (request_finished, stages.REQUEST_FINISHED),
)

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
        detail = (
            sender_name(sender),
            tuple([receiver_name(one) for group in found for one in group]),
        )
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


hide_functions(__name__)
