"""A subscription: one reader's own history of a running tracer, from when it is opened.

A tracer that runs already is shared: it goes on as it was, and each recording folds what happens
inside its block into a history of its own. Requests are counted from 1 there, and what stood before
the block began is built "before".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tracer.journal.writer import Journal
from tracer.model import Built, Ended, Fact, History, Process, ProcessStarted
from tracer.model.assemble import birth_in
from tracer.model.recorded import RecordedRequests
from tracer.runtime.batch import Batch
from tracer.runtime.tracer import Tracer


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
        self.masking = tracer.masking(query_values, cache_keys)
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
            self.begun = tracer.recorder.clock()
            self.offset = max([history.newest, *tracer.recorder.in_flight], default=0)
            found = tuple(
                [replace(each, phase="before") for each in history.objects.store.living()]
            )
            self._add([Built(found)] if found else [])
            self._add([history.objects.held()] if history.log.walks else [])
            self.history.log.boot = history.log.boot
            self.history.log.requests.threads.update(tracer.intake.thread_names)
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
        for fact in batch.facts(self.masking):
            if isinstance(fact, RecordedRequests):
                if self.history.about is None:
                    self._add([self._who()])
                self._add(self._seen_from_here(fact))
            else:
                self._add([fact])

    def _seen_from_here(self, several: RecordedRequests) -> Iterator[Fact]:
        """Yields requests with their numbers here; of earlier ones, what they built."""
        if min(several.begun) >= self.begun:
            numbers = [number - self.offset for number in several.numbers]
            # The marks change as objects die, in each history by itself.
            yield replace(several, numbers=numbers, marks=several.marks[:])
            return
        for one in several:
            if one.begun >= self.begun:
                yield from self._seen_from_here(one.alone())
            else:
                births = [birth_in(one, index) for index in range(len(one.tokens))]
                yield Built(tuple([replace(each, phase="before") for each in births]))

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
                    self.history.log.about = self._who()
                self._seen = self.history.snapshot()
                # It may become known only with the first request who serves.
                self.history.log.about = about
            return self._seen
