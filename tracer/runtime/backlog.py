"""The backlog: the history of this process, whose older requests it counts."""

from __future__ import annotations

from tracer.model import History
from tracer.model.known import KnownFindings
from tracer.model.masking import Masking
from tracer.recorder.recorder import Recorder
from tracer.runtime.batch import Batch

REQUESTS_REMEMBERED = 64
"""Requests that a running process remembers one by one."""


class Backlog:
    """Owns the history of the process."""

    name = "the backlog"

    def __init__(
        self, recorder: Recorder, masking: Masking, known: KnownFindings | None = None
    ) -> None:
        self.recorder = recorder
        self.masking = masking
        self.known = known or KnownFindings()
        self.forked()

    def take(self, batch: Batch) -> None:
        """Feeds the history; a fact that it cannot take keeps no other from it."""
        for fact in batch.facts(self.masking):
            try:
                self.history.feed(fact)
            except Exception as fault:
                self.recorder.fault("history", fault)

    def forked(self) -> None:
        """Begins anew in a forked child: everything so far was the parent's."""
        self.history = History(REQUESTS_REMEMBERED, self.known)
