"""A batch: what was recorded since the last one, for every sink in turn."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple, Protocol

from tracer.model import Fact
from tracer.model.recorded import End, Trace
from tracer.recorder.recorder import Recorder

_BIRTHS = attrgetter("births")


class Ends(NamedTuple):
    """Objects that died and resources that were closed."""

    closed: list[End]
    dead: list[End]
    taken_along: list[End]
    """Raw connections whose wrappers are among the dead."""

    @property
    def all(self) -> list[End]:
        """All of them."""
        return [*self.closed, *self.dead, *self.taken_along]


class Batch:
    """One batch. Sinks take it in turn; the backlog keeps its traces, and later sinks find none."""

    def __init__(
        self,
        recorder: Recorder,
        facts: Iterable[Fact] = (),
        traces: Iterable[Trace] = (),
        standing: Iterable[int] = (),
        ends: Ends | None = None,
        after: Iterable[Fact] = (),
    ) -> None:
        self.recorder = recorder
        self.facts = [*facts]
        """Threads, objects built outside requests, and whatever else precedes the requests."""
        self.traces = [*traces]
        self.numbers = [trace.number for trace in self.traces]
        """The requests' numbers, which stay when the traces are gone."""
        self.standing = [*standing]
        """Tokens of the objects that every request uses, such as the settings."""
        self.ends = ends if ends is not None else Ends([], [], [])
        """Ends of objects that were known before this batch."""
        self.after = [*after]
        """What can only be said once the requests and ends are known, such as collections."""
        self._all_ends: list[End] | None = None

    def all_ends(self) -> list[End]:
        """Returns these ends and those of objects that the batch's own requests built.

        For sinks that report each death as it comes: from here on, those of the objects that are
        still alive are queued, which costs more than to look for them in the traces later.
        """
        if self._all_ends is None:
            already = self.recorder.weakrefs.take_over_all(
                map(_BIRTHS, self.traces), keep_updating=True
            )
            self._all_ends = [*self.ends.all, *deaths(self.recorder, already).all]
        return self._all_ends


class Sink(Protocol):
    """Takes every batch, under the pipeline's lock."""

    name: str
    """What a fault of it is reported as."""

    def take(self, batch: Batch) -> None:
        """Takes one batch. May raise: the other sinks get the batch all the same."""


def deaths(recorder: Recorder, ends: Iterable[tuple[int, int]]) -> Ends:
    """Returns the ends of dead objects, given as token and `Ref.at`."""
    dead: list[End] = [
        (token, -at, "collector", 0) if at < 0 else (token, at, "reference", 0)
        for token, at in ends
    ]
    resources = recorder.resources
    taken_along: list[End] = []
    if resources:
        # A wrapper that dies open takes its raw connection along. A raw connection that is watched
        # itself reports its own end.
        for end in dead:
            raw = resources.pop(end[0], None)
            if raw is not None and raw not in recorder.weakrefs.refs:
                taken_along.append((raw, *end[1:]))
    return Ends([], dead, taken_along)
