"""A finished request as its line of the journal, straight from what was recorded.

Byte for byte the line that `tracer.journal.format.encode` writes of the `Request` which
`Assembly.request` makes of the same trace, for a fraction of its price: a process that keeps a
journal writes every request and is seldom asked for one, so no fact is built that nobody looks at,
and what comes again with each request is put into JSON once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final
from weakref import ref

from tracer.journal.format import encode
from tracer.journal.rows import birth_row
from tracer.model import stages
from tracer.recorder import nesting
from tracer.recorder.assembly import ROWS, Assembly, birth, grouped, told, whole, with_rows
from tracer.recorder.trace import Trace, What
from tracer.rest import End

Words = tuple[str, str, str]
"""A stage's row up to its name, its detail and its error, as JSON; the latter may be empty."""

_LATE: Final = frozenset({stages.VIEW, stages.RESOLVE})
"""Stages of which the trace knows more than the stage does."""
_FOLDED: Final = frozenset({ROWS, stages.TRANSACTION})
"""Where there is one of these, stages may be folded into others."""
_ALIKE: Final = frozenset(
    {
        stages.MIDDLEWARE, stages.HOOK, stages.CLOSE, stages.REQUEST_STARTED,
        stages.REQUEST_FINISHED,
    }
)  # fmt: skip
"""Stages that are told by the same tuple in each request."""
_MOST: Final = 2000
"""Texts remembered; beyond, all are forgotten and those in use come back."""

_EMPTY: Final = '""'
_text = json.encoder.encode_basestring_ascii
_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Lines:
    """Writes one process's requests. Not thread-safe."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._stages: dict[int, tuple[What, Words]] = {}
        """By the tuple's address; what is remembered keeps its address."""
        self._births: dict[tuple[str, int, str | None], tuple[ref[type], str]] = {}
        """By the class's address: a class may be made for one request, and must die with it."""

    def request(self, trace: Trace, standing: Sequence[int] = ()) -> bytes:
        """Return the line; `standing` as in `Assembly.request`. Raises what that raises."""
        try:
            return self._request(trace, standing).encode("ascii")
        except (TypeError, ValueError, AttributeError):
            # Something is of another type than usual: the long way knows what to make of it.
            return encode(self.assembly.request(trace, standing))

    def deaths(self, ends: Sequence[End]) -> bytes:
        """Return the line of a batch of ends, of which there must be one."""
        _, base, _, home = ends[0]
        rows = [
            f'[{token},{at - base},"{how}"]'
            if ident == home
            else f'[{token},{at - base},"{how}",{ident}]'
            for token, at, how, ident in ends
        ]
        line = f'{{"fact":"deaths","at":{base},"ident":{home},"deaths":[{",".join(rows)}]}}\n'
        return line.encode("ascii")

    def _request(self, trace: Trace, standing: Sequence[int]) -> str:
        assembly, home, begun = self.assembly, trace.thread, trace.begun
        ending = trace.ending
        line = (
            f'{{"fact":"request","number":{trace.number},'
            f'"method":{_text(str(trace.told[0] or ""))},"path":{_text(assembly.path(trace))},'
            f'"status":{_number(trace.status)},"thread":{home},'
            f'"thread_name":{_text(assembly.thread_name(home))},"ident":{trace.ident},'
            f'"started":{assembly.epoch + begun / 1e9!r},"begun":{begun},"closed":{trace.closed},'
            f'"size":{_number(trace.size)},"watching":{assembly.cost(trace)},'
            f'"ending":"{ending}","uncounted":{trace.uncounted},'
            f'"spans":[{self._spans(trace)}],"births":[{self._born(trace)}],'
            f'"seen":[{_seen(trace, standing)}]'
        )
        imported = assembly.imports(trace)
        return f'{line},"imports":{_dumps(imported)}}}\n' if imported else f"{line}}}\n"

    # -- stages -----------------------------------------------------------------------------

    def _spans(self, trace: Trace) -> str:
        home, begun = trace.thread, trace.begun
        starts, ends, threads, whats = _stages(trace)
        order, parents = _nested(starts, ends, threads, whats)
        known = self._stages.get
        rows = []
        for index, parent in zip(order, parents, strict=True):
            what, start = whats[index], starts[index]
            found = known(id(what))
            head, detail, error = (
                found[1] if found is not None and found[0] is what else self._words(what)
            )
            inside = "null" if parent is None else parent
            row = f"{head}{inside},{start - begun},{ends[index] - start}"
            token = what[1]
            thread = home if threads is None else threads[index]
            if thread != home or error:
                apart = thread if thread != home else "null"
                more = f",{_number(token)},{detail or _EMPTY},{apart}"
                rows.append(f"{row}{more},{error}]" if error else f"{row}{more}]")
            elif detail:
                rows.append(f"{row},{'null' if token is None else token},{detail}]")
            else:
                rows.append(f"{row}]" if token is None else f"{row},{token}]")
        return ",".join(rows)

    def _words(self, what: What) -> Words:
        stage, name, detail = self.assembly.words(what)
        error = what[4]
        head = f"[{_text(stage)},{_text(name)},"
        words = head, _text(detail) if detail else "", _text(error) if error else ""
        if stage in _ALIKE:
            if len(self._stages) >= _MOST:
                self._stages.clear()
            self._stages[id(what)] = what, words
        return words

    # -- objects ----------------------------------------------------------------------------

    def _born(self, trace: Trace) -> str:
        home, begun = trace.thread, trace.begun
        rows = []
        for mark, kind, cls, said in grouped(trace.births, 4):
            token = mark if type(mark) is int else mark.token
            label, thread = said, home
            if type(said) is tuple:
                label, thread, owner, mortal = said
                if owner is not None or not mortal:
                    fact = birth(mark, kind, cls, said, begun, home)
                    rows.append(_dumps(birth_row(fact, begun, home)))
                    continue
            known = self._births.get((kind, id(cls), label))
            words = known[1] if known is not None and known[0]() is cls else None
            if words is None:
                words = self._about(kind, cls, label)
            if thread == home:
                rows.append(f"[{token}{words}]")
            else:
                rows.append(f'[{token}{words},{thread},"request",null,true]')
        return ",".join(rows)

    def _about(self, kind: str, cls: type, label: str | None) -> str:
        """What a birth's row says behind the token, up to its time."""
        words = _dumps(birth_row(birth(0, kind, cls, label, 0, 0), 0, 0))[2:-1]
        if len(self._births) >= _MOST:
            self._births.clear()
        self._births[kind, id(cls), label] = ref(cls), words
        return words


