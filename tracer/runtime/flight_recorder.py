"""Every request is noted as it begins, where a journal is kept: a SIGKILL must lose none."""

from __future__ import annotations

from collections.abc import Callable

from tracer.journal.writer import Journal
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace


class Noting:
    """Keeps the journal's flight record, on the request's path: about a microsecond a request."""

    def __init__(
        self,
        recorder: Recorder,
        path: Callable[[Trace], str],
        journal: Callable[[], Journal | None],
    ) -> None:
        """`path` gives a request's path as the journal has it; `journal` opens the journal."""
        self.recorder = recorder
        self.path = path
        self.journal = journal

    def begin(self) -> None:
        """Note from the next request on. In a forked child the parent's record is left alone."""
        self.recorder.on_begin = self._first

    def _first(self, trace: Trace) -> None:
        """The first request of this process begins: a kill must find its journal open."""
        try:
            journal = self.journal()
        except Exception:
            # The background thread will meet the same fault, and tells it; the next request tries
            # again.
            return
        try:
            if journal is None or journal.fly() is None:
                self.recorder.on_begin = None
                return
            self.recorder.on_begin = self._noter(journal)
            self.recorder.on_begin(trace)
        except Exception as fault:
            self._give_up(fault)

    def _noter(self, journal: Journal) -> Callable[[Trace], None]:
        """Return what notes a request, with all that it needs at hand."""
        flight = journal.fly()
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
