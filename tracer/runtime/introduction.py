"""The introduction: states once who a process is, how it booted, and what it received."""

from __future__ import annotations

from tracer.journal.writer import Journal
from tracer.model import Built, Fact
from tracer.recorder.recorder import Recorder
from tracer.runtime.backlog import Backlog
from tracer.runtime.identity import Identity
from tracer.runtime.journal_sink import JournalSink
from tracer.runtime.pipeline import Pipeline


class Introduction:
    """Writes it to the history and to the head of the journal."""

    def __init__(
        self,
        recorder: Recorder,
        pipeline: Pipeline,
        backlog: Backlog,
        journal: JournalSink | None,
    ) -> None:
        self.recorder = recorder
        self.pipeline = pipeline
        self.backlog = backlog
        self.journal = journal
        self.identity = Identity(recorder)
        self.is_done = False
        """The first request of this process has begun, so that its server is known."""
        self.boot_reported = (0, 0)
        """Size of the boot log at the last report."""

    def complete(self) -> None:
        """Says who this process is, once, when its first request has begun."""
        if not self.is_done:
            self.say()
            self.is_done = True

    def say(self) -> None:
        """Says who this process is; again if more is known by now."""
        about = self.identity.about()
        is_news = about != self.backlog.history.about
        self.backlog.history.feed(about)
        if self.journal is not None:
            if not self.journal.is_open:
                boot = self.pipeline.intake.boot
                head: list[Fact] = [about, Built(tuple(boot))] if boot else [about]
                self.journal.open(head)
            elif is_news:
                self.journal.append([about])
        self.report_boot()

    def report_boot(self) -> None:
        """Reports the boot, if it is watched and has come further since the last report."""
        booting = self.recorder.boot
        if booting is None or booting.size() == self.boot_reported:
            return
        self.boot_reported = booting.size()
        self.pipeline.report(booting.to_boot())

    def open_journal(self) -> Journal | None:
        """Begins the journal, if one is kept and none is begun, and returns it."""
        with self.pipeline.lock:
            self.complete()
        return self.journal.journal if self.journal is not None else None

    def announce(self) -> None:
        """Writes down how a process began before it serves anything, if there is that to say.

        How it booted, where that was watched; what it inherited, if it was forked. In this thread,
        and without starting another: the process may be about to fork.
        """
        if self.journal is None or self.is_done:
            return
        if self.recorder.boot is None and not self.identity.forked:
            return
        try:
            with self.pipeline.lock:
                self.say()
                self.pipeline.run()
        except Exception as fault:
            self.recorder.fault("the beginning", fault)

    def forked(self, inherited: bool) -> None:
        """Begins anew in a forked child; `inherited`: it received a built handler."""
        self.identity = Identity(self.recorder, forked=True, inherited=inherited)
        self.is_done = False
        self.boot_reported = (0, 0)
