"""Chooses the rows of a timeline: stages nested and in order, with runs of similar ones folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Span, stages

MIN_RUN: Final = 5
"""A run of at least so many similar stages is folded."""
SHOWN_OF_RUN: Final = 2
"""How many stages of a folded run are drawn one by one."""
MAX_PERIOD: Final = 3
"""Up to so many stages that alternate are a run, such as queries for each row of a list."""
MAX_ROWS: Final = 70
"""At most so many rows are drawn, the longest ones; the others are counted."""

_ALIKE_WHATEVER_NAME: Final = frozenset({stages.IMPORT, stages.COLLECTION})
"""Stages that are similar whatever their names are."""


@dataclass(slots=True)
class StageNode:
    """A span with the spans that ran inside it."""

    span: Span
    depth: int = 0
    children: list[StageNode] = field(default_factory=list)
    shape: int = 0
    """A number that similar nodes share, whose nested nodes are similar, too."""


@dataclass(slots=True)
class StageRow:
    """One row of a timeline: one stage, or the rest of a run of similar ones."""

    node: StageNode
    folded: tuple[Span, ...] = ()
    """The spans of the run that this row stands for; empty for a stage of its own."""
    times: int = 0
    """How often the folded run repeats beyond what is drawn one by one."""


def rows_of(spans: Sequence[Span]) -> tuple[list[StageRow], int]:
    """Returns the rows in the order in which they are drawn, and how many are left out."""
    return _longest(_fold_runs(_tree(spans)))


def _tree(spans: Sequence[Span]) -> list[StageNode]:
    """Returns the outermost stages, in order of their start."""
    nodes = [StageNode(span) for span in spans]
    roots = []
    for index, node in enumerate(nodes):
        parent = node.span.parent
        if parent is not None and 0 <= parent < len(nodes) and _has_no_circle(nodes, parent, index):
            nodes[parent].children.append(node)
        else:
            roots.append(node)
    _arrange(roots)
    return roots


def _has_no_circle(nodes: Sequence[StageNode], parent: int, index: int) -> bool:
    """Whether the way up from `parent` does not lead to `index`, as in a damaged journal."""
    at: int | None = parent
    for _ in range(len(nodes)):
        if at is None or not 0 <= at < len(nodes):
            return True
        if at == index:
            return False
        at = nodes[at].span.parent
    return False


def _arrange(roots: list[StageNode]) -> None:
    """Orders children by their start, sets depths, and numbers shapes from the leaves up."""
    ordered = []
    stack = [(root, 0) for root in roots]
    while stack:
        node, depth = stack.pop()
        node.depth = depth
        if len(node.children) > 1:
            node.children.sort(key=_start)
        ordered.append(node)
        stack.extend((child, depth + 1) for child in node.children)
    roots.sort(key=_start)
    shapes: dict[object, int] = {}
    for node in reversed(ordered):
        span = node.span
        name = "" if span.stage in _ALIKE_WHATEVER_NAME else span.name
        inside = tuple([child.shape for child in node.children])
        key = span.stage, name, span.thread, span.error, inside
        node.shape = shapes.setdefault(key, len(shapes) + 1)


def _start(node: StageNode) -> int:
    return node.span.start


def _fold_runs(roots: Sequence[StageNode]) -> list[StageRow]:
    """Returns the rows in the order in which they are drawn, with runs of alike stages folded."""
    found: list[StageRow] = []
    stack: list[StageRow] = _fold(roots)[::-1]
    while stack:
        row = stack.pop()
        found.append(row)
        if not row.folded and row.node.children:
            stack.extend(reversed(_fold(row.node.children)))
    return found


def _fold(siblings: Sequence[StageNode]) -> list[StageRow]:
    if len(siblings) < MIN_RUN:
        return [StageRow(node) for node in siblings]
    found: list[StageRow] = []
    index = 0
    while index < len(siblings):
        period, times = _find_run(siblings, index)
        if times < MIN_RUN:
            found.append(StageRow(siblings[index]))
            index += 1
            continue
        shown = index + SHOWN_OF_RUN * period
        found.extend(StageRow(node) for node in siblings[index:shown])
        index += times * period
        folded = siblings[shown:index]
        for offset in range(period):
            spans = tuple(node.span for node in folded[offset::period])
            found.append(StageRow(folded[offset], spans, len(spans)))
    return found


def _find_run(siblings: Sequence[StageNode], start: int) -> tuple[int, int]:
    """Returns how many stages alternate in the run that begins here, and how often."""
    for period in range(1, MAX_PERIOD + 1):
        index = start + period
        while index < len(siblings) and siblings[index].shape == siblings[index - period].shape:
            index += 1
        times = (index - start) // period
        if times >= MIN_RUN:
            return period, times
    return 1, 1


def _longest(found: list[StageRow], limit: int = MAX_ROWS) -> tuple[list[StageRow], int]:
    """Returns at most `limit` rows, and how many are left out: the shortest without errors.

    A row is drawn if any row nested in it is, so that the nesting stays readable.
    """
    if len(found) <= limit:
        return found, 0
    weights: list[tuple[bool, int]] = []
    for row in found:
        span = row.node.span
        weights.append((bool(span.error), max(span.end - span.start, 0)))
    # An enclosing stage weighs at least as much as any stage nested in it.
    path: list[int] = []
    for index, row in enumerate(found):
        del path[row.node.depth :]
        for outer in path:
            weights[outer] = max(weights[outer], weights[index])
        path.append(index)
    best = sorted(range(len(found)), key=lambda i: (weights[i], -i), reverse=True)[:limit]
    return [found[index] for index in sorted(best)], len(found) - limit
