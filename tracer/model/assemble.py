"""Assembles requests, for those who look at them: in their process, or from a journal.

Tuples are made from lists here, never from generators: up to Python 3.13 the latter fail with a
SystemError when another thread calls `gc.get_objects()` meanwhile, as tools that look for leaks do.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from tracer.model import nesting, stages
from tracer.model.facts import Birth, Span
from tracer.model.recorded import Kind, RecordedRequest, What, completed
from tracer.model.requests import Request

Whole = tuple[int, int, int, str, "int | None", Any, Any, str]
"""(start, end, thread, stage, token, name, detail, error)"""
ROWS = "rows"
"""Not a stage: the number of rows that came for the statement before it on the same thread."""


def request(recorded: RecordedRequest, thread_name: str, started: float) -> Request:
    """Returns a request with its stages nested; `started` in seconds since the epoch."""
    begun = recorded.begun
    events = [(start - begun, end - begun, *rest) for start, end, *rest in _whole(recorded)]
    seen = recorded.used()
    seen.update([(token, thread) for _, _, thread, _, token, *_ in events if token])
    return Request(
        number=recorded.number,
        method=recorded.method,
        path=recorded.path,
        status=recorded.status,
        thread=recorded.thread,
        thread_name=thread_name,
        started=started,
        begun=begun,
        closed=recorded.closed,
        size=recorded.size,
        watching=recorded.watching,
        spans=_spans(recorded, events),
        births=tuple([birth_in(recorded, index) for index in range(len(recorded.tokens))]),
        seen=tuple(sorted(seen)),
        imports=tuple(recorded.imports),
        by_import=tuple([(module, tuple(tokens)) for module, tokens in recorded.by_import]),
        ending=recorded.ending,
        uncounted=recorded.uncounted,
    )


def birth_in(recorded: RecordedRequest, index: int) -> Birth:
    """Returns what a request built, by its place among all that it built."""
    several, place = recorded.several, recorded.place
    kinds = several.kinds
    token = several.tokens[place * len(kinds) + index]
    return birth(token, kinds[index], several.begun[place], several.thread)


def birth(token: int, what: Kind, at: int, thread: int = 0, phase: str = "request") -> Birth:
    """Returns a birth as a fact; `thread` is where it happened unless `what` says otherwise."""
    kind, cls, _, own_thread, owner, mortal = what
    thread = thread if own_thread is None else own_thread
    return Birth(token, kind, cls, name_of(what), at, thread, phase, owner, mortal)


@lru_cache(1024)
def name_of(what: Kind) -> str:
    """Returns what a person would call such an object."""
    kind, cls, label, *_ = what
    if kind == "lazy" and label:
        label = f"lazy object of {label.partition('.<locals>')[0]}"
    name = label or cls.rpartition(".")[2]
    if kind == "view" and not name.lower().endswith("view"):
        name = f"{name} view"
    return name


def _whole(recorded: RecordedRequest) -> list[Whole]:
    """Returns the stages, each with what the request alone knows of it."""
    threads = recorded.threads or [recorded.thread] * len(recorded.whats)
    both = zip(recorded.starts, recorded.ends, threads, recorded.whats, strict=True)
    return [(start, end, thread, *completed(recorded, what)) for start, end, thread, what in both]


def _spans(recorded: RecordedRequest, events: list[Whole]) -> tuple[Span, ...]:
    events = with_rows(events)
    intervals = [event[:4] for event in events]
    order = nesting.order(intervals)
    parents = nesting.parents([intervals[index] for index in order])
    return tuple(
        [
            _span(recorded.method, events[index], parent)
            for index, parent in zip(order, parents, strict=True)
        ]
    )


def _span(method: str, event: Whole, parent: int | None) -> Span:
    start, end, thread, _, token, _, _, error = event
    stage, name, detail = words(event[3:], method)
    return Span(stage, name, parent, start, end, token, thread, detail, error)


def words(what: What, method: str) -> tuple[str, str, str]:
    """Returns a whole stage as (stage, name, detail), for people to read."""
    stage, token, name, detail, _ = what
    if type(name) is str and type(detail) is str:
        return stage, name, detail
    if stage == stages.QUERY:
        name, transactional = name
        alias, rows = detail
        if transactional:
            stage, detail = stages.TRANSACTION, alias
        else:
            detail = f"{alias} · {_count(rows)}" if rows >= 0 else alias
    elif stage == stages.CACHE:
        key, detail = detail
        name = f"{name} {key}" if key is not None else name
    elif stage in _SIGNALS:
        sender, receivers = detail
        names = ", ".join(receiver.rpartition(".")[2] for receiver in receivers)
        detail = f"from {sender} · {len(receivers)} receiver{'s'[: len(receivers) > 1]}: {names}"
    elif stage == stages.RESOLVE:
        detail = f"in {detail[0]}"
        if type(name) is tuple:
            name, route, url_name = name
            named = f" · name {url_name}" if url_name else ""
            detail = f"route {route!r}{named} · {detail}"
    elif stage == stages.VIEW:
        path, word = name[0] if name is not None else "view", method.lower()
        # A class without a method of this name answers that it is not allowed.
        name = f"{path}.{word}" if word in detail else path
        detail = "new instance" if token is not None else ""
    elif stage == stages.COLLECTION:
        name, detail = f"generation {name}", f"{detail} freed"
    return stage, name, str(detail)


_SIGNALS = frozenset({stages.SIGNAL, stages.REQUEST_STARTED, stages.REQUEST_FINISHED})


def with_rows(events: Iterable[Whole]) -> list[Whole]:
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
