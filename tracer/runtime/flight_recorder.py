"""The flight recorder: notes each request as it begins, so that `kill -9` loses none."""

from __future__ import annotations

from collections.abc import Callable

from tracer.journal.flight_record import FlightRecord
from tracer.journal.writer import Journal
from tracer.model.trace import Trace
from tracer.recorder.recorder import Recorder


class FlightRecorder:
    """Writes into the journal's memory-mapped file, on the request's path: a microsecond each."""

    def __init__(
        self,
        recorder: Recorder,
        path: Callable[[Trace], str],
        open_journal: Callable[[], Journal | None],
    ) -> None:
        """`path` returns a request's path as the journal has it."""
        self.recorder = recorder
        self.path = path
        self.open_journal = open_journal
        self.answered = 0
        """How often this process has settled because it was asked to."""
        self._flight: FlightRecord | None = None

    def is_asked_to_settle(self) -> bool:
        """Whether somebody asks for a collection and a walk; true once for each time."""
        flight = self._flight
        if flight is None or flight.asked <= self.answered:
            return False
        self.answered = flight.asked
        return True

    def begin(self) -> None:
        """Notes from the next request on. A forked child leaves its parent's file alone."""
        self.recorder.on_begin = self._first
        self.answered, self._flight = 0, None

    def _first(self, trace: Trace) -> None:
        """Notes the first request of this process: a kill must find its journal open."""
        try:
            journal = self.open_journal()
        except Exception:
            # The worker thread meets the same fault and reports it. The next request tries again.
            return
        try:
            if journal is None or journal.open_flight_record() is None:
                self.recorder.on_begin = None
                return
            self.recorder.on_begin = self._noting(journal)
            self.recorder.on_begin(trace)
        except Exception as fault:
            self._give_up(fault)

    def _noting(self, journal: Journal) -> Callable[[Trace], None]:
        """Returns what notes a request, with all that it needs at hand."""
        self._flight = flight = journal.open_flight_record()
        assert flight is not None
        note, path, epoch = flight.note, self.path, self.recorder.epoch

        def begun(trace: Trace) -> None:
            at = trace.begun
            try:
                text = f"{trace.method or ''} {path(trace)}"
                note(trace.number, epoch + at / 1e9, at, trace.ident, trace.thread, text)
            except Exception as fault:
                self._give_up(None if journal.over else fault)

        return begun

    def _give_up(self, fault: Exception | None) -> None:
        self.recorder.on_begin = None
        if fault is not None:
            self.recorder.fault("the flight record", fault)
