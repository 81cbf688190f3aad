"""A finished request as its line of the journal, straight from what was recorded.

Byte for byte the line that `tracer.journal.encode.encode` writes of the `Request` which
`Assembly.request` makes of the same trace, for a fraction of its price: a process that keeps a
journal writes every request and is seldom asked for one, so it builds no facts on the way.
And most requests to a view are alike, so of the second of a kind a stencil is made for the others,
which are filled in together where several came since somebody looked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

from tracer.journal import line_templates
from tracer.journal.encode import by_import_rows, encode
from tracer.journal.line_columns import apart, columns_of, nested, seen, token_of, whole_stages
from tracer.journal.line_learning import Learning
from tracer.journal.line_rows import Rows, dumps, quoted
from tracer.journal.line_templates import Between, Stencil
from tracer.model.assemble import Assembly, by_import
from tracer.model.recorded import End, Trace, likeness

_TOGETHER: Final = 32
"""Requests written at a time; with more of them nothing more is saved."""


class Lines:
    """Writes one process's requests. Not thread-safe."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.rows = Rows(assembly)
        self.learning = Learning(assembly, self.rows)

    def requests(
        self,
        traces: Sequence[Trace],
        standing: Sequence[int],
        fault: Callable[[Exception], object],
    ) -> list[bytes]:
        """Returns the lines of finished requests, in their order; `standing` as in `request`.

        `fault` is called with the reason why one cannot be written; that one has no line.
        """
        groups: dict[Hashable, list[Trace]] = {}
        for trace in traces:
            try:
                groups.setdefault((likeness(trace), trace.status), []).append(trace)
            except TypeError:
                # An application may have put there what cannot be hashed.
                groups[id(trace)] = [trace]
        lines: dict[int, bytes] = {}
        for group in groups.values():
            for first in range(0, len(group), _TOGETHER):
                some = group[first : first + _TOGETHER]
                filled = self._together(some, standing) or [None] * len(some)
                for trace, line in zip(some, filled, strict=True):
                    try:
                        lines[trace.number] = line or self.request(trace, standing)
                    except Exception as error:
                        fault(error)
        return [lines[trace.number] for trace in traces if trace.number in lines]

    def request(self, trace: Trace, standing: Sequence[int] = ()) -> bytes:
        """Returns the line; `standing` as in `Assembly.request`. Raises what that raises."""
        try:
            return self._request(trace, standing)
        except (TypeError, ValueError, AttributeError):
            # Something is of another type than usual: the long way knows what to make of it.
            return encode(self.assembly.request(trace, standing))

    def deaths(self, ends: Sequence[End]) -> bytes:
        """Returns the line of a batch of ends, of which there must be one."""
        _, base, _, home = ends[0]
        rows: list[str] = []
        numbers: list[int] = []
        for token, at, how, ident in ends:
            numbers += (token, at - base)
            rows.append(f'[%d,%d,"{how}"]' if ident == home else f'[%d,%d,"{how}",{ident}]')
        line = f'{{"fact":"deaths","at":{base},"ident":{home},"deaths":[{",".join(rows)}]}}\n'
        return line.encode("ascii") % tuple(numbers)

    def _together(
        self, traces: list[Trace], standing: Sequence[int]
    ) -> Sequence[bytes | None] | None:
        """Returns the lines of requests that are `like` each other, as far as they can be written
        together; None where it takes a closer look."""
        first = traces[0]
        if len(traces) == 1 or not first.single:
            return None
        if any(trace.modules is not None for trace in traces):
            return None
        known = self.learning.stencils.get((first.view, first.thread))
        try:
            return self._filled(known, traces, standing) if known is not None else None
        except Exception:
            # Whatever is the matter with one of them is no matter of the others.
            return None

    def _request(self, trace: Trace, standing: Sequence[int]) -> bytes:
        if not trace.single or trace.modules is not None:
            return self._anew(trace, standing)
        view = trace.view, trace.thread
        known = self.learning.stencils.get(view)
        if known is not None:
            filled = self._filled(known, [trace], standing)
            if filled is not None and filled[0] is not None:
                return filled[0]
        self.learning.meet(view, trace, standing)
        return self._anew(trace, standing)

    def _filled(
        self, known: Stencil, traces: Sequence[Trace], standing: Sequence[int]
    ) -> Sequence[bytes | None] | None:
        """Returns the lines of requests, as `Stencil.fill` has it; None if one does not fit."""
        events: list[Any] = []
        births: list[Any] = []
        between: dict[int, list[Between]] = {}
        for place, trace in enumerate(traces):
            own = trace.events
            if len(own) != known.size:
                own, others = apart(own)
                if len(own) != known.size:
                    return None
                between[place] = [self.rows.between(trace, *event) for event in others]
            events += own
            births += trace.births
        sight = self.learning.sight(traces, events, births, standing, known.owns)
        if not known.fits(sight, traces, births):
            return None
        begun = [trace.begun for trace in traces]
        return known.fill(events, births[1::5], begun, self._said(traces), between)

    def _said(self, traces: Sequence[Trace]) -> Iterable[tuple[Any, ...]]:
        """What requests that are alike say in the places before the stages."""
        path, epoch = self.assembly.path, self.assembly.epoch
        for trace, cost in zip(traces, self.assembly.cost(traces), strict=True):
            said, begun = quoted(path(trace)).encode("ascii"), trace.begun
            yield trace.number, said, epoch + begun / 1e9, begun, trace.closed, trace.size, cost

    def _anew(self, trace: Trace, standing: Iterable[int]) -> bytes:
        assembly, begun = self.assembly, trace.begun
        events = whole_stages(trace)
        starts, ends, threads, whats = columns = columns_of(trace, events)
        order, parents = nested(starts, ends, threads, whats)
        count = len(order)
        rows, places = self.rows.stage_rows(
            trace, columns, order, parents, lambda index: 2 * count + index
        )
        numbers = [
            *[start - begun for start in starts],
            *map(operator.sub, ends, starts),
            *map(token_of, whats),
        ]
        born = [
            text % token
            for text, token in zip(self.rows.births(trace), trace.births[1::5], strict=True)
        ]
        line = (
            self.rows.head(trace)
            % (
                trace.number, quoted(assembly.path(trace)), assembly.epoch + begun / 1e9, begun,
                trace.closed, trace.size, *assembly.cost([trace]),
            )
            + ",".join(map(line_templates.written, rows))
            % tuple([numbers[place] for place in places])
            + f'],"births":[{",".join(born)}],"seen":[{seen(trace, events, whats, standing)}]'
            + f"{_imports(assembly, trace)}}}\n"
        )  # fmt: skip
        return line.encode("ascii")


def _imports(assembly: Assembly, trace: Trace) -> str:
    """Returns what a line says of imports; empty if the request ran none."""
    imported, built = assembly.imports(trace), by_import_rows(by_import(trace))
    return (f',"imports":{dumps(imported)}' if imported else "") + (
        f',"by_import":{dumps(built)}' if built else ""
    )
