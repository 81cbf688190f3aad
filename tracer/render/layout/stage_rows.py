"""From a request's spans to the rows of its timeline: nested, in order, runs of equals folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Span, stages

RUN: Final = 5
"""Equal stages in a row from which on they are folded."""
FIRST: Final = 2
"""How many of a folded run are still drawn one by one."""
PERIOD: Final = 3
"""Up to so many different stages taking turns count as a run: a query for each row of a list."""
ROWS: Final = 70
"""Rows of one timeline; of more, the longest are drawn and the others counted."""

_KINDLESS: Final = frozenset({stages.IMPORT, stages.COLLECTION})
"""Stages whose neighbours are alike whatever their names are."""


@dataclass(slots=True)
class Node:
    """A span with the spans that ran inside it."""

    span: Span
    depth: int = 0
    children: list[Node] = field(default_factory=list)
    shape: int = 0
    """Equal for nodes that look alike, with everything inside them."""


@dataclass(slots=True)
class Row:
    """One row of the picture: one stage, or the rest of a run of equal ones."""

    node: Node
    folded: tuple[Span, ...] = ()
    """The spans of the run that this row stands for; empty for a stage of its own."""
    times: int = 0
    """How often the folded run repeats beyond what is drawn one by one."""


def tree(spans: Sequence[Span]) -> list[Node]:
    """Returns the outermost stages, in order of their start."""
    nodes = [Node(span) for span in spans]
    roots = []
    for index, node in enumerate(nodes):
        parent = node.span.parent
        if parent is not None and 0 <= parent < len(nodes) and _outside(nodes, parent, index):
            nodes[parent].children.append(node)
        else:
            roots.append(node)
    _arrange(roots)
    return roots


def _outside(nodes: Sequence[Node], parent: int, index: int) -> bool:
    """Whether walking up from `parent` ends without meeting `index`: a journal may be damaged."""
    at: int | None = parent
    for _ in range(len(nodes)):
        if at is None or not 0 <= at < len(nodes):
            return True
        if at == index:
            return False
        at = nodes[at].span.parent
    return False


def _arrange(roots: list[Node]) -> None:
    """Orders children by their start, set depths, and number the shapes from the leaves up."""
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
        name = "" if span.stage in _KINDLESS else span.name
        inside = tuple([child.shape for child in node.children])
        key = span.stage, name, span.thread, span.error, inside
        node.shape = shapes.setdefault(key, len(shapes) + 1)


def _start(node: Node) -> int:
    return node.span.start


def rows(roots: Sequence[Node]) -> list[Row]:
    """Returns the rows in the order in which they are drawn, with runs of equal stages folded."""
    found: list[Row] = []
    stack: list[Row] = _fold(roots)[::-1]
    while stack:
        row = stack.pop()
        found.append(row)
        if not row.folded and row.node.children:
            stack.extend(reversed(_fold(row.node.children)))
    return found


def _fold(siblings: Sequence[Node]) -> list[Row]:
    if len(siblings) < RUN:
        return [Row(node) for node in siblings]
    found: list[Row] = []
    index = 0
    while index < len(siblings):
        period, times = _run(siblings, index)
        if times < RUN:
            found.append(Row(siblings[index]))
            index += 1
            continue
        shown = index + FIRST * period
        found.extend(Row(node) for node in siblings[index:shown])
        index += times * period
        folded = siblings[shown:index]
        for offset in range(period):
            spans = tuple(node.span for node in folded[offset::period])
            found.append(Row(folded[offset], spans, len(spans)))
    return found


def _run(siblings: Sequence[Node], start: int) -> tuple[int, int]:
    """Returns the period and the number of repetitions of the run that begins here."""
    for period in range(1, PERIOD + 1):
        index = start + period
        while index < len(siblings) and siblings[index].shape == siblings[index - period].shape:
            index += 1
        times = (index - start) // period
        if times >= RUN:
            return period, times
    return 1, 1


def longest(found: list[Row], limit: int = ROWS) -> tuple[list[Row], int]:
    """Returns at most `limit` rows, and how many were left out: the shortest without errors.

    A row stays if anything drawn inside it stays, so that the nesting can still be read.
    """
    if len(found) <= limit:
        return found, 0
    weights: list[tuple[bool, int]] = []
    for row in found:
        span = row.node.span
        weights.append((bool(span.error), max(span.end - span.start, 0)))
    # An enclosing stage weighs no less than what is inside it.
    path: list[int] = []
    for index, row in enumerate(found):
        del path[row.node.depth :]
        for outer in path:
            weights[outer] = max(weights[outer], weights[index])
        path.append(index)
    best = sorted(range(len(found)), key=lambda i: (weights[i], -i), reverse=True)[:limit]
    return [found[index] for index in sorted(best)], len(found) - limit
