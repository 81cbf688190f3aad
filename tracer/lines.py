"""A finished request as its line of the journal, straight from what was recorded.

Byte for byte the line that `tracer.journal.format.encode` writes of the `Request` which
`Assembly.request` makes of the same trace, for a fraction of its price: a process that keeps a
journal writes every request and is seldom asked for one, so no fact is built that nobody looks at.
Most requests are of a few shapes: the same stages, nested alike, and objects of the same classes.
What a shape says in words is put into JSON once, with places left for times and tokens.
"""

from __future__ import annotations

import bisect
import json
import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final
from weakref import ref

from tracer.journal.format import encode
from tracer.journal.rows import birth_row
from tracer.model import stages
from tracer.recorder import nesting
from tracer.recorder.assembly import ROWS, Assembly, birth, told, whole, with_rows
from tracer.recorder.trace import Trace, What
from tracer.rest import End

Columns = tuple[list[int], list[int], "list[int] | None", list[What]]
"""Starts, ends, threads (None where there is but the request's own), and what the stages were."""
Words = tuple[str, str, str]
"""A stage's row up to its name, its detail and its error; the latter two may be empty."""
Form = tuple[str, Callable[[list[int]], Any]]
"""A shape's text with places for numbers, and what picks these, in order, from a list of them."""

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
"""Stages in which the same object takes part in each request."""
_PLAIN: Final = frozenset({str, type(None)})
"""What a birth's label is where nothing but the label is to be told."""
_MOST: Final = 200
"""Shapes remembered; beyond, all are forgotten and those in use come back."""

_EMPTY: Final = '""'
_text = json.encoder.encode_basestring_ascii
_stage, _token = operator.itemgetter(0), operator.itemgetter(1)
"""Of what a stage was."""
_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Lines:
    """Writes one process's requests. Not thread-safe."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._forms: dict[Hashable, Form] = {}
        self._stages: dict[What, Words] = {}
        self._once: set[int] = set()
        """Shapes that came once: nothing is remembered of those that never come again."""
        self._used: dict[Hashable, str] = {}
        self._births: dict[Hashable, tuple[list[ref[type]], str]] = {}
        """By the classes' addresses: a class may be made for one request, and die with it."""

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
        ending, columns = trace.ending, _stages(trace)
        line = (
            f'{{"fact":"request","number":{trace.number},'
            f'"method":{_text(str(trace.told[0] or ""))},"path":{_text(assembly.path(trace))},'
            f'"status":{_number(trace.status)},"thread":{home},'
            f'"thread_name":{_text(assembly.thread_name(home))},"ident":{trace.ident},'
            f'"started":{assembly.epoch + begun / 1e9!r},"begun":{begun},"closed":{trace.closed},'
            f'"size":{_number(trace.size)},"watching":{assembly.cost(trace)},'
            f'"ending":"{ending}","uncounted":{trace.uncounted},'
            f'"spans":[{self._spans(trace, columns)}],"births":[{self._born(trace)}],'
            f'"seen":[{self._seen(trace, columns, standing)}]'
        )
        imported = assembly.imports(trace)
        return f'{line},"imports":{_dumps(imported)}}}\n' if imported else f"{line}}}\n"

    # -- stages -----------------------------------------------------------------------------

    def _spans(self, trace: Trace, columns: Columns) -> str:
        starts, ends, threads, whats = columns
        if threads is not None or not all(map(operator.lt, ends, ends[1:])):
            order, parents = _nested(starts, ends, threads, whats)
            return _filled(self._form(trace, columns, order, parents), trace, columns)
        # One ended after the other on one thread, and of those that began at once the last to end
        # encloses the others: so the order in which they began tells who encloses whom.
        order = sorted(range(len(starts) - 1, -1, -1), key=starts.__getitem__)
        key = (
            self.assembly.urlconf(),
            tuple(order),
            *[
                what
                if what[0] in _ALIKE
                else (what[0], what[2], what[3], type(what[3]), what[4], what[1] is None)
                for what in whats
            ],
        )
        form = self._forms.get(key)
        if form is None:
            parents = nesting.enclosing([ends[index] for index in order])
            form = self._form(trace, columns, order, parents)
            self._remember(key, form)
        return _filled(form, trace, columns)

    def _remember(self, key: Hashable, form: Form) -> None:
        mark = hash(key)
        if mark not in self._once:
            if len(self._once) >= 10 * _MOST:
                self._once.clear()
            self._once.add(mark)
            return
        if len(self._forms) >= _MOST:
            self._forms.clear()
        self._forms[key] = form

    def _form(
        self,
        trace: Trace,
        columns: Columns,
        order: list[int],
        parents: list[int | None],
    ) -> Form:
        """Return what stages of this shape say, with places for starts, lengths and tokens."""
        _, _, threads, whats = columns
        count, rows = len(order), []
        places: list[int] = []
        for index, parent in zip(order, parents, strict=True):
            what = whats[index]
            head, detail, error = self._words(what)
            token = what[1]
            thread = trace.thread if threads is None else threads[index]
            apart = thread if thread != trace.thread else "null"
            row = f"{head}{'null' if parent is None else parent},%d,%d"
            places += (index, count + index)
            if error or thread != trace.thread or detail or token is not None:
                row += ",null" if token is None else ",%d"
                places += () if token is None else (2 * count + index,)
            if error or thread != trace.thread:
                row += (
                    f",{detail or _EMPTY},{apart},{error}"
                    if error
                    else f",{detail or _EMPTY},{apart}"
                )
            elif detail:
                row += f",{detail}"
            rows.append(f"{row}]")
        picked = operator.itemgetter(*places) if places else lambda _: ()
        return ",".join(rows), picked

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
                if len(self._stages) >= 10 * _MOST:
                    self._stages.clear()
                self._stages[what] = known
        return known

    # -- objects ----------------------------------------------------------------------------

    def _seen(self, trace: Trace, columns: Columns, standing: Iterable[int]) -> str:
        """Tokens of objects and threads in turn: who was used, on which thread."""
        home, raw = trace.thread, trace.events
        if not trace.single or 3 * len(columns[3]) != len(raw):
            return _seen_apart(trace, standing)
        marks = {*trace.seen, *standing, *map(_token, columns[3])}
        marks.discard(None)
        tokens = sorted(marks)
        # Those older than the request are the same in many of them.
        older = bisect.bisect_left(tokens, trace.first)
        key = home, *tokens[:older]
        text = self._used.get(key)
        if text is None:
            text = "".join([f",{token},{home}" for token in tokens[:older]])
            if len(self._used) >= _MOST:
                self._used.clear()
            self._used[key] = text
        return (text + "".join([f",{token},{home}" for token in tokens[older:]]))[1:]

    def _born(self, trace: Trace) -> str:
        flat, home = trace.births, trace.thread
        if not flat:
            return ""
        marks, classes = tuple(flat[3::4]), flat[2::4]
        numbers = [mark if type(mark) is int else mark.token for mark in flat[0::4]]
        if not _PLAIN.issuperset(map(type, marks)):
            numbers = _with_threads(numbers, marks, home)
            marks = tuple([_kept(each, home) if type(each) is tuple else each for each in marks])
        key = tuple(flat[1::4]), tuple(map(id, classes)), marks
        known = self._births.get(key)
        if known is None or not all(map(operator.is_, map(operator.call, known[0]), classes)):
            rows = map(_birth, flat[1::4], classes, marks)
            known = [ref(cls) for cls in classes], ",".join(rows)
            if len(self._births) >= _MOST:
                self._births.clear()
            self._births[key] = known
        return known[1] % tuple(numbers)


