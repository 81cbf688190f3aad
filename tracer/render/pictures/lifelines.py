"""The lifelines of one process: one row per object, one column per request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tracer.model import Process, scope
from tracer.render.layout import theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.layout.lifeline_columns import LifelineColumns, early_heads
from tracer.render.layout.lifeline_rows import LifelineRow, build_rows, select_rows
from tracer.render.layout.lifetime_words import describe_lifetimes
from tracer.render.pictures.picture import Picture

ROWS: Final = 40
"""About so many rows are drawn; a line below the picture counts the others."""
NARROW: Final = 100
"""Below this width, objects that existed before tracing share the column of boot."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand, in characters."""

    label: int
    """Width of the labels."""
    starts: tuple[int, ...]
    """Where each column of time starts, and the last one ends, from the chart's left edge."""
    words: int
    """Width of the words at the end of each row."""

    @property
    def chart(self) -> int:
        """Width of the chart, including the arrow heads at its right edge."""
        return self.starts[-1] + 1


class Lifelines(Picture):
    """A picture of how long each object of one process lived, for its latest requests."""

    def __init__(self, process: Process, last: int = 12) -> None:
        """`last`: how many requests get a column, at most."""
        self.process = process
        self.last = last

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        columns = self._columns(width)
        rows, gone = build_rows(self.process, columns)
        shown, hidden = select_rows(rows, ROWS)
        layout = self._layout(width, columns, shown)
        yield self._title(width)
        yield self._head(columns, layout)
        for row in shown:
            yield self._row(row, columns, layout)
        yield from pack(self._notes(hidden, gone, columns), width)
        yield from pack(self._legend(), width)

    def _columns(self, width: int) -> LifelineColumns:
        """Returns columns for as many requests as there is room for beside the words."""
        requests = self.process.requests
        early = early_heads(self.process, width >= NARROW)
        room = width - _label_limit(width) - _words_limit(width) - sum(map(_head_width, early)) - 4
        count = max(min(self.last, room // 4), 1)
        if len(requests) > count or (requests and requests[0].number > 1):
            count = max(min(self.last, (room - 3) // 4), 1)
        shown = requests[-count:]
        return LifelineColumns.of(shown, early, bool(shown) and shown[0].number > 1)

    def _layout(self, width: int, columns: LifelineColumns, rows: Sequence[LifelineRow]) -> _Layout:
        """Returns where labels, columns and words stand: labels and words get what they need."""
        label = min(_label_limit(width), max((len(_label(row)) for row in rows), default=0))
        limit = _words_limit(width)
        needed = (len(describe_lifetimes(self.process, row, limit)) for row in rows)
        words = min(limit, max(needed, default=0))
        heads = columns.heads[: columns.first - columns.has_omitted]
        early = [_head_width(head) for head in heads]
        room = width - label - words - sum(early) - 7
        each = min(max(room // max(len(columns.numbers), 1), 4), 8)
        widths = early + [3] * columns.has_omitted + [each] * len(columns.numbers)
        starts = tuple(sum(widths[:index]) for index in range(len(widths) + 1))
        # The words get the room that the chart does not need.
        words = max(width - label - starts[-1] - 6, 8)
        return _Layout(label, starts, words)

    def _title(self, width: int) -> Line:
        about = self.process.about
        line = Line().add(" ").add(f"Lifelines of process {self.process.name}", "title")
        server = wording.clean(f"{about.server} {about.mode}".strip())
        served = wording.plural(self.process.served, "request")
        for text in (server, served, "one column per request"):
            if text and line.width + 3 + len(text) <= width:
                line.add(f" · {text}", "dim")
        return line

    def _head(self, columns: LifelineColumns, layout: _Layout) -> Line:
        line = Line().add(" ").to(layout.label + 3)
        for head, start in zip(columns.heads, layout.starts, strict=False):
            line.to(layout.label + 3 + start).add(head, "column")
        return line.to(layout.label + 3 + layout.chart + 1).add("lives for", "column")

    def _row(self, row: LifelineRow, columns: LifelineColumns, layout: _Layout) -> Line:
        style = theme.scope_style(row.scope)
        line = Line().add(" ").to(1 + 2 * row.depth)
        line.add(wording.crop(_label(row), layout.label + 1 - line.width), "name")
        line.to(layout.label + 3)
        cells = _chart(row, columns, layout)
        for drawn, run in groupby(cells, key=lambda char: char not in "┊ "):
            line.add("".join(run), style if drawn else "grid")
        return line.add(" ").fit(
            describe_lifetimes(self.process, row, layout.words), layout.words, style
        )

    def _notes(
        self, hidden: list[LifelineRow], gone: int, columns: LifelineColumns
    ) -> list[tuple[str, str]]:
        pieces: list[tuple[str, str]] = []
        if hidden:
            objects = Counter(row.scope for row in hidden for _ in row.lives)
            counts = ", ".join(
                f"{count} {theme.scope_word(verdict)}" for verdict, count in objects.items()
            )
            style = "alarm" if scope.KEPT in objects else "dim"
            rows = wording.plural(len(hidden), "more kind")
            pieces.append((f"and {rows} in the ledger: {counts}", style))
        if gone:
            count = wording.plural(gone, "object")
            pieces.append((f"{count} lived and died before #{columns.numbers[0]}", "dim"))
        if not self.process.lifetimes:
            pieces.append(("nothing was seen being built yet", "dim"))
        if any(barrier.by == "tracer" for barrier in self.process.barriers):
            pieces.append(
                (
                    "The tracer ran a full collection before drawing this, "
                    "to see which objects are held.",
                    "dim",
                )
            )
        return pieces

    def _legend(self) -> list[tuple[str, str]]:
        on = "▶ lived until the process ended" if self.process.ended else "▶ lives on"
        texts = ("● born", "○ freed", "━ used by a request", "─ alive but not used", on)
        return [(text, "dim") for text in texts]


def _head_width(head: str) -> int:
    return max(len(head) + 1, 6)


def _label_limit(width: int) -> int:
    return width * 24 // 100


def _words_limit(width: int) -> int:
    return width * 36 // 100 if width >= NARROW else 24


def _label(row: LifelineRow) -> str:
    counted = row.is_counted and " + " not in row.label
    count = f" {theme.TIMES} {len(row.lives)}" if counted else ""
    return wording.clean(row.label) + count


def _chart(row: LifelineRow, columns: LifelineColumns, layout: _Layout) -> list[str]:
    """Returns a row of the chart, one character per cell."""
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
