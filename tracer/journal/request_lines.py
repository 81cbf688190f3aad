"""A finished request as its line of the journal, straight from what was recorded.

Byte for byte the line that `tracer.journal.encode.encode` writes of the `Request` which
`Assembly.request` makes of the same trace, for a fraction of its price: a process that keeps a
journal writes every request and is seldom asked for one, so no fact is built that nobody looks at.
And most requests to a view are alike, so of the second of a kind a stencil is made for the others,
which are filled in together where several came since somebody looked.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import copy
from typing import Any, Final

from tracer.journal import line_templates
from tracer.journal.encode import birth_row, encode
from tracer.journal.line_templates import Between, Form, Row, Sight, Stencil
from tracer.model import nesting, stages
from tracer.model.assemble import (
    ROWS,
    Assembly,
    Whole,
    birth,
    grouped,
    told,
    whole,
    with_rows,
)
from tracer.model.recorded import End, Event, Trace, What, likeness

Columns = tuple[list[int], list[int], "list[int] | None", list[What]]
"""Starts, ends, threads (None where there is but the request's own), and what the stages were."""
Words = tuple[str, str, str]
"""A stage's row up to its name, its detail and its error; the latter two may be empty."""

_LATE: Final = frozenset({stages.VIEW, stages.RESOLVE, stages.RESPONSE})
"""Stages of which the trace knows more than the stage does."""
_FOLDED: Final = frozenset({ROWS, stages.TRANSACTION})
"""Where there is one of these, stages may be folded into others."""
_ALIKE: Final = frozenset(
    {
        stages.MIDDLEWARE, stages.HOOK, stages.CLOSE, stages.REQUEST_STARTED,
        stages.REQUEST_FINISHED,
    }
)  # fmt: skip
"""Stages in which the same object takes part in each request."""
_MOST: Final = 500
"""Kinds of request remembered; beyond, all are forgotten and those in use come back."""

_TOGETHER: Final = 32
"""Requests written at a time; with more of them nothing more is saved."""

_EMPTY: Final = '""'
_text = json.encoder.encode_basestring_ascii
_stage, _token = operator.itemgetter(0), operator.itemgetter(1)
"""Of what a stage was."""
_as_it_is = operator.attrgetter("method", "status", "ident", "ending", "uncounted")
"""Of a trace, what its line says as it stands there."""
_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Lines:
    """Writes one process's requests. Not thread-safe."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._stages: dict[What, Words] = {}
        self._births: dict[Hashable, str] = {}
        """By kind, number of the class and label."""
        self._met: dict[Hashable, Sight] = {}
        """By view and thread, the newest request that fitted no stencil."""
        self._stencils: dict[Hashable, Stencil] = {}

    def requests(
        self,
        traces: Sequence[Trace],
        standing: Sequence[int],
        fault: Callable[[Exception], object],
    ) -> list[bytes]:
        """Return the lines of finished requests, in their order; `standing` as in `request`.

        `fault` is told why one cannot be written; there is no line of that one.
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
        """Return the line; `standing` as in `Assembly.request`. Raises what that raises."""
        try:
            return self._request(trace, standing)
        except (TypeError, ValueError, AttributeError):
            # Something is of another type than usual: the long way knows what to make of it.
            return encode(self.assembly.request(trace, standing))

    def deaths(self, ends: Sequence[End]) -> bytes:
        """Return the line of a batch of ends, of which there must be one."""
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
        """Return the lines of requests that are `like` each other, as far as they can be written
        together; None where it takes a closer look."""
        first = traces[0]
        if len(traces) == 1 or not first.single:
            return None
        if any(trace.modules is not None for trace in traces):
            return None
        known = self._stencils.get((first.view, first.thread))
        try:
            return self._filled(known, traces, standing) if known is not None else None
        except Exception:
            # Whatever is the matter with one of them is no matter of the others.
            return None

    def _request(self, trace: Trace, standing: Sequence[int]) -> bytes:
        if not trace.single or trace.modules is not None:
            return self._anew(trace, standing)
        view = trace.view, trace.thread
        known = self._stencils.get(view)
        if known is not None:
            filled = self._filled(known, [trace], standing)
            if filled is not None and filled[0] is not None:
                return filled[0]
        self._meet(view, trace, standing)
        return self._anew(trace, standing)

    def _filled(
        self, known: Stencil, traces: Sequence[Trace], standing: Sequence[int]
    ) -> Sequence[bytes | None] | None:
        """Return the lines of requests, as `Stencil.fill` has it; None if one does not fit."""
        events: list[Any] = []
        births: list[Any] = []
        between: dict[int, list[Between]] = {}
        for place, trace in enumerate(traces):
            own = trace.events
            if len(own) != known.size:
                own, others = _apart(own)
                if len(own) != known.size:
                    return None
                between[place] = [self._between(trace, *event) for event in others]
            events += own
            births += trace.births
        sight = self._sight(traces, events, births, standing, known.owns)
        if not known.fits(sight, traces, births):
            return None
        begun = [trace.begun for trace in traces]
        return known.fill(events, births[1::5], begun, self._said(traces), between)

    def _said(self, traces: Sequence[Trace]) -> Iterable[tuple[Any, ...]]:
        """What requests that are alike say in the places before the stages."""
        path, epoch = self.assembly.path, self.assembly.epoch
        for trace, cost in zip(traces, self.assembly.cost(traces), strict=True):
            said, begun = _text(path(trace)).encode("ascii"), trace.begun
            yield trace.number, said, epoch + begun / 1e9, begun, trace.closed, trace.size, cost

    def _anew(self, trace: Trace, standing: Iterable[int]) -> bytes:
        assembly, begun = self.assembly, trace.begun
        events = _whole(trace)
        starts, ends, threads, whats = columns = _stages(trace, events)
        order, parents = _nested(starts, ends, threads, whats)
        count = len(order)
        rows, places = self._form(trace, columns, order, parents, lambda index: 2 * count + index)
        numbers = [
            *[start - begun for start in starts],
            *map(operator.sub, ends, starts),
            *map(_token, whats),
        ]
        born = [
            text % token for text, token in zip(self._born(trace), trace.births[1::5], strict=True)
        ]
        imported = assembly.imports(trace)
        line = (
            self._head(trace)
            % (
                trace.number, _text(assembly.path(trace)), assembly.epoch + begun / 1e9, begun,
                trace.closed, trace.size, *assembly.cost([trace]),
            )
            + ",".join(map(line_templates.written, rows))
            % tuple([numbers[place] for place in places])
            + f'],"births":[{",".join(born)}],"seen":[{_seen(trace, events, whats, standing)}]'
            + (f',"imports":{_dumps(imported)}}}\n' if imported else "}\n")
        )  # fmt: skip
        return line.encode("ascii")

    def _head(self, trace: Trace) -> str:
        """The line up to its stages, with places for seven words and numbers."""
        home, size = trace.thread, trace.size
        sized = "%d" if type(size) is int else f"{_safe(_number(size))}%.0a"
        return (
            f'{{"fact":"request","number":%d,"method":{_safe(_text(str(trace.method or "")))},'
            f'"path":%s,"status":{_safe(_number(trace.status))},"thread":{home},'
            f'"thread_name":{_safe(_text(self.assembly.thread_name(home)))},"ident":{trace.ident},'
            f'"started":%r,"begun":%d,"closed":%d,"size":{sized},"watching":%d,'
            f'"ending":"{trace.ending}","uncounted":{trace.uncounted},"spans":['
        )

    def _form(
        self,
        trace: Trace,
        columns: Columns,
        order: list[int],
        parents: list[int | None],
        token: Callable[[int], int | str],
    ) -> tuple[list[Row], list[int]]:
        """Return what the stages say with places for numbers, and which numbers go there.

        These are the stages' starts, their lengths, and from there on what `token` returns for a
        stage with a token; where that is text, it stands for itself.
        """
        _, _, threads, whats = columns
        count, rows = len(order), []
        places: list[int] = []
        for index, parent in zip(order, parents, strict=True):
            what = whats[index]
            head, detail, error = self._words(what)
            thread = trace.thread if threads is None else threads[index]
            apart = thread if thread != trace.thread else "null"
            row = ",%d,%d"
            places += (index, count + index)
            if error or thread != trace.thread or detail or what[1] is not None:
                mark = "null" if what[1] is None else token(index)
                if isinstance(mark, int):
                    places.append(mark)
                    mark = "%d"
                row += f",{mark}"
            if error or thread != trace.thread:
                row += f",{detail or _EMPTY},{apart}"
                row += f",{error}" if error else ""
            elif detail:
                row += f",{detail}"
            rows.append(Row(head, parent, f"{row}]"))
        return rows, places

    def _between(self, trace: Trace, start: int, end: int, what: What) -> Between:
        """A stage of no object, that is told by itself."""
        head, detail, _ = self._words(what)
        rest = f",{start - trace.begun},{end - start}" + (f",null,{detail}]" if detail else "]")
        return Between(start, end, head, rest)

    def _words(self, what: What) -> Words:
        """What a stage says, ready to stand in a form."""
        known = self._stages.get(what) if what[0] in _ALIKE else None
        if known is None:
            stage, name, detail = self.assembly.words(what)
            error = what[4]
            known = (
                _safe(f"[{_text(stage)},{_text(name)},"),
                _safe(_text(detail)) if detail else "",
                _safe(_text(error)) if error else "",
            )
            if what[0] in _ALIKE:
                if len(self._stages) >= _MOST:
                    self._stages.clear()
                self._stages[what] = known
        return known

    def _born(self, trace: Trace) -> list[str]:
        """The rows of what it built, each with a place for its token."""
        home, rows = trace.thread, []
        for _, _, kind, number, said in grouped(trace.births, 5):
            label, thread, owner, mortal = said if type(said) is tuple else (said, home, None, True)
            if owner is not None or not mortal:
                rows.append(self._birth(kind, number, said, home))
                continue
            row = self._usual_birth(kind, number, label)
            rows.append(row if thread == home else f'{row[:-1]},{thread},"request",null,true]')
        return rows

    def _usual_birth(self, kind: str, number: int, label: Any) -> str:
        """The row of one on the request's own thread."""
        key = kind, number, label
        known = self._births.get(key)
        if known is None:
            if len(self._births) >= _MOST:
                self._births.clear()
            self._births[key] = known = self._birth(kind, number, label, 0)
        return known

    def _birth(self, kind: str, number: int, label: Any, home: int) -> str:
        """The row of one birth, with a place for its token."""
        cls = self.assembly.class_name(number)
        row = _dumps(birth_row(birth(0, kind, cls, label, 0, home), 0, home))
        return f"[%d{_safe(row.removeprefix('[0'))}"

    # -- requests that are alike ------------------------------------------------------------

    def _sight(
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

    def _meet(self, view: Hashable, trace: Trace, standing: Sequence[int]) -> None:
        """Remember a request that fits no stencil; make one of the second of its kind."""
        events, _ = _apart(trace.events)
        sight = self._sight([trace], events, trace.births, standing, owns=True)
        if self._met.get(view) == sight:
            if len(events) != len(trace.events):
                trace = copy(trace)
                trace.events = events
            made = self._cut(trace, sight, standing)
            if made is not None:
                self._stencils[view] = made
            return
        if len(self._met) >= _MOST:
            self._met.clear()
            self._stencils.clear()
        self._met[view] = sight

    def _cut(self, trace: Trace, sight: Sight, standing: Sequence[int]) -> Stencil | None:
        """Return the stencil of a request, or None where its line is no matter of its shape."""
        raw, own, home = trace.events[2::3], trace.first, trace.thread
        if any(what[0] == stages.TRANSACTION for what in raw):
            # Whether a statement is told within its transaction is a matter of times.
            return None
        starts, ends, _, whats = columns = _stages(trace, _whole(trace))
        kept = [place for place, what in enumerate(raw) if what[0] != ROWS]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        in_order = line_templates.rise(ends) and line_templates.rise(
            [starts[index] for index in order]
        )
        if len(kept) != len(whats) or not in_order:
            # Who encloses whom is a matter of the order only where no two are at once.
            return None
        tokens = trace.births[1::5]
        places = {token: place for place, token in enumerate(tokens)}
        marks = {*trace.seen, *standing, *map(_token, whats)} - {None}
        late = trace.responded, trace.viewed
        if not all(mark in places or (mark < own and mark not in late) for mark in marks):
            return None
        parents = nesting.enclosing([ends[index] for index in order])
        count = len(order)

        def token(index: int) -> int | str:
            mark = whats[index][1]
            assert mark is not None
            return 2 * count + places[mark] if mark >= own else str(mark)

        rows, picked = self._form(trace, columns, order, parents, token)
        older = sorted(mark for mark in marks if mark < own)
        newer = sorted(places[mark] for mark in marks if mark >= own)
        used = [f"{mark},{home}" for mark in older] + [f"%d,{home}"] * len(newer)
        numbers = [*range(len(tokens)), *newer]
        tail = f'],"births":[{",".join(self._born(trace))}],"seen":[{",".join(used)}]}}\n'
        return Stencil(
            sight,
            sight.whats != raw,
            None if trace.responded is None else places[trace.responded],
            None if trace.viewed is None else places[trace.viewed],
            Form(self._head(trace), rows, tail),
            len(trace.events),
            None if len(kept) == len(raw) else line_templates.picking(kept),
            line_templates.picking(order),
            line_templates.picking([*picked, *[2 * count + place for place in numbers]]),
        )


def _apart(events: list[Any]) -> tuple[list[Any], list[Event]]:
    """Return the stages that tell something, and the collections that came in between."""
    places = [place for place, what in enumerate(events[2::3]) if what[0] == stages.COLLECTION]
    if not places:
        return events, []
    others = events[:]
    for place in reversed(places):
        del others[3 * place : 3 * place + 3]
    starts, ends, whats = events[0::3], events[1::3], events[2::3]
    return others, [(starts[place], ends[place], whats[place]) for place in places]


def _safe(text: str) -> str:
    """A text that stands for itself in a form."""
    return text.replace("%", "%%")


def _whole(trace: Trace) -> list[Whole] | None:
    """The stages with everything in them, where some are on other threads or may be folded."""
    if trace.far or not _FOLDED.isdisjoint(map(_stage, trace.events[2::3])):
        return whole(trace)
    return None


def _stages(trace: Trace, events: list[Whole] | None) -> Columns:
    """The stages in the order in which they were recorded; `events` is what `_whole` returned."""
    if events is not None:
        folded = with_rows(events)
        whats: list[What] = [event[3:] for event in folded]
        starts, ends = [event[0] for event in folded], [event[1] for event in folded]
        return starts, ends, [event[2] for event in folded] if trace.far else None, whats
    flat = trace.events
    whats = [told(trace, what) if what[0] in _LATE else what for what in flat[2::3]]
    return flat[0::3], flat[1::3], None, whats


def _nested(
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


def _seen(
    trace: Trace, events: list[Whole] | None, whats: list[What], standing: Iterable[int]
) -> str:
    """Tokens of objects and threads in turn: who was used, on which thread."""
    home = trace.thread
    if trace.single and events is None:
        marks = {*trace.seen, *standing, *map(_token, whats)}
        marks.discard(None)
        return ",".join([f"{token},{home}" for token in sorted(marks)])
    # On several threads, or in stages that were folded.
    used = {mark if type(mark) is tuple else (mark, home) for mark in (*trace.seen, *standing)}
    for what in events if events is not None else whole(trace):
        if what[4] is not None:
            used.add((what[4], what[2]))
    return ",".join([f"{token},{thread}" for token, thread in sorted(used)])


def _number(value: Any) -> str:
    """A number or null; whatever else an application has put there, as JSON has it."""
    return str(value) if type(value) is int else "null" if value is None else _dumps(value)
