"""Learns what requests to a view have in common; the second of a kind makes a stencil."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from copy import copy
from typing import Any

from tracer.journal import line_templates
from tracer.journal.line_columns import Columns, apart, columns_of, token_of, whole_stages
from tracer.journal.line_rows import MOST_KINDS, Rows
from tracer.journal.line_templates import Form, Sight, Stencil
from tracer.model import nesting, stages
from tracer.model.assemble import ROWS, Assembly
from tracer.model.recorded import Trace

_as_it_is = operator.attrgetter("method", "status", "ident", "ending", "uncounted")
"""Of a trace, what its line says as it stands there."""


class Learning:
    """The stencils of one process. Not thread-safe."""

    def __init__(self, assembly: Assembly, rows: Rows) -> None:
        self.assembly = assembly
        self.rows = rows
        self._met: dict[Hashable, Sight] = {}
        """By view and thread, the newest request that fitted no stencil."""
        self.stencils: dict[Hashable, Stencil] = {}
        """By view and thread."""

    def sight(
        self,
        traces: Sequence[Trace],
        events: list[Any],
        births: list[Any],
        standing: Sequence[int],
        owns: bool,
    ) -> Sight:
        """`events` and `births` are those of one behind the other."""
        whats, seen = events[2::3], []
        size = len(whats) // len(traces)
        for place, trace in enumerate(traces):
            own, marks = trace.first, trace.seen
            if owns or (marks and max(marks) >= own):
                places = {token: index for index, token in enumerate(trace.births[1::5])}
                marks = [mark if mark < own else ~places.get(mark, ~mark) for mark in marks]
                if owns:
                    told_here = slice(place * size, place * size + size)
                    whats[told_here] = line_templates.relative(whats[told_here], own, places)
            seen += marks
        words = [(*_as_it_is(trace), type(trace.status), type(trace.size)) for trace in traces]
        name, urlconf = self.assembly.thread_name(traces[0].thread), self.assembly.urlconf()
        kinds, classes, labels = births[2::5], births[3::5], births[4::5]
        return Sight(kinds, classes, labels, whats, seen, words, (standing, name, urlconf))

    def meet(self, view: Hashable, trace: Trace, standing: Sequence[int]) -> None:
        """Remembers a request that fits no stencil; makes one of the second of its kind."""
        events, _ = apart(trace.events)
        sight = self.sight([trace], events, trace.births, standing, owns=True)
        if self._met.get(view) == sight:
            if len(events) != len(trace.events):
                trace = copy(trace)
                trace.events = events
            made = self._cut(trace, sight, standing)
            if made is not None:
                self.stencils[view] = made
            return
        if len(self._met) >= MOST_KINDS:
            self._met.clear()
            self.stencils.clear()
        self._met[view] = sight

    def _cut(self, trace: Trace, sight: Sight, standing: Sequence[int]) -> Stencil | None:
        """Returns a request's stencil, or None where its line does not follow from its shape."""
        raw, own = trace.events[2::3], trace.first
        if any(what[0] == stages.TRANSACTION for what in raw):
            # Whether a statement is written within its transaction depends on times.
            return None
        starts, ends, _, whats = columns = columns_of(trace, whole_stages(trace))
        kept = [place for place, what in enumerate(raw) if what[0] != ROWS]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        in_order = line_templates.rise(ends) and line_templates.rise(
            [starts[index] for index in order]
        )
        if len(kept) != len(whats) or not in_order:
            # Which stage encloses which follows from the order only where no two are at once.
            return None
        places = {token: place for place, token in enumerate(trace.births[1::5])}
        marks = {*trace.seen, *standing, *map(token_of, whats)} - {None}
        late = trace.responded, trace.viewed
        if not all(mark in places or (mark < own and mark not in late) for mark in marks):
            return None
        form, picked = self._form(trace, columns, order, places, marks)
        return Stencil(
            sight,
            sight.whats != raw,
            None if trace.responded is None else places[trace.responded],
            None if trace.viewed is None else places[trace.viewed],
            form,
            len(trace.events),
            None if len(kept) == len(raw) else line_templates.picking(kept),
            line_templates.picking(order),
            line_templates.picking(picked),
        )

    def _form(
        self,
        trace: Trace,
        columns: Columns,
        order: list[int],
        places: dict[int, int],
        marks: set[Any],
    ) -> tuple[Form, list[int]]:
        """Returns the line with places for numbers, and which numbers go there."""
        _, ends, _, whats = columns
        own, home, count = trace.first, trace.thread, len(order)

        def token(index: int) -> int | str:
            mark = whats[index][1]
            assert mark is not None
            return 2 * count + places[mark] if mark >= own else str(mark)

        parents = nesting.enclosing([ends[index] for index in order])
        rows, picked = self.rows.stage_rows(trace, columns, order, parents, token)
        older = sorted(mark for mark in marks if mark < own)
        newer = sorted(places[mark] for mark in marks if mark >= own)
        used = [f"{mark},{home}" for mark in older] + [f"%d,{home}"] * len(newer)
        numbers = [*range(len(trace.births) // 5), *newer]
        tail = f'],"births":[{",".join(self.rows.births(trace))}],"seen":[{",".join(used)}]}}\n'
        picked = [*picked, *[2 * count + place for place in numbers]]
        return Form(self.rows.head(trace), rows, tail), picked
