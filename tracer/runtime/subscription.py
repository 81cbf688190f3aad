"""A subscription: one reader's own history of a running tracer, from when it is opened.

A tracer that runs already is shared: it goes on as it was, and each recording folds what happens
inside its block into a history of its own. Requests are counted from 1 there, and what stood before
the block began is built "before".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tracer.journal.writer import Journal
from tracer.model import Built, Deaths, Died, Ended, Fact, History, Process, ProcessStarted, Request
from tracer.model.assemble import Assembly
from tracer.runtime.batch import Batch
from tracer.runtime.tracer import Tracer


def facts_of(batch: Batch, assembly: Assembly, standing: Sequence[int] = ()) -> Iterator[Fact]:
    """Yields a batch as facts, causes before effects; `standing` as in `Assembly.request`."""
    yield from batch.facts
    for trace in batch.traces:
        try:
            yield assembly.request(trace, standing)
        except Exception as fault:
            batch.recorder.fault("assembly", fault)
    ends = batch.all_ends()
    if ends:
        yield Deaths(tuple([Died(*end) for end in ends]))
    yield from batch.after


class Subscription:
    """Takes batches from `open` to `close`. Read it with `snapshot`, from any thread."""

    name = "a subscription"

    def __init__(
        self,
        tracer: Tracer,
        keep: int | None = None,
        journal: Journal | None = None,
        query_values: bool = False,
        cache_keys: bool = False,
    ) -> None:
        """`keep`: requests remembered one by one; `journal`: where the same facts go, too.

        `query_values`, `cache_keys`: show these, whatever the tracer's own settings say.
        """
        self.tracer = tracer
        self.history = History(keep, tracer.backlog.known)
        self.journal = journal
        self.assembly = tracer.assembly(query_values, cache_keys)
        self.server = ""
        """What sends the requests, where the tracer cannot know it by itself."""
        self.begun = 0
        self.offset = 0
        """Number of the last request that had begun before."""
        self._seen: Process | None = None

    def open(self) -> None:
        """Begins; the history starts with what stands already, as built before."""
        tracer = self.tracer
        tracer.gather()
        with tracer.lock:
            history = tracer.backlog.history
            # What waits in the backlog comes before, not after.
            tracer.backlog.update_history()
            self.begun = tracer.recorder.clock()
            self.offset = max([history.newest, *tracer.recorder.in_flight], default=0)
            found = tuple([replace(each, phase="before") for each in history.living()])
            self._add([Built(found)] if found else [])
            self._add([history.objects.held()] if history.walks else [])
            self.history.boot = history.boot
            self.history.threads.update(tracer.intake.thread_names)
            tracer.pipeline.subscriptions.append(self)

    def close(self) -> None:
        """Takes no more; what was taken stays."""
        with self.tracer.lock:
            self.tracer.pipeline.unsubscribe(self)
            if self.journal is not None and self.history.about is not None:
                self.journal.append([Ended(self.tracer.recorder.clock())])
                self.journal.close()

    def take(self, batch: Batch) -> None:
        """Adds one batch to the history."""
        for fact in facts_of(batch, self.assembly):
            if isinstance(fact, Request):
                if self.history.about is None:
                    self._add([self._who()])
                if fact.begun < self.begun:
                    fact = Built(tuple([replace(each, phase="before") for each in fact.births]))
                else:
                    fact = replace(fact, number=fact.number - self.offset)
            self._add([fact])

    def _add(self, facts: Iterable[Fact]) -> None:
        added = list(facts)
        for fact in added:
            self.history.feed(fact)
        self._seen = None
        if self.journal is not None:
            self.journal.append(added)

    def _who(self) -> ProcessStarted:
        about = self.tracer.introduction.identity.about()
        return replace(about, server=self.server) if self.server else about

    def snapshot(self) -> Process:
        """Returns everything taken so far, frozen; the same object until there is more."""
        with self.tracer.lock:
            if self._seen is None:
                about = self.history.about
                if about is None:
                    self.history.about = self._who()
                self._seen = self.history.snapshot()
                # It may become known only with the first request who serves.
                self.history.about = about
            return self._seen
