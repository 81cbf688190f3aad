"""Assembles requests from traces. Runs off the request's path, on finished requests only.

Tuples are made from lists here, never from generators: up to Python 3.13 the latter fail with a
SystemError when another thread calls `gc.get_objects()` meanwhile, as tools that look for leaks do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tracer.model import Birth, Request, Span, nesting, sql, stages
from tracer.model.facts import page_of
from tracer.model.privacy import masked_query
from tracer.model.recorded import LATE, Trace, What

Whole = tuple[int, int, int, str, "int | None", Any, Any, str]
"""(start, end, thread, stage, token, name, detail, error)"""
ROWS = "rows"
"""Not a stage: the number of rows that came for the statement before it on the same thread."""


class Assembly:
    """Makes requests of finished traces."""

    def __init__(
        self,
        show_query_values: bool,
        thread_name: Callable[[int], str],
        class_name: Callable[[int], str],
        cost: Callable[[Sequence[Trace]], list[int]],
        epoch: float = 0.0,
        signal_name: Callable[[int], str] = str,
        urlconf: Callable[[], str] = str,
        show_cache_keys: bool = False,
    ) -> None:
        """`cost` returns how many nanoseconds recording took, for each of several requests that are
        alike.

        `class_name` gives the dotted name of a class by its number, see `tracer.recorder.classes`;
        `signal_name` names a signal by its address, `urlconf` the project's own URLconf.
        """
        self.show_query_values = show_query_values
        self.thread_name = thread_name
        self.class_name = class_name
        self.cost = cost
        self.epoch = epoch
        self.signal_name = signal_name
        self.urlconf = urlconf
        self.show_cache_keys = show_cache_keys

    def request(self, trace: Trace, standing: Iterable[int] = ()) -> Request:
        """Returns a finished request; `standing` are tokens of objects that every request uses."""
        seen = dict.fromkeys(
            (item, trace.thread) if isinstance(item, int) else item
            for item in (*trace.seen, *standing)
        )
        events = whole(trace)
        for event in events:
            if event[4] is not None:
                seen[event[4], event[2]] = None
        return Request(
            number=trace.number,
            method=str(trace.method or ""),
            path=self.path(trace),
            status=trace.status,
            thread=trace.thread,
            thread_name=self.thread_name(trace.thread),
            ident=trace.ident,
            started=self.epoch + trace.begun / 1e9,
            begun=trace.begun,
            closed=trace.closed,
            size=trace.size,
            watching=self.cost([trace])[0],
            spans=self._spans(events, trace.begun),
            births=(*self.births(trace, trace.begun),),
            seen=tuple(sorted(seen)),
            imports=self.imports(trace),
            by_import=by_import(trace),
            ending=trace.ending,
            uncounted=trace.uncounted,
        )

    def page(self, trace: Trace) -> str:
        """Returns what was asked for, as `Request.page`."""
        return page_of(str(trace.method or ""), self.path(trace))

    def births(self, trace: Trace, at: int) -> Iterator[Birth]:
        """Yields what a finished request built, as facts dated `at`."""
        for _, token, kind, number, details in grouped(trace.births, 5):
            yield birth(token, kind, self.class_name(number), details, at, trace.thread)

    def imports(self, trace: Trace) -> tuple[str, ...]:
        """Returns the modules that it imported and that are there still."""
        names = dict.fromkeys(trace.modules or ())
        return tuple([name for name in names if name in sys.modules])

    def path(self, trace: Trace) -> str:
        """Returns path and query string, the query's values masked unless they may be shown."""
        path = f"{trace.script or ''}{trace.path or ''}"
        if not trace.awaited:
            path = _as_typed(path)
        query = str(trace.query or "")
        if not query:
            return path
        return f"{path}?{query if self.show_query_values else masked_query(query)}"

    def _spans(self, events: list[Any], begun: int) -> tuple[Span, ...]:
        events = with_rows(events)
        intervals = [event[:4] for event in events]
        order = nesting.order(intervals)
        events = [events[index] for index in order]
        parents = nesting.parents([intervals[index] for index in order])
        both = zip(events, parents, strict=True)
        return tuple([self._span(event, parent, begun) for event, parent in both])

    def _span(self, event: Whole, parent: int | None, begun: int) -> Span:
        start, end, thread, _, token, _, _, error = event
        stage, name, detail = self.words(event[3:])
        return Span(stage, name, parent, start - begun, end - begun, token, thread, detail, error)

    def words(self, what: What) -> tuple[str, str, str]:
        """Returns a whole stage as (stage, name, detail), for people to read."""
        stage, token, name, detail, _ = what
        if stage == stages.QUERY:
            alias, rows = detail
            name, transactional = sql.describe(name)
            if transactional:
                stage, detail = stages.TRANSACTION, alias
            else:
                detail = f"{alias} · {_count(rows)}" if rows >= 0 else alias
        elif stage == stages.CACHE:
            key, outcome = detail
            name = f"{name} {key}" if key is not None and self.show_cache_keys else name
            detail = outcome
        elif stage in _SIGNALS:
            signal, (sender, receivers) = name, detail
            name = stage if stage != stages.SIGNAL else self.signal_name(signal)
            names = ", ".join(receiver.rpartition(".")[2] for receiver in receivers)
            detail = (
                f"from {sender} · {len(receivers)} receiver{'s'[: len(receivers) > 1]}: {names}"
            )
        elif stage == stages.RESOLVE:
            where = f"in {detail or self.urlconf()}"
            if type(name) is tuple:
                path, route, url_name = name
                named = f" · name {url_name}" if url_name else ""
                name, where = path, f"route {route!r}{named} · {where}"
            detail = where
        elif stage == stages.VIEW:
            path = name[0] if name is not None else "view"
            method, defined = detail
            word = str(method).lower()
            # A class without a method of this name answers that it is not allowed.
            name = f"{path}.{word}" if word in defined else path
            detail = "new instance" if token is not None else ""
        elif stage == stages.COLLECTION:
            name, detail = f"generation {name}", f"{detail} freed"
        return stage, name, str(detail)