Told = tuple["str | None", bool, bool, bool]
"""Of a birth: its label, whether it was at home, whether it has an owner, and whether it dies."""


def _kept(marks: tuple[str | None, int, int | None, bool], home: int) -> Told:
    label, thread, owner, mortal = marks
    return label, thread == home, owner is not None, mortal


def _with_threads(tokens: list[int], marks: tuple[Any, ...], home: int) -> list[int]:
    """The numbers of births: tokens, threads that are not the request's, and owners."""
    numbers = []
    for token, each in zip(tokens, marks, strict=True):
        numbers.append(token)
        if type(each) is tuple:
            _, thread, owner, _ = each
            numbers += () if thread == home else (thread,)
            numbers += () if owner is None else (owner,)
    return numbers


def _birth(kind: str, cls: type, marks: str | Told | None) -> str:
    """What a birth of this kind says, with places for its numbers."""
    label, at_home, owned, mortal = (
        marks if isinstance(marks, tuple) else (marks, True, False, True)
    )
    row = _dumps(birth_row(birth(0, kind, cls, label, 0, 0), 0, 0))[2:-1]
    more = ""
    if owned or not at_home:
        places = "null" if at_home else "%d", "%d" if owned else "null"
        more = f',{places[0]},"request",{places[1]},{"true" if mortal else "false"}'
    elif not mortal:
        more = ",null,null,null,false"
    return f"[%d{_safe(row)}{more}]"


def _safe(text: str) -> str:
    """A text that stands for itself in a form."""
    return text.replace("%", "%%")


def _filled(form: Form, trace: Trace, columns: Columns) -> str:
    starts, ends, _, whats = columns
    text, pick = form
    numbers: tuple[int, ...] = pick(
        [
            *map((-trace.begun).__add__, starts),
            *map(operator.sub, ends, starts),
            *map(_token, whats),
        ]
    )
    return text % numbers


def _stages(trace: Trace) -> Columns:
    """The stages in the order in which they were recorded."""
    flat = trace.events
    if trace.far or not _FOLDED.isdisjoint(map(_stage, flat[2::3])):
        events = with_rows(whole(trace))
        whats: list[What] = [event[3:] for event in events]
        starts, ends = [event[0] for event in events], [event[1] for event in events]
        return starts, ends, [event[2] for event in events] if trace.far else None, whats
    whats = [told(trace, what) if what[0] in _LATE else what for what in flat[2::3]]
    return flat[0::3], flat[1::3], None, whats


def _nested(
    starts: list[int], ends: list[int], threads: list[int] | None, whats: list[What]
) -> tuple[list[int], list[int | None]]:
    """Order and parents, as `nesting` has them."""
    lanes = threads or [0] * len(starts)
    intervals = list(zip(starts, ends, lanes, map(_stage, whats), strict=True))
    order = nesting.order(intervals)
    return order, nesting.parents([intervals[index] for index in order])


def _seen_apart(trace: Trace, standing: Iterable[int]) -> str:
    """Uses of which some happened on another thread, or in stages that were folded."""
    home = trace.thread
    used = {mark if type(mark) is tuple else (mark, home) for mark in (*trace.seen, *standing)}
    used.update((what[4], what[2]) for what in whole(trace) if what[4] is not None)
    return ",".join([f"{token},{thread}" for token, thread in sorted(used)])


def _number(value: Any) -> str:
    """A number or null; whatever else an application has put there, as JSON has it."""
    return str(value) if type(value) is int else "null" if value is None else _dumps(value)
