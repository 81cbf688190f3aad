"""Bars on a time axis, at half a character's precision.

A cell is drawn heavy where a stage ran its own code, light where a stage nested in it did, and
empty elsewhere. The half at each end of a bar is always heavy, so that where it begins and ends
can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.style import Style

EMPTY: Final = 0
WAIT: Final = 1
OWN: Final = 2

_CELLS: Final = {
    (EMPTY, EMPTY): " ",
    (EMPTY, WAIT): "╶",
    (EMPTY, OWN): "╺",
    (WAIT, EMPTY): "╴",
    (WAIT, WAIT): "─",
    (WAIT, OWN): "╼",
    (OWN, EMPTY): "╸",
    (OWN, WAIT): "╾",
    (OWN, OWN): "━",
}
MARK: Final = "◆"
"""What an instant is drawn as."""


class Axis:
    """A time axis from 0 to `span` nanoseconds over `cells` characters."""

    def __init__(self, span: int, cells: int) -> None:
        self.span = max(span, 1)
        self.cells = cells
        self.scale = 2 * cells / self.span
        """Half cells per nanosecond."""
        self.unit, self.ticks = self._ticks()
        self.columns = frozenset(column for column, _ in self.ticks)

    def _ticks(self) -> tuple[str, list[tuple[int, str]]]:
        """Return the unit and (column, label) at round numbers, about ten cells apart."""
        unit, factor = ("µs", 1e3) if self.span < 1e6 else ("ms", 1e6)
        if self.span >= 1e10:
            unit, factor = "s", 1e9
        total = self.span / factor
        wanted = total * 9 / max(self.cells, 9)
        step = 10.0**-6
        while step < wanted:
            for multiple in (2, 2.5, 2):
                step *= multiple
                if step >= wanted:
                    break
        ticks = []
        count = 0
        while count * step <= total:
            label = f"{count * step:,.6f}".rstrip("0").rstrip(".")
            label = f"{label} {unit}" if count == 0 else label
            column = int(count * step * factor * self.scale) // 2
            if column + len(label) <= self.cells:
                ticks.append((column, label))
            count += 1
        return unit, ticks

    def labels(self) -> str:
        """Return the axis as text, one label at each tick."""
        text = ""
        for column, label in self.ticks:
            text = text.ljust(column) + label
        return text.ljust(self.cells)


def halves(axis: Axis, start: int, end: int, inner: Iterable[tuple[int, int]]) -> bytearray:
    """Return the state of each half cell for a stage and the stages that ran inside it."""
    count = 2 * axis.cells
    scale = axis.scale
    first = min(max(int(start * scale), 0), count - 1)
    last = min(max(round(end * scale), first + 1), count)
    states = bytearray(count)
    states[first:last] = bytes((OWN,)) * (last - first)
    covered = [0.0] * count
    for begin, finish in inner:
        low, high = begin * scale, min(finish * scale, count)
        left, right = max(int(low), 0), min(int(high), count - 1)
        if left >= right:
            covered[min(left, count - 1)] += high - low
            continue
        covered[left] += left + 1 - low
        covered[right] += high - right
        states[left + 1 : right] = bytes((WAIT,)) * (right - left - 1)
    for index in range(first + 1, last - 1):
        if covered[index] >= 0.5:
            states[index] = WAIT
    states[first] = states[last - 1] = OWN
    return states


def marks(axis: Axis, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Return the state of each half cell for several stages drawn on one row."""
    count = 2 * axis.cells
    states = bytearray(count)
    for start, end in spans:
        first = min(max(int(start * axis.scale), 0), count - 1)
        last = min(max(round(end * axis.scale), first + 1), count)
        states[first:last] = bytes((OWN,)) * (last - first)
    return states


def pieces(
    states: Sequence[int], axis: Axis, own: Style, wait: Style, grid: Style
) -> list[tuple[str, Style]]:
    """Return the bar as styled text, with the axis' ticks drawn faintly where it is empty."""
    cells: list[tuple[Style, str]] = []
    for column in range(axis.cells):
        pair = states[2 * column], states[2 * column + 1]
        if pair == (EMPTY, EMPTY):
            cells.append((grid, "┊" if column in axis.columns else " "))
        else:
            cells.append((own if OWN in pair else wait, _CELLS[pair]))
    return [
        ("".join(char for _, char in run), style)
        for style, run in groupby(cells, key=lambda cell: cell[0])
    ]


def instant(axis: Axis, at: int, own: Style, grid: Style) -> list[tuple[str, Style]]:
    """Return the bar of something that took no time: a single mark."""
    column = min(max(int(at * axis.scale) // 2, 0), axis.cells - 1)
    empty = "".join("┊" if index in axis.columns else " " for index in range(axis.cells))
    return [(empty[:column], grid), (MARK, own), (empty[column + 1 :], grid)]