_SIGNALS = frozenset({stages.SIGNAL, stages.REQUEST_STARTED, stages.REQUEST_FINISHED})


def _as_typed(path: str) -> str:
    """Returns a path as typed. A WSGI server passes its bytes, each as one character."""
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path


def whole(trace: Trace) -> list[Whole]:
    """Returns a trace's stages, each with what the trace alone knows of it."""
    home = trace.thread
    found: list[Whole] = [
        (start, end, home, *completed(trace, what)) for start, end, what in grouped(trace.events, 3)
    ]
    if trace.other_threads:
        found += [
            (start, end, thread, *completed(trace, what))
            for thread, start, end, what in trace.other_threads
        ]
    return found


def completed(trace: Trace, what: What) -> What:
    """Returns a stage with what the trace knows of it and the stage does not."""
    stage, token, name, detail, error = what
    if stage == stages.VIEW:
        token = trace.viewed if token == LATE else token
        return stage, token, name, (trace.method, detail), error
    if stage == stages.RESPONSE and token == LATE:
        return stage, trace.responded, name, detail, error
    if stage != stages.RESOLVE:
        return what
    where, before = detail
    asked_first = trace.seen[before : before + 1]
    for mark in asked_first:
        token = mark if isinstance(mark, int) else mark[0]
    return stage, token, name, where, error


def by_import(trace: Trace) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Returns what imports built in a request, as in `Request.by_import`.

    An import that ran inside another is reported before it, and what it built is its own.
    """
    found = []
    taken: set[int] = set()
    for module, thread, first, last in trace.by_import or ():
        tokens = [
            token
            for _, token, _, _, details in grouped(trace.births[first:last], 5)
            if token not in taken and _thread(details, trace.thread) == thread
        ]
        taken.update(tokens)
        if tokens:
            found.append((module, tuple(tokens)))
    return tuple(found)


def _thread(details: Any, home: int) -> int:
    """Returns the thread of a raw birth."""
    return details[1] if type(details) is tuple else home


def grouped(flat: Sequence[Any], size: int) -> list[Any]:
    """Regroups a flat list into tuples."""
    return list(zip(*[iter(flat)] * size, strict=True))


def birth(
    token: int, kind: str, cls: str, details: Any, at: int, thread: int = 0, phase: str = "request"
) -> Birth:
    """Returns a raw birth as a fact. `cls` is the class's dotted name, `thread` where it happened
    unless `details` says otherwise."""
    label, thread, owner, mortal = (
        details if type(details) is tuple else (details, thread, None, True)
    )
    if kind == "lazy" and label:
        label = f"lazy object of {label.partition('.<locals>')[0]}"
    name = label or cls.rpartition(".")[2]
    if kind == "view" and not name.lower().endswith("view"):
        name = f"{name} view"
    return Birth(token, kind, cls, name, at, thread, phase, owner, mortal)


def with_rows(events: list[Whole]) -> list[Whole]:
    """Folds row counts into their statements, and a statement that only begins into its BEGIN."""
    out: list[Whole] = []
    newest: dict[int, int] = {}
    for event in events:
        thread, stage = event[2], event[3]
        if stage == ROWS:
            index = newest.pop(thread, None)
            if index is not None:
                found = out[index]
                out[index] = (*found[:6], (found[6][0], event[5]), found[7])
            continue
        if stage == stages.QUERY:
            newest[thread] = len(out)
        elif stage == stages.TRANSACTION and event[5] == "BEGIN":
            # SQLite begins by a statement of its own, inside: the two are one.
            index = newest.get(thread, -1)
            if index == len(out) - 1 and index >= 0 and out[index][0] >= event[0]:
                out.pop()
        out.append(event)
    return out


def _count(rows: Any) -> str:
    return f"{rows} row" if rows == 1 else f"{rows} rows"
