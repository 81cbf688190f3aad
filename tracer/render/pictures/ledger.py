"""The ledger of one process: its objects counted by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tracer.model import LedgerRow, Process, scope
from tracer.render.layout import theme, wording
from tracer.render.layout.canvas import Line
from tracer.render.pictures.picture import Picture

FREED: Final = {
    "response": ("with the response", "response"),
    "later": ("late, let go", "late"),
    "owner": ("by its owner", "owner"),
    "collector": ("by the collector", "collector"),
    "thread": ("with its thread", "thread"),
    "process": ("with the process", "process"),
}
"""How objects were freed: in words, and in one word."""

_RANK = {verdict: index for index, verdict in enumerate(scope.SCOPES)}


class Ledger(Picture):
    """A picture of how many objects of each class a process built, and what became of them."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        rows = sorted(self.process.ledger, key=_order)
        line = Line().add(" ").add(f"Ledger of process {self.process.name}", "title")
        served = wording.plural(self.process.served, "request")
        kinds = wording.plural(len(rows), "kind of object", "kinds of objects")
        yield line.add(f" · {served} · {kinds}", "dim")
        names = _names(rows)
        name = min(max(map(len, names), default=6), width * 26 // 100)
        wide = width >= 100
        needed = max((_lives(row).width for row in rows), default=0)
        lives = max(min(needed, 33 if wide else width - name - 38), 10)
        line = Line().add(" ").fit("object", name, "column")
        for head in ("built", "alive"):
            line.right(head, 7, "column")
        line.add("  ").fit("lives for", lives, "column").add("  ")
        line.fit("first in", 10, "column").right("requests", 9, "column")
        yield line.add("  freed", "column") if wide else line
        for row, label in zip(rows, names, strict=True):
            line = Line().add(" ").fit(label, name)
            line.right(f"{row.built:,}", 7).right(f"{row.alive:,}" if row.alive else "-", 7, "dim")
            yield self._rest(line.add("  "), row, lives, width if wide else 0)

    def _rest(self, line: Line, row: LedgerRow, lives: int, width: int) -> Line:
        end = line.width + lives
        for text, style in _lives(row).pieces:
            line.add(wording.crop(text, end - line.width), style)
        line.to(end).add("  ").fit(_first(row), 10, "dim")
        line.right(f"{row.requests:,}" if row.requests else "-", 9)
        if width and row.freed:
            line.add("  ").add(_freed(row, width - line.width), "dim")
        return line


def _freed(row: LedgerRow, width: int) -> str:
    """Returns how a class's objects were freed, in one word each if there is no room for more."""
    ways = sorted(row.freed.items(), key=lambda item: -item[1])
    texts = [
        " · ".join(f"{count:,} {FREED.get(how, (how, how))[short]}" for how, count in ways)
        for short in (0, 1)
    ]
    return wording.crop(texts[0] if len(texts[0]) <= width else texts[1], width)


def _order(row: LedgerRow) -> tuple[int, int, str]:
    """Returns a sort key: by the most frequent scope, then the most numerous first."""
    return _RANK.get(_most_frequent(row), len(_RANK)), -row.built, row.name


def _most_frequent(row: LedgerRow) -> str:
    return max(row.scopes, key=lambda verdict: row.scopes[verdict], default=scope.UNDECIDED)


def _names(rows: list[LedgerRow]) -> list[str]:
    """Returns the rows' names, each with its kind if several rows have that name."""
    counts = Counter(row.name for row in rows)
    return [
        wording.clean(row.name if counts[row.name] == 1 else f"{row.name} ({row.kind})")
        for row in rows
    ]


def _lives(row: LedgerRow) -> Line:
    """Returns the scopes of a class's objects; with counts, if there are several."""
    line = Line()
    several = len(row.scopes) > 1
    for verdict, count in sorted(row.scopes.items(), key=lambda item: -item[1]):
        if line.pieces:
            line.add(" · ", "dim")
        number = f"{count:,} " if several else ""
        line.add(f"{number}{theme.scope_word(verdict)}", theme.scope_style(verdict))
    return line


def _first(row: LedgerRow) -> str:
    if row.first_built is not None:
        return f"#{row.first_built}"
    return row.first_phase if row.first_phase in ("before", "inherited") else "boot"
