"""The sink that writes a journal: facts, requests and ends, each as soon as it is known."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from tracer.journal.request_lines import Lines
from tracer.journal.writer import Journal
from tracer.model import Fact
from tracer.model.assemble import Assembly
from tracer.runtime.batch import Batch


class JournalSink:
    """Writes into one process's file, once that is open."""

    name = "the journal"

    def __init__(self, directory: Path, assembly: Assembly) -> None:
        self.directory = directory
        self.assembly = assembly
        self.journal: Journal | None = None
        self.lines: Lines | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file was begun."""
        return self.journal is not None

    def take(self, batch: Batch) -> None:
        """Writes a batch. Before the journal is open nothing is written: see `open`."""
        if self.journal is None or self.lines is None:
            return
        ready: list[Fact | bytes] = [*batch.facts]
        ends = batch.all_ends()
        if batch.traces:
            fault = functools.partial(batch.recorder.fault, "assembly")
            ready += self.lines.requests(batch.traces, batch.standing, fault)
        if ends:
            ready.append(self.lines.deaths(ends))
        ready += batch.after
        if ready:
            self.journal.append(ready)

    def open(self, head: Sequence[Fact]) -> None:
        """Begins the file; `head` says who writes it and what was built before."""
        self.journal = Journal(self.directory)
        self.lines = Lines(self.assembly)
        self.journal.append(head)

    def append(self, facts: Sequence[Fact]) -> None:
        """Writes facts that only a journal needs."""
        if self.journal is not None and facts:
            self.journal.append(facts)

    def close(self) -> None:
        """Closes the file. In a forked child only the descriptor: the file is the parent's."""
        if self.journal is not None:
            self.journal.close()

    def forked(self) -> None:
        """Leaves the parent's file alone; the child opens its own."""
        self.close()
        self.journal = self.lines = None
