"""The pipeline: hands what was recorded to the sinks, one after the other."""

from __future__ import annotations

import threading

from tracer.model import Fact
from tracer.recorder.trace import give_back
from tracer.runtime.batch import Batch, Sink
from tracer.runtime.intake import Intake


class Pipeline:
    """Runs off the request's path. Hold its lock around every call, and to read a sink."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.lock = threading.RLock()
        """Held while batches are handed out, never while a picture is drawn."""
        self.sinks: list[Sink] = []
        """The tracer's own, in order."""
        self.subscriptions: list[Sink] = []
        """Those of recordings and test runs."""

    def run(self, batch: Batch | None = None, patient: bool = False) -> int:
        """Hands out a batch, that of everything recorded; returns how many requests are in it.

        `patient` as in `Intake.take`.
        """
        batch = batch or self.intake.take(patient)
        count = len(batch.numbers)
        for piece in batch.pieces():
            for sink in (*self.subscriptions, *self.sinks):
                try:
                    sink.take(piece)
                except Exception as fault:
                    self.intake.recorder.fault(sink.name, fault)
            traces, piece.traces = piece.traces, []
            while traces:
                trace = traces.pop()
                give_back(self.intake.recorder.spare, trace)
        return count

    def report(self, *facts: Fact) -> None:
        """Hands out facts that the recorder does not know."""
        if facts:
            self.run(Batch(self.intake.recorder, facts))

    def unsubscribe(self, sink: Sink) -> None:
        """Removes a subscription; in a forked child, or a second time, it is gone already."""
        if sink in self.subscriptions:
            self.subscriptions.remove(sink)

    def forked(self) -> None:
        """Begins anew in a forked child: the lock and the subscriptions are the parent's."""
        self.lock = threading.RLock()
        self.subscriptions.clear()