Columns = tuple[list[int], list[int], "list[int] | None", list[What]]
"""Starts, ends, threads (None where there is but the request's own), and what the stages were."""


def _stages(trace: Trace) -> Columns:
    """The stages in the order in which they were recorded."""
    flat, far = trace.events, trace.far
    recorded = {what[0] for what in flat[2::3]}
    if far or not _FOLDED.isdisjoint(recorded):
        events = with_rows(whole(trace))
        whats: list[What] = [event[3:] for event in events]
        starts, ends = [event[0] for event in events], [event[1] for event in events]
        return starts, ends, [event[2] for event in events] if far else None, whats
    whats = [told(trace, what) if what[0] in _LATE else what for what in flat[2::3]]
    return flat[0::3], flat[1::3], None, whats


def _nested(
    starts: list[int], ends: list[int], threads: list[int] | None, whats: list[What]
) -> tuple[list[int], list[int | None]]:
    """Order and parents, as `nesting` has them; quicker where one ended after the other."""
    if threads is not None or sorted(ends) != ends:
        lanes = threads or [0] * len(starts)
        stage = [what[0] for what in whats]
        intervals = list(zip(starts, ends, lanes, stage, strict=True))
        order = nesting.order(intervals)
        return order, nesting.parents([intervals[index] for index in order])
    # Of those that began at once, the one that was recorded last encloses the others.
    order = sorted(range(len(starts) - 1, -1, -1), key=starts.__getitem__)
    return order, nesting.enclosing([ends[index] for index in order])


def _seen(trace: Trace, standing: Iterable[int]) -> str:
    """Tokens of objects and threads in turn: who was used, on which thread."""
    home = trace.thread
    events = grouped(trace.events, 3)
    tokens = [(told(trace, what) if what[0] in _LATE else what)[1] for _, _, what in events]
    if trace.single:
        marks = dict.fromkeys([*trace.seen, *standing, *[t for t in tokens if t is not None]])
        return ",".join([f"{token},{home}" for token in marks])
    used = dict.fromkeys(
        (mark, home) if type(mark) is int else mark for mark in (*trace.seen, *standing)
    )
    used.update(dict.fromkeys((token, home) for token in tokens if token is not None))
    for thread, _, _, what in trace.far or ():
        token = told(trace, what)[1]
        if token is not None:
            used[token, thread] = None
    return ",".join([f"{token},{thread}" for token, thread in used])


def _number(value: Any) -> str:
    """A number or null; whatever else an application has put there, as JSON has it."""
    return str(value) if type(value) is int else "null" if value is None else _dumps(value)
