"""The tracer of one process: recorder, probes, journal and console, put together.

A request's trace goes from the recorder into the pipeline, and from there to each sink in turn:
subscriptions, the journal, the backlog, the console. As a rule this happens in the worker thread.
When the console falls behind, timelines are skipped and counted; the journal skips none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TextIO

from django.conf import settings

from tracer.conf import Config
from tracer.model import Process, Request
from tracer.model.known import KnownFindings
from tracer.model.masking import Masking
from tracer.model.privacy import Privacy
from tracer.probes.install import Installation
from tracer.probes.signal_names import SignalNames
from tracer.recorder import boot
from tracer.recorder.recorder import Recorder
from tracer.runtime import inheritance, overhead
from tracer.runtime.backlog import Backlog
from tracer.runtime.flight_recorder import FlightRecorder
from tracer.runtime.intake import Intake
from tracer.runtime.introduction import Introduction
from tracer.runtime.journal_sink import JournalSink
from tracer.runtime.pipeline import Pipeline
from tracer.runtime.walk_schedule import WalkSchedule
from tracer.runtime.walker import Walker
from tracer.runtime.worker import WorkerThread

try:
    from tracer.runtime.console import Console, terminal_of
except ModuleNotFoundError as missing:
    # A project that is traced from outside need not have rich; a journal is kept all the same.
    if missing.name != "rich":
        raise
    Console = None  # type: ignore[assignment, misc]

CAN_DRAW = Console is not None
"""Whether pictures can be drawn here."""


class Tracer:
    """One process's tracer."""

    def __init__(self, config: Config, stream: TextIO | None = None) -> None:
        """`stream` is where blocks are drawn; None finds it anew for each process."""
        self.config = config
        self.recorder = recorder = Recorder()
        self.installation = Installation(recorder, config.watch, config.cache_keys)
        self.overhead = overhead.Overhead()
        masking = self.masking(config.query_values, config.cache_keys)
        self.intake = Intake(recorder, masking, self.overhead.of)
        self.pipeline = Pipeline(self.intake)
        self.backlog = Backlog(recorder, masking, KnownFindings(config.known))
        self.journal: JournalSink | None = None
        if config.journal is not None:
            self.journal = JournalSink(
                config.journal, masking, config.journal_limit, lambda: self.backlog.history
            )
        self.console: Console | None = None
        if config.console and CAN_DRAW:
            self.console = Console(
                lambda: terminal_of(stream, recorder.environ), self.backlog, recorder.fault
            )
        sinks = (self.journal, self.backlog, self.console)
        self.pipeline.sinks += [sink for sink in sinks if sink is not None]
        self.walker = Walker(recorder, self.pipeline, self.backlog)
        self.introduction = Introduction(recorder, self.pipeline, self.backlog, self.journal)
        self.flight_recorder = FlightRecorder(
            recorder, masking.privacy.path, self.introduction.open_journal
        )
        self.worker = self._worker()
        if self.journal is not None:
            self.flight_recorder.begin()
        recorder.on_finish = self.worker.request_finished
        recorder.on_fork = self._forked
        recorder.boot = boot.current_boot()
        if recorder.boot is not None:
            recorder.boot.on_handler_built = self.introduction.announce

    def _worker(self) -> WorkerThread:
        has_readers = self.journal is not None or self.console is not None
        quiet = self.config.walk
        # Where nobody reads, nothing has to be found out before somebody asks.
        walks = WalkSchedule(self.walker, quiet) if has_readers and quiet is not None else None
        answer = self._settle_if_asked if self.journal is not None else None
        return WorkerThread(self.recorder, self.handle_recorded, has_readers, walks, answer)

    def masking(self, query_values: bool, cache_keys: bool) -> Masking:
        """Returns what makes recordings of traces, with these values shown or masked in them."""
        privacy = Privacy(
            query_values,
            cache_keys,
            self.recorder.classes.names.__getitem__,
            SignalNames(),
            lambda: str(settings.ROOT_URLCONF),
        )
        return Masking(privacy)

    @property
    def lock(self) -> AbstractContextManager[object]:
        """The pipeline's lock; hold it to read the backlog's history."""
        return self.pipeline.lock

    # -- in the worker thread ---------------------------------------------------------------

    def handle_recorded(self, draw: bool = True, patient: bool = False) -> int:
        """Hands what was recorded to the sinks, and draws. Returns how many requests there were.

        Without `draw`, timelines are skipped and counted: a terminal may take its time. `patient`
        as in `Intake.take`.
        """
        try:
            with boot.imports_not_counted():
                with self.lock:
                    if not self.recorder.finished and not self.introduction.is_done:
                        return 0
                    self.introduction.complete()
                    count = self.pipeline.run(patient=patient)
                if self.console is not None:
                    self.console.draw(self.snapshot) if draw else self.console.skip_waiting()
            return count
        except Exception as fault:
            self.recorder.fault("the worker thread", fault)
            return 0

    # -- on demand --------------------------------------------------------------------------

    def snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        """Returns the process as its history shows it; `drawn` as in `History.snapshot`."""
        with self.lock:
            return self.backlog.history.snapshot(drawn)

    def process(self) -> Process:
        """Returns this process as recorded so far. Raises ValueError before its first request."""
        self.handle_recorded()
        return self.snapshot()

    def gather(self) -> None:
        """Hands everything recorded so far to the sinks, also what came outside of requests."""
        self.handle_recorded()
        with self.lock:
            # A journal begins with the first request: what came before stands at its head.
            if self.introduction.is_done or self.journal is None or not self.journal.is_open:
                self.pipeline.run()

    def settle(self, draw: bool = True) -> int:
        """Runs a full collection and a walk: then it is known what waits, and what holds the rest.

        Returns how many objects the collection freed.
        """
        self.handle_recorded(draw)
        freed = self.installation.collections.collect()
        self.handle_recorded(draw)
        with boot.imports_not_counted():
            self.walker.run()
        self.handle_recorded(draw)
        return freed

    def _settle_if_asked(self) -> None:
        try:
            if self.flight_recorder.is_asked_to_settle():
                self.settle()
        except Exception as fault:
            self.recorder.fault("settling", fault)

    # -- in a child -------------------------------------------------------------------------

    def _forked(self) -> None:
        """In a child: its own thread, journal, and history of what it inherited."""
        self.pipeline.forked()
        self.worker.forked()
        self.walker.forked()
        if self.console is not None:
            self.console.forked()
        if self.journal is not None:
            self.journal.forked()
            self.flight_recorder.begin()
        if self.recorder.boot is not None:
            self.recorder.boot.forked()
        inheritance.inherit(self.recorder, self.intake, self.backlog)
        self.introduction.forked(any(birth.kind == "handler" for birth in self.intake.boot))
