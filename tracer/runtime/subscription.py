"""One listener's own story of a running tracer: what it tells from now on, and nothing before.

A tracer that runs already is shared: it goes on as it was, and each recording folds what happens
inside it into a history of its own. Requests are counted from 1 there, and what stood before the
recording began is built "before".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tracer.journal.writer import Journal
from tracer.model import Built, Ended, Fact, History, Process, ProcessStarted, Request
from tracer.model.assemble import Assembly
from tracer.recorder.trace import Trace
from tracer.runtime.tracer import Live


class Tap:
    """Listens to a tracer from `open` to `close`. Read it with `snapshot`, from any thread."""

    def __init__(self, live: Live, keep: int | None = None, journal: Journal | None = None) -> None:
        """`keep`: requests remembered one by one; `journal`: where the same facts go, too."""
        self.live = live
        self.history = History(keep=keep)
        self.journal = journal
        self.assembly: Assembly | None = None
        self.server = ""
        """Who made the requests, where the tracer cannot know it by itself."""
        self.begun = 0
        self.offset = 0
        """Number of the last request that had begun before."""
        self._seen: Process | None = None

    def disclose(self, query_values: bool, cache_keys: bool) -> None:
        """Show these values in this story, whatever the tracer's own settings say."""
        self.assembly = self.live.desk.disclosing(query_values, cache_keys)

    def open(self, standing: bool = True) -> None:
        """Begin to listen. `standing`: tell what stands already, as built before."""
        live = self.live
        live.gather()
        with live.lock:
            desk = live.desk
            # What rests in a quiet tracer comes before, not after.
            desk.take()
            self.begun = live.recorder.clock()
            self.offset = max([desk.history.newest, *live.recorder.flying], default=0)
            if standing:
                found = tuple([replace(each, phase="before") for each in desk.history.living()])
                self._tell([Built(found)] if found else [])
                self.history.boot = desk.history.boot
            for token, name in desk.names.items():
                self.history.threads[token] = name
            desk.listeners.append(self)

    def close(self) -> None:
        """Listen no more; what was heard stays."""
        with self.live.lock:
            if self in self.live.desk.listeners:
                self.live.desk.listeners.remove(self)
            if self.journal is not None and self.history.about is not None:
                self.journal.append([Ended(self.live.recorder.clock())])
                self.journal.close()

    def take(self, fact: Fact, trace: Trace | None) -> None:
        """One fact of the tracer's. Called with its lock held."""
        if isinstance(fact, ProcessStarted):
            return
        if isinstance(fact, Request):
            if self.assembly is not None and trace is not None:
                fact = self.assembly.request(trace)
            if self.history.about is None:
                self._tell([self._who()])
            if fact.begun < self.begun:
                fact = Built(tuple([replace(each, phase="before") for each in fact.births]))
            else:
                fact = replace(fact, number=fact.number - self.offset)
        self._tell([fact])

    def _tell(self, facts: Iterable[Fact]) -> None:
        told = list(facts)
        for fact in told:
            self.history.feed(fact)
        self._seen = None
        if self.journal is not None:
            self.journal.append(told)

    def _who(self) -> ProcessStarted:
        about = self.live.about()
        return replace(about, server=self.server) if self.server else about

    def snapshot(self) -> Process:
        """Return everything heard so far, frozen; the same object until more is heard."""
        with self.live.lock:
            if self._seen is None:
                about = self.history.about
                if about is None:
                    self.history.about = self._who()
                self._seen = self.history.snapshot()
                # It may become known only with the first request who serves.
                self.history.about = about
            return self._seen
