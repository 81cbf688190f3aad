"""The backlog: keeps the newest traces as they are and reduces older ones to counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from operator import attrgetter, itemgetter

from tracer.model import Barrier, Birth, Built, Deaths, Died, Fact, History, Request, Walk
from tracer.model.assemble import Assembly
from tracer.model.known import KnownFindings
from tracer.model.recorded import End, Trace
from tracer.model.request_log import ALWAYS_REMEMBERED
from tracer.recorder.trace import give_back
from tracer.recorder.weakrefs import Ref
from tracer.runtime import counts_report
from tracer.runtime.batch import Batch, Ends, deaths
from tracer.runtime.waiting_traces import WaitingTraces

REQUESTS_REMEMBERED = 64
"""Requests that a running process remembers one by one."""
MOST_BIRTHS_OUTSIDE = 1000
"""When more births outside requests wait, the history gets them at once."""
MOST_AFTER = 500
"""When more facts wait that come after requests, the history gets them at once."""
MOST_UNCLAIMED = 1000
"""Deaths remembered of objects that the history does not know yet."""
_BIRTHS = attrgetter("births")
_TOKEN = itemgetter(0)
"""The token of an `End`."""


class Backlog:
    """Owns the history of the process, and brings it up to date when asked."""

    name = "the backlog"

    def __init__(
        self, assembly: Assembly, waiting: WaitingTraces, known: KnownFindings | None = None
    ) -> None:
        self.known = known or KnownFindings()
        self.assembly = assembly
        self.recorder = waiting.recorder
        self.waiting = waiting
        self.history = History(REQUESTS_REMEMBERED, self.known)
        self._newest = 0
        self.facts: list[Fact] = []
        self.after: list[Fact] = []
        """What the history gets before the waiting requests, and after them."""
        self.standing: list[int] = []
        self.unclaimed: deque[End] = deque(maxlen=MOST_UNCLAIMED)
        """Deaths of objects that the history does not know. They may be of a request that waits;
        its trace notes the death, too, unless the object is a resource."""

    @property
    def newest(self) -> int:
        """The newest request that came in."""
        return max(self.history.newest, self._newest)

    def take(self, batch: Batch) -> None:
        """Keeps a batch's traces. With a collection or a walk, it reaches the history at once."""
        if batch.traces:
            self._newest = max(batch.numbers)
            self.waiting.traces.extend(batch.traces)
            self.standing = batch.standing
            # A trace can be used again only if nobody else holds it.
            batch.traces = []
        self.facts += batch.facts
        self.after += batch.after
        self._report_deaths(batch.ends)
        births = sum(len(fact.births) for fact in self.facts if isinstance(fact, Built))
        if self.history.served < len(ALWAYS_REMEMBERED) or births > MOST_BIRTHS_OUTSIDE:
            # A history remembers its first requests for ever.
            self.update_history()
            return
        proven = any(isinstance(fact, Barrier | Walk) for fact in batch.after)
        if self.waiting.reduce(collected=proven):
            self._report_counts()
        if proven or len(self.after) > MOST_AFTER:
            self.update_history()

    def update_history(self) -> None:
        """Brings the history up to date with all waiting traces, causes before effects."""
        traces = self.waiting.take()
        self._report_counts()
        facts, self.facts = self.facts, []
        already = self.recorder.weakrefs.take_over_all(map(_BIRTHS, traces))
        facts += self._requests(traces)
        self._feed(facts)
        ended = [*self._closings(), *(Died(*end) for end in deaths(self.recorder, already).all)]
        ended += self._claim()
        self._feed([Deaths(tuple(ended))] if ended else [])
        self._feed(self.after)
        self.after = []
        while traces:
            trace = traces.pop()
            # A weak reference in the births may write to them at any moment: such a trace is not
            # used again.
            if Ref not in map(type, trace.births[::5]):
                give_back(self.recorder.spare, trace)

    def _requests(self, traces: Iterable[Trace]) -> Iterator[Request]:
        for trace in traces:
            try:
                yield self.assembly.request(trace, self.standing)
            except Exception as fault:
                self.recorder.fault("assembly", fault)

    def _closings(self) -> list[Died]:
        """Returns the closings whose requests will not be counted, and forgets them."""
        found = [Died(token, at, "closed", 0) for token, at in self.waiting.closed.items()]
        self.waiting.closed.clear()
        return found

    def _feed(self, facts: Iterable[Fact]) -> None:
        """Feeds the history; a fact that it cannot take keeps no other from it."""
        for fact in facts:
            try:
                self.history.feed(fact)
            except Exception as fault:
                self.recorder.fault("history", fault)

    def _report_counts(self) -> None:
        """Adds the counted requests to the history, and before them what preceded them."""
        if not self.waiting.counts.served:
            return
        self._feed(self.facts)
        self.facts = []
        names = self.recorder.classes.names
        counts_report.report(self.waiting.take_counts(), self.standing, names, self.history)
        ended = self._claim()
        self._feed([Deaths(tuple(ended))] if ended else [])

    def _claim(self) -> list[Died]:
        """Returns the unclaimed deaths of objects that the history knows by now."""
        if not self.unclaimed:
            return []
        known = self.history.tracked(set(map(_TOKEN, self.unclaimed)))
        claimed = [Died(*end) for end in self.unclaimed if end[0] in known]
        if claimed:
            rest = [end for end in self.unclaimed if end[0] not in known]
            self.unclaimed = deque(rest, MOST_UNCLAIMED)
        return claimed

    def _report_deaths(self, ends: Ends) -> None:
        """Reports the ends of objects that the history tracks, or will before any request.

        Closings of other resources wait until their request is counted, and other deaths until it
        is known whether they matter.
        """
        if not any(ends):
            return
        single = ends.closed + ends.dead
        tokens = {end[0] for end in single}
        expected = {
            born.token for fact in self.facts if isinstance(fact, Built) for born in fact.births
        }
        known = self.history.tracked(tokens) | (expected & tokens)
        self.waiting.closed.update(
            (token, at) for token, at, _, _ in ends.closed if token not in known
        )
        self.unclaimed += [end for end in ends.dead if end[0] not in known]
        reported = [end for end in single if end[0] in known] + ends.taken_along
        if reported:
            self.history.feed(Deaths(tuple([Died(*end) for end in reported])))

    def known_births(self) -> Iterator[Birth]:
        """Yields the births that the history has or will have, without those of waiting traces."""
        yield from self.history.living()
        for fact in self.facts:
            if isinstance(fact, Built):
                yield from fact.births
        yield from (born for born, *_ in self.waiting.counts.survivors)

    def forked(self) -> None:
        """Begins anew in a forked child: everything so far was the parent's."""
        self.waiting = WaitingTraces(self.recorder, self.assembly.page)
        self.history = History(REQUESTS_REMEMBERED, self.known)
        self._newest = 0
        self.facts.clear()
        self.after.clear()
        self.unclaimed.clear()
