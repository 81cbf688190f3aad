"""Where raw recordings become facts and facts become history. Off the request's path."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Protocol

from django.conf import settings

from tracer.heap import retainers
from tracer.journal.request_lines import Lines
from tracer.model import (
    Barrier,
    Birth,
    Built,
    Deaths,
    Died,
    Ended,
    Fact,
    Held,
    History,
    ProcessStarted,
    Request,
    ThreadSeen,
)
from tracer.model import scope as scopes
from tracer.model.assemble import Assembly, birth
from tracer.model.memory import PINNED
from tracer.probes import preexisting
from tracer.probes.garbage_collector import Collections
from tracer.probes.signals import SignalNames
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, give_back
from tracer.recorder.weakrefs import Ref
from tracer.runtime import overhead
from tracer.runtime.backlog import Ends, Rest

KEEP = 64
"""Requests that a running process remembers one by one."""
CROWD = 1000
"""Births outside requests that wait for the history; beyond, the requests before them are taken."""
NAMES = 1000
"""Names of threads remembered; beyond, those of threads that ended are forgotten."""
HOLDERS = 24
"""Kept objects for which holders are looked for at a time."""
_BIRTHS = attrgetter("births")


class Listener(Protocol):
    """Is told every fact that a desk folds, in the same order."""

    def take(self, fact: Fact, trace: Trace | None) -> None:
        """One fact; `trace` is what a request was made from, for those who would make more."""


class Desk:
    """Takes from a recorder, in an order in which no conclusion can come before its facts."""

    def __init__(
        self,
        recorder: Recorder,
        collections: Collections,
        show_query_values: bool = False,
        quiet: bool = False,
        show_cache_keys: bool = False,
    ) -> None:
        """`quiet`: nobody draws or writes, so requests are only made out when somebody asks."""
        self.recorder = recorder
        self._quiet = quiet
        self.listeners: list[Listener] = []
        self.rest = Rest(recorder)
        self.collections = collections
        self.history = History(keep=KEEP)
        self.names: dict[int, str] = {}
        self.boot: list[Birth] = []
        self.in_vain: set[int] = set()
        self.account = overhead.Account()
        self.assembly = self.disclosing(show_query_values, show_cache_keys)
        self.told_boot = (0, 0)
        """How far the boot had come when it was last told."""
        self.lines: Lines | None = None
        """Where a journal is kept: what writes its requests."""
        self.ready: list[Fact | bytes] = []
        self.untold: list[Fact] = []
        """What the history is told when the requests that rest are, and not before."""

    def disclosing(self, query_values: bool, cache_keys: bool) -> Assembly:
        """Return what makes requests of traces, with these values shown or masked in them."""
        return Assembly(
            query_values,
            self._thread_name,
            self.recorder.classes.names.__getitem__,
            self.account.of_alike,
            self.recorder.epoch,
            SignalNames(),
            lambda: str(settings.ROOT_URLCONF),
            cache_keys,
        )

    @property
    def quiet(self) -> bool:
        """Whether nobody draws, writes or listens just now."""
        return self._quiet and not self.listeners

    def about(self, fact: ProcessStarted) -> None:
        """The process says who it is."""
        self.history.feed(fact)

    def booted(self) -> list[Fact]:
        """The boot, folded, if it is watched and has come further since it was told last."""
        booting = self.recorder.boot
        if booting is None or booting.size() == self.told_boot:
            return []
        self.told_boot = booting.size()
        fact = booting.fact()
        self._feed([fact])
        return [fact]

    def inherited(self) -> list[Fact]:
        """What a journal must begin with: who, and everything built so far."""
        assert self.history.about is not None
        built: list[Fact] = [Built(tuple(self.boot))] if self.boot else []
        return [self.history.about, *built]

    def inherit(self) -> None:
        """In a forked child: start a history of its own with what the parent had built."""
        self.listeners.clear()
        # The journal and what is ready for it are the parent's.
        self.lines = None
        self.ready.clear()
        refs = self.recorder.lives.refs
        closed = {token for token, _, _ in self.recorder.closings} | self.rest.closed.keys()
        self.rest.closed.clear()
        received: dict[int, Birth] = {}
        for born in self._handed_down():
            ref = refs.get(born.token)
            alive = not ref.at if ref is not None else not born.mortal
            if alive and born.token not in closed:
                received.setdefault(born.token, replace(born, phase="inherited"))
        self.boot = list(received.values())
        self.history = History(keep=KEEP)
        self.told_boot = (0, 0)
        self._meet_again()
        if self.boot:
            self.history.feed(Built(tuple(self.boot)))

    def _handed_down(self) -> Iterator[Birth]:
        """Every birth that the parent knew of when it forked; some more than once."""
        yield from self.history.living()
        yield from self.boot
        for fact in (*self.untold, *self._outside()):
            if isinstance(fact, Built):
                yield from fact.births
        self.untold.clear()
        yield from (born for born, _ in self.rest.tally.stayed)
        recorder = self.recorder
        for trace in (*self.rest.take(), *recorder.finished, *recorder.flying.values()):
            recorder.lives.keep(trace.births)
            yield from self.assembly.births(trace, trace.begun)
        self.rest.forget()

    def _meet_again(self) -> None:
        """The thread that forked is the child's only one; its name was told to the parent."""
        token = self.recorder.lane.token
        if token in self.names:
            self.recorder.met.append((token, self.names[token], self.recorder.clock()))

    # -- for a journal ----------------------------------------------------------------------

    def write(self) -> None:
        """From now on, have everything that is taken ready for a journal, too."""
        self.lines = Lines(self.assembly)

    def written(self) -> list[Fact | bytes]:
        """Return what is ready for the journal since the last time: facts, and whole lines."""
        ready, self.ready = self.ready, []
        return ready

    def _early(self) -> list[Fact]:
        """Threads, and what was built outside of requests: what must be told before them."""
        recorder = self.recorder
        if not (recorder.met or recorder.gone or recorder.found or recorder.outside):
            return []
        facts: list[Fact] = [*self._threads(), *self._outside()]
        if self.lines is not None:
            self.ready += facts
        return facts

    def _note(self, traces: Sequence[Trace], standing: Sequence[int], waits: bool = False) -> Ends:
        """Take over what finished requests built, have them written, and return what ended.

        `waits`: they will be looked at once more.
        """
        already = self.recorder.lives.keep_all(map(_BIRTHS, traces), waits)
        if self.lines is not None:
            fault = functools.partial(self.recorder.fault, "assembly")
            self.ready += self.lines.requests(traces, standing, fault)
        ends = self.rest.ends(already)
        if self.lines is not None and (told := ends.all):
            self.ready.append(self.lines.deaths(told))
        return ends

    # -- for the history --------------------------------------------------------------------

    def take(self) -> list[Fact]:
        """Take everything recorded so far and return it as facts, in order, folded already."""
        recorder = self.recorder
        # Barriers first and births of requests before deaths: what happened before a barrier is
        # then certain to be among the rest.
        barriers = [Barrier(*recorder.barriers.popleft()) for _ in range(len(recorder.barriers))]
        rested, finished = self.rest.take(), self._finished()
        self._flush()
        facts: list[Fact] = [*self.untold, *self._early()]
        self.untold.clear()
        standing = self._standing() if rested or finished else []
        already = recorder.lives.keep_all(map(_BIRTHS, rested))
        ends = self._note(finished, standing).all + self.rest.deaths(already).all
        sources: dict[int, Trace] = {}
        traces = [*rested, *finished]
        del rested, finished
        for trace in traces:
            try:
                facts.append(self.assembly.request(trace, standing))
                if self.listeners:
                    sources[trace.number] = trace
            except Exception as fault:
                recorder.fault("assembly", fault)
        deaths = [*self.rest.waiting(), *(Died(*end) for end in ends)]
        if deaths:
            facts.append(Deaths(tuple(deaths)))
        facts += barriers
        if self.lines is not None:
            self.ready += barriers
        self._feed(facts, sources)
        sources.clear()
        while traces:
            trace = traces.pop()
            # A reference that is there still might be about to put down its end in there.
            if Ref not in map(type, trace.births[::5]):
                give_back(recorder.spare, trace)
        return facts

    def _feed(self, facts: Iterable[Fact], sources: Mapping[int, Trace] | None = None) -> None:
        """Fold facts; one that cannot be folded keeps no other from it, nor from the journal."""
        for fact in facts:
            try:
                self.history.feed(fact)
            except Exception as fault:
                self.recorder.fault("history", fault)
            for listener in self.listeners:
                trace = None
                if sources and isinstance(fact, Request):
                    trace = sources.get(fact.number)
                try:
                    listener.take(fact, trace)
                except Exception as fault:
                    self.recorder.fault("a listener", fault)

    def _standing(self) -> list[int]:
        try:
            return preexisting.in_force(self.recorder)
        except Exception as fault:
            self.recorder.fault("scan", fault)
            return []

    def rest_until_asked(self) -> int:
        """Put what was recorded by; tally those that are old, and over.

        Returns how many requests there were. What cannot be tallied by its marks alone is taken
        with all the others.
        """
        crowded = sum(len(fact.births) for fact in self.untold if isinstance(fact, Built)) > CROWD
        if self.history.served < len(PINNED) or crowded:
            return self._taken()
        collected = bool(self.recorder.barriers)
        finished = self._finished()
        self.rest.traces.extend(finished)
        self.untold += self._early()
        if self.lines is not None:
            standing = self._standing() if finished else []
            self._bury(self._note(finished, standing, waits=True))
        else:
            self._bury(self.rest.ends())
        count = len(finished)
        # Those that are given back must be held by nobody else.
        del finished
        if self.rest.absorb(collected):
            self._flush()
        # What a collection has left is told before the collection itself.
        return count + self._taken() if collected else count

    def _taken(self) -> int:
        """Take everything; return how many requests had not been put by."""
        rested = self.rest.count
        return len(self.requests_of(self.take())) - rested

    def _flush(self) -> None:
        """Tell the history of the requests that were counted, and of what came before them."""
        if self.rest.tally.served:
            self._feed(self.untold)
            self.untold.clear()
            self.rest.flush(self._standing(), self.history)

    def _bury(self, ends: Ends) -> None:
        """Tell the history of the ends of those that it knows, or will before any request."""
        if not any(ends):
            return
        expected = {
            each.token for fact in self.untold if isinstance(fact, Built) for each in fact.births
        }
        deaths = self.rest.known(
            ends, lambda tokens: self.history.known(tokens) | (expected & tokens)
        )
        if deaths:
            self.history.feed(Deaths(tuple(deaths)))

    def _finished(self) -> list[Trace]:
        finished = self.recorder.finished
        return [finished.popleft() for _ in range(len(finished))]

    def _threads(self) -> Iterable[ThreadSeen]:
        for queue, ended in ((self.recorder.met, False), (self.recorder.gone, True)):
            while queue:
                token, name, at = queue.popleft()
                if not ended:
                    self.names[token] = name
                elif len(self.names) > NAMES:
                    self.names.pop(token, None)
                yield ThreadSeen(token, name, at, ended)

    def _outside(self) -> Iterable[Built]:
        births = []
        for queue, phase in ((self.recorder.found, "before"), (self.recorder.outside, "boot")):
            for _ in range(len(queue)):
                token, kind, number, told, at = queue[0]
                cls = self.recorder.classes.names[number]
                births.append(birth(token, kind, cls, told, at, phase=phase))
                if not self.history.served:
                    # Before it leaves the queue: another thread may fork at any time.
                    self.boot.append(births[-1])
                queue.popleft()
        if births:
            yield Built(tuple(births))

    def find_holders(self, last: bool = False) -> list[Fact]:
        """Look for what holds the objects that were kept; return and fold the answers.

        Those that were looked for in vain come after all others. `last`: the process ends, and no
        way of looking can do harm any more.
        """
        if self.recorder.flying or self.history.about is None:
            return []
        kept = {
            life.id
            for life in self.history.snapshot().lifetimes
            if life.scope == scopes.KEPT and life.died_at is None and life.held_by is None
        }
        self.in_vain &= kept
        sought = sorted(kept, key=lambda one: (one in self.in_vain, one))[:HOLDERS]
        found = self.holders_of(sought, last)
        self.in_vain.update(set(sought) - found.keys())
        facts: list[Fact] = [Held(token, path) for token, path in found.items()]
        if self.lines is not None:
            self.ready += facts
        self._feed(facts)
        return facts

    def holders_of(
        self, tokens: Iterable[int], last: bool = False, seconds: float = 1.0
    ) -> dict[int, str]:
        """Return what holds each of these objects, as far as it is found; `last` as above.

        No step of the search is begun after `seconds`.
        """
        objects = {}
        for token in tokens:
            ref = self.recorder.lives.refs.get(token)
            if ref is not None and (obj := ref()) is not None:
                objects[token] = obj
                del obj
        return retainers.paths(objects, seconds, running=last or retainers.LOOKING_IS_HARMLESS)

    def end(self) -> Ended:
        """The orderly end, folded."""
        fact = Ended(self.recorder.clock())
        self.history.feed(fact)
        return fact

    def requests_of(self, facts: Iterable[Fact]) -> list[Request]:
        """Return the requests among facts."""
        return [fact for fact in facts if isinstance(fact, Request)]

    def _thread_name(self, token: int) -> str:
        return self.names.get(token, "")
