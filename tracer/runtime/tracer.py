"""The tracer of one process: recorder, probes, journal and console, put together.

A request's trace goes from the recorder into the pipeline, and from there to each sink in turn:
subscriptions, the journal, the backlog, the console. As a rule this happens in the worker thread.
When the console falls behind, timelines are skipped and counted; the journal skips none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TextIO

from django.conf import settings

from tracer.conf import Config
from tracer.model import Process, Request
from tracer.model.assemble import Assembly
from tracer.probes.install import Installation
from tracer.probes.signals import SignalNames
from tracer.recorder import boot
from tracer.recorder.recorder import Recorder
from tracer.runtime import inheritance, overhead
from tracer.runtime.backlog import Backlog
from tracer.runtime.flight_recorder import FlightRecorder
from tracer.runtime.holder_search import HolderSearch
from tracer.runtime.intake import Intake
from tracer.runtime.introduction import Introduction
from tracer.runtime.journal_sink import JournalSink
from tracer.runtime.pipeline import Pipeline
from tracer.runtime.waiting_traces import WaitingTraces
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
        self.intake = Intake(recorder)
        self.pipeline = Pipeline(self.intake)
        assembly = self.assembly(config.query_values, config.cache_keys)
        self.backlog = Backlog(assembly, WaitingTraces(recorder))
        self.journal = JournalSink(config.journal, assembly) if config.journal else None
        self.console: Console | None = None
        if config.console and CAN_DRAW:
            self.console = Console(
                lambda: terminal_of(stream, recorder.environ), self.backlog, recorder.fault
            )
        sinks = (self.journal, self.backlog, self.console)
        self.pipeline.sinks += [sink for sink in sinks if sink is not None]
        has_readers = self.journal is not None or self.console is not None
        self.worker = WorkerThread(recorder, self.handle_recorded, has_readers)
        self.introduction = Introduction(recorder, self.pipeline, self.backlog, self.journal)
        self.holder_search = HolderSearch(recorder)
        self.flight_recorder = FlightRecorder(
            recorder, assembly.path, self.introduction.open_journal
        )
        if self.journal is not None:
            self.flight_recorder.begin()
        recorder.on_finish = self.worker.request_finished
        recorder.on_fork = self._forked
        recorder.boot = boot.current_boot()
        if recorder.boot is not None:
            recorder.boot.on_handler_built = self.introduction.announce

    def assembly(self, query_values: bool, cache_keys: bool) -> Assembly:
        """Returns what makes requests of traces, with these values shown or masked in them."""
        return Assembly(
            query_values,
            self.intake.thread_name,
            self.recorder.classes.names.__getitem__,
            self.overhead.of_alike,
            self.recorder.epoch,
            SignalNames(),
            lambda: str(settings.ROOT_URLCONF),
            cache_keys,
        )

    @property
    def lock(self) -> AbstractContextManager[object]:
        """The pipeline's lock; hold it to read the backlog's history."""
        return self.pipeline.lock

    # -- in the worker thread ---------------------------------------------------------------

    def handle_recorded(self, draw: bool = True) -> int:
        """Hands what was recorded to the sinks, and draws. Returns how many requests there were.

        Without `draw`, timelines are skipped and counted: a terminal may take its time.
        """
        clock, computed = self.recorder.clock, time.thread_time_ns
        try:
            began, before = clock(), computed()
            with boot.imports_not_counted():
                with self.lock:
                    if not self.recorder.finished and not self.introduction.is_done:
                        return 0
                    self.introduction.complete()
                    count = self.pipeline.run()
                if self.console is not None:
                    self.console.draw(self.snapshot) if draw else self.console.skip_waiting()
            if count:
                with self.lock:
                    self.overhead.worker_ran(began, clock(), computed() - before)
            return count
        except Exception as fault:
            self.recorder.fault("the worker thread", fault)
            return 0

    # -- on demand --------------------------------------------------------------------------

    def snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        """Returns the process as its history shows it; `drawn` as in `History.snapshot`."""
        with self.lock:
            self.backlog.update_history()
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
        """Runs a full collection, which tells what waits from what is held; finds the holders.

        Returns how many objects the collection freed. Nothing is proven while a request is in
        flight.
        """
        self.handle_recorded(draw)
        freed = self.installation.collections.collect()
        self.handle_recorded(draw)
        with self.lock:
            self.pipeline.run()
            self.backlog.update_history()
            last = self.worker.ending.is_set()
            self.pipeline.report(*self.holder_search.run(self.backlog.history, last))
        return freed

    # -- in a child -------------------------------------------------------------------------

    def _forked(self) -> None:
        """In a child: its own thread, journal, and history of what it inherited."""
        self.pipeline.forked()
        self.worker.forked()
        if self.console is not None:
            self.console.forked()
        if self.journal is not None:
            self.journal.forked()
            self.flight_recorder.begin()
        if self.recorder.boot is not None:
            self.recorder.boot.forked()
        inheritance.inherit(self.recorder, self.intake, self.backlog)
        self.introduction.forked(any(birth.kind == "handler" for birth in self.intake.boot))
