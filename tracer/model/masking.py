"""Finished traces become recorded requests: those that are alike together, and masked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from tracer.model.privacy import Privacy, remember
from tracer.model.recorded import Kind, RecordedRequests, What
from tracer.model.trace import Trace

_Kept = tuple[tuple[What, ...], tuple[Kind, ...], tuple[int, ...]]
"""Stages, what was built, and what was seen: the same object in traces that are alike."""
_NONE: Final[tuple[RecordedRequests | None, int, None]] = None, 0, None


class _Columns(NamedTuple):
    """Columns of a trace, and what may be kept of them."""

    raw: tuple[list[Any], ...]
    kept: _Kept


def _raise(error: Exception) -> None:
    raise error


class Masking:
    """Makes recorded requests of finished traces."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy
        self._newest: dict[Any, _Columns] = {}
        """Of the newest request of each likeness."""

    def recorded(
        self,
        traces: Iterable[Trace],
        standing: Sequence[int] = (),
        price: Callable[[Trace], int] = lambda _trace: 0,
        fault: Callable[[Exception], None] = _raise,
    ) -> list[RecordedRequests]:
        """Returns what may be kept of traces, those that are alike together.

        `standing` are tokens of objects that every request uses, `price` returns
        `Request.watching`. A trace of which nothing can be made goes to `fault` and costs no other.
        """
        # Each with its columns: what is known by its address must live.
        alike: dict[Any, tuple[RecordedRequests, int, _Kept]] = {}
        found: list[RecordedRequests] = []
        for trace in traces:
            try:
                tokens, marks = _tokens_and_marks(trace.births)
                columns = self._columns(trace, tokens, standing)
                key = (
                    id(columns), trace.path, trace.method, trace.script, trace.query, trace.status,
                    trace.thread,
                )  # fmt: skip
                several, highest, _ = alike.get(key, _NONE)
                is_usual = _is_usual(trace)
                # What one saw those that join it must not have built themselves.
                if several is None or not is_usual or (tokens and highest >= tokens[0]):
                    several = self._first(trace, columns, tokens, price(trace))
                    found.append(several)
                    highest = max(several.seen, default=0)
                    if is_usual and not (tokens and highest >= tokens[0]):
                        alike[key] = several, highest, columns
            except Exception as error:
                fault(error)
            else:
                _add(several, trace, tokens, marks)
        return found

    def _first(
        self, trace: Trace, columns: _Kept, tokens: list[int], watching: int
    ) -> RecordedRequests:
        """Returns what the first of several requests has in common with the others."""
        made = RecordedRequests(
            str(trace.method or ""), self.privacy.path(trace), trace.status, trace.thread, *columns,
            watching,
        )  # fmt: skip
        made.ending, made.uncounted = trace.ending, trace.uncounted
        if not trace.single:
            self._add_threads(made, trace, tokens)
        if trace.modules is not None:
            names = dict.fromkeys(trace.modules)
            made.imports = [name for name in names if name in sys.modules]
        if trace.by_import is not None:
            made.by_import = _by_import(made, tokens, trace.by_import)
        return made

    def _columns(self, trace: Trace, tokens: list[int], standing: Sequence[int]) -> _Kept:
        """Returns what the stages were, what was built, and what was seen; the same object again if
        the newest request like this one had the same."""
        events, births = trace.events, trace.births
        raw = (
            events[2::3], births[2::5], births[3::5], births[4::5], [*trace.seen, *standing],
        )  # fmt: skip
        likeness = trace.view, len(events), len(births)
        newest = self._newest.get(likeness)
        if newest is not None and newest.raw == raw:
            return newest.kept
        whats = self.privacy.stages(_by_place(raw[0], tokens, trace.first))
        kinds = self.privacy.kinds(*raw[1:4])
        seen = tuple(raw[4])
        if newest is not None and newest.kept == (whats, kinds, seen):
            # Alike but for what it built itself, which stands there by its place.
            newest = _Columns(raw, newest.kept)
        else:
            newest = _Columns(raw, (whats, kinds, seen))
        remember(self._newest, likeness, newest)
        return newest.kept

    def _add_threads(self, made: RecordedRequests, trace: Trace, tokens: list[int]) -> None:
        home = trace.thread
        marks: tuple[Any, ...] = made.seen
        pairs = [(mark, home) if type(mark) is int else mark for mark in marks]
        made.seen, made.seen_on = tuple([each for each, _ in pairs]), [on for _, on in pairs]
        if trace.other_threads:
            made.threads = [home] * len(made.whats)
            made.threads += [thread for thread, *_ in trace.other_threads]
            others = [what for *_, what in trace.other_threads]
            made.whats += self.privacy.stages(_by_place(others, tokens, trace.first))


def _tokens_and_marks(births: list[Any]) -> tuple[list[int], list[int]]:
    tokens, marks = births[1::5], births[0::5]
    try:
        # Fails where anything lives: a reference cannot be added.
        sum(marks)
    except TypeError:
        marks = [mark if type(mark) is int else 0 for mark in marks]
    return tokens, marks


def _is_usual(trace: Trace) -> bool:
    """Whether others may join it: all happened on its thread, and there is no more to say of it."""
    return (
        trace.single
        and trace.ending == "closed"
        and not trace.uncounted
        and trace.modules is None
        and trace.by_import is None
    )


def _add(several: RecordedRequests, trace: Trace, tokens: list[int], marks: list[int]) -> None:
    """Adds a trace to requests that are like it."""
    several.numbers.append(trace.number)
    several.begun.append(trace.begun)
    several.closed.append(trace.closed)
    several.sizes.append(trace.size)
    several.viewed.append(trace.viewed)
    several.responded.append(trace.responded)
    several.starts += trace.events[0::3]
    several.ends += trace.events[1::3]
    several.tokens += tokens
    several.marks += marks
    if trace.other_threads:
        several.starts += [start for _, start, _, _ in trace.other_threads]
        several.ends += [end for _, _, end, _ in trace.other_threads]


def _by_place(whats: list[What], tokens: list[int], first: int) -> tuple[What, ...]:
    """Returns stages in which what the request built itself is named by its place.

    So they are the same in each request for a page, though each opens a connection of its own.
    `first`: the request's first token.
    """
    return tuple(
        [
            what
            if (token := what[1]) is None or token < first or token not in tokens
            else (what[0], -1 - tokens.index(token), *what[2:])
            for what in whats
        ]
    )


def _by_import(
    made: RecordedRequests, tokens: list[int], imports: Iterable[tuple[str, int, int, int]]
) -> list[tuple[str, list[int]]]:
    """Returns what imports built, as in `RecordedRequest.by_import`.

    An import that ran inside another is reported before it, and what it built is its own.
    """
    found = []
    taken: set[int] = set()
    for module, thread, first, last in imports:
        built = slice(first // 5, last // 5)
        its_own = [
            token
            for token, kind in zip(tokens[built], made.kinds[built], strict=True)
            if token not in taken and (made.thread if kind[3] is None else kind[3]) == thread
        ]
        taken.update(its_own)
        if its_own:
            found.append((module, its_own))
    return found
