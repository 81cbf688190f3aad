"""The rows of a request's line: its stages and births as JSON, with places for their numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from typing import Any, Final

from tracer.journal.encode import birth_row
from tracer.journal.line_columns import Columns
from tracer.journal.line_templates import Between, Row
from tracer.model import stages
from tracer.model.assemble import Assembly, birth, grouped
from tracer.model.recorded import Trace, What

Words = tuple[str, str, str]
"""A stage's row up to its name, its detail and its error; the latter two may be empty."""

_ALIKE: Final = frozenset(
    {
        stages.MIDDLEWARE, stages.HOOK, stages.CLOSE, stages.REQUEST_STARTED,
        stages.REQUEST_FINISHED,
    }
)  # fmt: skip
"""Stages in which the same object takes part in each request."""
MOST_KINDS: Final = 500
"""Kinds of request remembered; beyond, all are forgotten and those in use come back."""

_EMPTY: Final = '""'
quoted = json.encoder.encode_basestring_ascii
dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Rows:
    """Writes rows, and remembers those that come again. Not thread-safe."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._stages: dict[What, Words] = {}
        self._births: dict[Hashable, str] = {}
        """By kind, number of the class and label."""

    def head(self, trace: Trace) -> str:
        """The line up to its stages, with places for seven words and numbers."""
        home, size = trace.thread, trace.size
        sized = "%d" if type(size) is int else f"{safe(number(size))}%.0a"
        return (
            f'{{"fact":"request","number":%d,"method":{safe(quoted(str(trace.method or "")))},'
            f'"path":%s,"status":{safe(number(trace.status))},"thread":{home},'
            f'"thread_name":{safe(quoted(self.assembly.thread_name(home)))},"ident":{trace.ident},'
            f'"started":%r,"begun":%d,"closed":%d,"size":{sized},"watching":%d,'
            f'"ending":"{trace.ending}","uncounted":{trace.uncounted},"spans":['
        )

    def stage_rows(
        self,
        trace: Trace,
        columns: Columns,
        order: list[int],
        parents: list[int | None],
        token: Callable[[int], int | str],
    ) -> tuple[list[Row], list[int]]:
        """Returns what the stages say with places for numbers, and which numbers go there.

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

    def between(self, trace: Trace, start: int, end: int, what: What) -> Between:
        """Returns a stage that has no object and is written by itself."""
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
                safe(f"[{quoted(stage)},{quoted(name)},"),
                safe(quoted(detail)) if detail else "",
                safe(quoted(error)) if error else "",
            )
            if what[0] in _ALIKE:
                if len(self._stages) >= MOST_KINDS:
                    self._stages.clear()
                self._stages[what] = known
        return known

    def births(self, trace: Trace) -> list[str]:
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
            if len(self._births) >= MOST_KINDS:
                self._births.clear()
            self._births[key] = known = self._birth(kind, number, label, 0)
        return known

    def _birth(self, kind: str, number: int, label: Any, home: int) -> str:
        """The row of one birth, with a place for its token."""
        cls = self.assembly.class_name(number)
        row = dumps(birth_row(birth(0, kind, cls, label, 0, home), 0, home))
        return f"[%d{safe(row.removeprefix('[0'))}"


def safe(text: str) -> str:
    """A text that stands for itself in a form."""
    return text.replace("%", "%%")


def number(value: Any) -> str:
    """A number or null; whatever else an application has put there, as JSON has it."""
    return str(value) if type(value) is int else "null" if value is None else dumps(value)
