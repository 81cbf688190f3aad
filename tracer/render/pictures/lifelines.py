"""The lifelines of one process: one row per object, one column per request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tracer.model import Process, scope
from tracer.render.layout import lifeline_rows, lifetime_words, theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.layout.lifeline_columns import Columns, early
from tracer.render.pictures.picture import Picture

ROWS: Final = 40
"""About so many rows are drawn; what the others stand for is told below."""
NARROW: Final = 100
"""Below this width, what was there before tracing shares the column of what was built at boot."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand, in characters."""

    label: int
    starts: tuple[int, ...]
    """Of each column of time, and of the end; from the chart's left edge."""
    said: int

    @property
    def chart(self) -> int:
        """Width of the chart, with the arrow heads at its right edge."""
        return self.starts[-1] + 1


class Lifelines(Picture):
    """Draws who lived how long in one process, for its latest requests."""

    def __init__(self, process: Process, last: int = 12) -> None:
        """`last`: how many requests get a column, at most."""
        self.process = process
        self.last = last

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        yield self._title(width)
        columns, layout, shown, hidden, gone = self._arranged(width)
        yield self._head(columns, layout)
        for row in shown:
            yield self._row(row, columns, layout)
        yield from pack(self._notes(hidden, gone, columns), width)
        yield from pack(self._legend(), width)

    def _arranged(
        self, width: int
    ) -> tuple[Columns, _Layout, list[lifeline_rows.Row], list[lifeline_rows.Row], int]:
        """Finds how many requests fit beside the labels, and lay the rows out for them."""
        process = self.process
        heads = early(process, width >= NARROW)
        before = [max(len(head) + 1, 6) for head in heads]
        label, said = width * 24 // 100, width * 36 // 100 if width >= NARROW else 24
        outside = sum(before)
        room = width - label - said - outside - 4
        count = max(min(self.last, room // 4), 1)
        if len(process.requests) > count or (process.requests and process.requests[0].number > 1):
            count = max(min(self.last, (room - 3) // 4), 1)
        requests = process.requests[-count:]
        cut = bool(requests) and requests[0].number > 1
        columns = Columns.of(requests, heads, cut)
        found, gone = lifeline_rows.rows(process, columns)
        shown, hidden = lifeline_rows.select(found, ROWS)
        label = min(label, max((len(_label(row)) for row in shown), default=0))
        said = min(
            said,
            max((len(lifetime_words.lives_for(process, row, said)) for row in shown), default=0),
        )
        room = width - label - said - outside - 7
        each = min(max(room // max(len(requests), 1), 4), 8)
        widths = before + [3] * cut + [each] * len(requests)
        starts = tuple(sum(widths[:index]) for index in range(len(widths) + 1))
        # What the chart does not need goes to the words.
        said = max(width - label - starts[-1] - 6, 8)
        return columns, _Layout(label, starts, said), shown, hidden, gone

    def _title(self, width: int) -> Line:
        about = self.process.about
        line = Line().add(" ").add(f"Lifelines of process {self.process.name}", "title")
        server = wording.clean(f"{about.server} {about.mode}".strip())
        served = wording.many(self.process.served, "request")
        for text in (server, served, "one column per request"):
            if text and line.width + 3 + len(text) <= width:
                line.add(f" · {text}", "dim")
        return line

    def _head(self, columns: Columns, layout: _Layout) -> Line:
        line = Line().add(" ").to(layout.label + 3)
        for head, start in zip(columns.heads, layout.starts, strict=False):
            line.to(layout.label + 3 + start).add(head, "column")
        return line.to(layout.label + 3 + layout.chart + 1).add("lives for", "column")

    def _row(self, row: lifeline_rows.Row, columns: Columns, layout: _Layout) -> Line:
        style = theme.scope_style(row.scope)
        line = Line().add(" ").to(1 + 2 * row.depth)
        line.add(wording.crop(_label(row), layout.label + 1 - line.width), "name")
        line.to(layout.label + 3)
        cells = _chart(row, columns, layout)
        for drawn, run in groupby(cells, key=lambda char: char not in "┊ "):
            line.add("".join(run), style if drawn else "grid")
        return line.add(" ").fit(
            lifetime_words.lives_for(self.process, row, layout.said), layout.said, style
        )

    def _notes(
        self, hidden: list[lifeline_rows.Row], gone: int, columns: Columns
    ) -> list[tuple[str, str]]:
        pieces: list[tuple[str, str]] = []
        if hidden:
            objects = Counter(row.scope for row in hidden for _ in row.lives)
            told = ", ".join(
                f"{count} {theme.scope_word(verdict)}" for verdict, count in objects.items()
            )
            style = "alarm" if scope.KEPT in objects else "dim"
            rows = wording.many(len(hidden), "more kind")
            pieces.append((f"and {rows} in the ledger: {told}", style))
        if gone:
            count = wording.many(gone, "object")
            pieces.append((f"{count} lived and died before #{columns.numbers[0]}", "dim"))
        if not self.process.lifetimes:
            pieces.append(("nothing was seen being built yet", "dim"))
        if any(barrier.by == "tracer" for barrier in self.process.barriers):
            pieces.append(
                (
                    "The tracer ran a full collection before drawing this, "
                    "so that what waits is told from what is held.",
                    "dim",
                )
            )
        return pieces

    def _legend(self) -> list[tuple[str, str]]:
        on = "▶ lived until the process ended" if self.process.ended else "▶ lives on"
        texts = ("● born", "○ freed", "━ used by a request", "─ alive but not used", on)
        return [(text, "dim") for text in texts]


def _label(row: lifeline_rows.Row) -> str:
    counted = not row.alone and " + " not in row.label
    count = f" {theme.TIMES} {len(row.lives)}" if counted else ""
    return wording.clean(row.label) + count


def _chart(row: lifeline_rows.Row, columns: Columns, layout: _Layout) -> list[str]:
    """Returns the row's lines, one character per cell."""
    starts = layout.starts
    cells = [" "] * layout.chart
    for start in starts[:-1]:
        cells[start] = "┊"
    for cohort in row.cohorts:
        left = starts[cohort.start]
        right = starts[-1] if cohort.end is None else starts[cohort.end + 1] - 2
        for column in range(cohort.start, len(starts) - 1):
            body = "━" if column in cohort.used else "─"
            for cell in range(starts[column], min(starts[column + 1], right + 1)):
                cells[cell] = body
        for column in cohort.births:
            cells[starts[column]] = "●"
        cells[left] = "●"
        cells[right] = "▶" if cohort.end is None else "○"
    return cells
