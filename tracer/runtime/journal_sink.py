"""The sink that writes a journal: every fact, as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tracer.journal.writer import Journal
from tracer.model import Fact, History
from tracer.model.masking import Masking
from tracer.runtime.batch import Batch


class JournalSink:
    """Writes into one process's file, once that is open."""

    name = "the journal"

    def __init__(
        self,
        directory: Path,
        masking: Masking,
        limit: int | None = None,
        history: Callable[[], History] = History,
    ) -> None:
        """`limit` as in `Journal`; `history` returns the story of all that was written."""
        self.directory = directory
        self.masking = masking
        self.limit = limit
        self.history = history
        self.journal: Journal | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file was begun."""
        return self.journal is not None

    def take(self, batch: Batch) -> None:
        """Writes a batch. Before the journal is open nothing is written: see `open`."""
        if self.journal is not None and self.journal.is_full:
            history = self.history()
            self.journal.begin_segment(history.opening(), history.newest)
        self.append(batch.facts(self.masking))

    def open(self, head: Sequence[Fact]) -> None:
        """Begins the file; `head` says who writes it and what was built before."""
        self.journal = Journal(self.directory, limit=self.limit)
        self.journal.append(head)

    def append(self, facts: Sequence[Fact]) -> None:
        """Writes facts."""
        if self.journal is not None and facts:
            self.journal.append(facts)

    def close(self) -> None:
        """Closes the file. In a forked child only the descriptor: the file is the parent's."""
        if self.journal is not None:
            self.journal.close()

    def forked(self) -> None:
        """Leaves the parent's file alone; the child opens its own."""
        self.close()
        self.journal = None
