"""A trace's stages in columns, ready to be written: starts, ends, threads and what they were."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Final

from tracer.journal import line_templates
from tracer.model import nesting, stages
from tracer.model.assemble import ROWS, Whole, completed, whole, with_rows
from tracer.model.recorded import Event, Trace, What

Columns = tuple[list[int], list[int], "list[int] | None", list[What]]
"""Starts, ends, threads (None where there is but the request's own), and what the stages were."""

_LATE: Final = frozenset({stages.VIEW, stages.RESOLVE, stages.RESPONSE})
"""Stages of which the trace knows more than the stage does."""
_FOLDED: Final = frozenset({ROWS, stages.TRANSACTION})
"""Where there is one of these, stages may be folded into others."""

_stage, token_of = operator.itemgetter(0), operator.itemgetter(1)
"""Of what a stage was."""


def apart(events: list[Any]) -> tuple[list[Any], list[Event]]:
    """Returns the stages that tell something, and the collections that came in between."""
    places = [place for place, what in enumerate(events[2::3]) if what[0] == stages.COLLECTION]
    if not places:
        return events, []
    others = events[:]
    for place in reversed(places):
        del others[3 * place : 3 * place + 3]
    starts, ends, whats = events[0::3], events[1::3], events[2::3]
    return others, [(starts[place], ends[place], whats[place]) for place in places]


def whole_stages(trace: Trace) -> list[Whole] | None:
    """The stages with everything in them, where some are on other threads or may be folded."""
    if trace.other_threads or not _FOLDED.isdisjoint(map(_stage, trace.events[2::3])):
        return whole(trace)
    return None


def columns_of(trace: Trace, events: list[Whole] | None) -> Columns:
    """Returns the stages as they were recorded; `events` is what `whole_stages` returned."""
    if events is not None:
        folded = with_rows(events)
        whats: list[What] = [event[3:] for event in folded]
        starts, ends = [event[0] for event in folded], [event[1] for event in folded]
        return starts, ends, [event[2] for event in folded] if trace.other_threads else None, whats
    flat = trace.events
    whats = [completed(trace, what) if what[0] in _LATE else what for what in flat[2::3]]
    return flat[0::3], flat[1::3], None, whats


def nested(
    starts: list[int], ends: list[int], threads: list[int] | None, whats: list[What]
) -> tuple[list[int], list[int | None]]:
    """Order and parents, as `nesting` has them."""
    if threads is None and line_templates.rise(ends):
        # One ended after the other on one thread, and of those that began at once the last to end
        # encloses the others: so the order in which they began tells who encloses whom.
        order = sorted(range(len(starts) - 1, -1, -1), key=starts.__getitem__)
        return order, nesting.enclosing([ends[index] for index in order])
    lanes = threads or [0] * len(starts)
    intervals = list(zip(starts, ends, lanes, map(_stage, whats), strict=True))
    order = nesting.order(intervals)
    return order, nesting.parents([intervals[index] for index in order])


def seen(
    trace: Trace, events: list[Whole] | None, whats: list[What], standing: Iterable[int]
) -> str:
    """Tokens of objects and threads in turn: who was used, on which thread."""
    home = trace.thread
    if trace.single and events is None:
        marks = {*trace.seen, *standing, *map(token_of, whats)}
        marks.discard(None)
        return ",".join([f"{token},{home}" for token in sorted(marks)])
    # On several threads, or in stages that were folded.
    used = {mark if type(mark) is tuple else (mark, home) for mark in (*trace.seen, *standing)}
    for what in events if events is not None else whole(trace):
        if what[4] is not None:
            used.add((what[4], what[2]))
    return ",".join([f"{token},{thread}" for token, thread in sorted(used)])
