"""Adds requests to a history that were counted instead of being remembered one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.model import History
from tracer.model import scope as scopes
from tracer.model.assemble import birth
from tracer.model.objects import ClassCounts
from tracer.runtime.counts import Counts


def report(
    counts: Counts, standing: Sequence[int], class_names: Mapping[int, str], history: History
) -> None:
    """Adds counts to a history; `standing` are tokens of objects that every request uses."""
    _report_ledger(counts, class_names, history)
    for (thread, older), (count, newest) in counts.used.items():
        pairs = {(mark, thread) if isinstance(mark, int) else mark for mark in older}
        pairs.update((token, thread) for token in standing)
        history.objects.count_uses(pairs, count, newest)
    history.count_requests(counts.served, sorted(counts.begins), counts.pages, counts.survivors)


def _report_ledger(counts: Counts, class_names: Mapping[int, str], history: History) -> None:
    """Adds what was built and freed to the ledger's rows."""
    rows: dict[tuple[str, int], ClassCounts] = {}
    for (kinds, classes), built in counts.built.items():
        pairs = list(zip(kinds, classes, strict=True))
        for pair in set(pairs):
            if pair not in rows:
                kind, number = pair
                rows[pair] = _row(kind, class_names[number], counts, history)
            rows[pair].requests += built.requests
        ended = zip(pairs, built.by_reference, built.by_collector, strict=True)
        for pair, by_reference, by_collector in ended:
            row = rows[pair]
            for freed, count in (("response", by_reference), ("collector", by_collector)):
                if count:
                    row.built += count
                    row.freed[freed] += count
                    row.scopes[scopes.REQUEST] += count


def _row(kind: str, cls: str, counts: Counts, history: History) -> ClassCounts:
    row = history.objects.ledger.classes.get((kind, cls))
    if row is None:
        number, at, thread = counts.first
        row = history.objects.ledger.counts_of(birth(0, kind, cls, None, at, thread), number)
    return row
