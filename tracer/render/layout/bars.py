"""Bars on a time axis, at half a character's precision.

A half cell is heavy where a stage ran its own code, light where a stage nested in it ran, and
empty elsewhere. The half at each end of a bar is always heavy, so that both ends can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.style import Style

from tracer.model import Span

Piece = tuple[str, Style]

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
_LIGHT: Final = "╶╴─"
MARK: Final = "◆"
"""Stands for a stage that took no time."""


class Axis:
    """A time axis from 0 to `span` nanoseconds over `cells` characters."""

    def __init__(self, span: int, cells: int) -> None:
        self.span = max(span, 1)
        self.cells = cells
        self.scale = 2 * cells / self.span
        """Half cells per nanosecond."""
        self.unit, self.ticks = self._ticks()
        columns = {column for column, _ in self.ticks}
        self.empty = "".join("┊" if column in columns else " " for column in range(cells))
        """The cells where there is no bar, with a faint line at each tick."""

    def _ticks(self) -> tuple[str, list[tuple[int, str]]]:
        """Returns the unit and (column, label) at round numbers, at least seven cells apart."""
        unit, factor = ("µs", 1e3) if self.span < 1e6 else ("ms", 1e6)
        if self.span >= 1e10:
            unit, factor = "s", 1e9
        total = self.span / factor
        wanted = total * 7 / max(self.cells, 7)
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
        """Returns the axis as text, with a label at each tick."""
        text = ""
        for column, label in self.ticks:
            text = text.ljust(column) + label
        return text.ljust(self.cells)


def stage_bar(
    axis: Axis, span: Span, inner: Iterable[Span], own: Style, wait: Style, grid: Style
) -> list[Piece]:
    """Returns the bar of a stage and of the stages that ran inside it."""
    scale = axis.scale
    states = bytearray(2 * axis.cells)
    first, last = _fill(states, axis, span)
    covered = [0.0] * len(states)
    for child in inner:
        low, high = max(child.start * scale, 0.0), min(child.end * scale, float(last))
        left, right = int(low), min(int(high), last - 1)
        if left >= right:
            covered[min(left, last - 1)] += max(high - low, 0.0)
            continue
        covered[left] += left + 1 - low
        covered[right] += high - right
        states[left + 1 : right] = bytes((WAIT,)) * (right - left - 1)
    for index in range(first + 1, last - 1):
        if covered[index] >= 0.5:
            states[index] = WAIT
    states[first] = states[last - 1] = OWN
    return _pieces(axis, states, first, last, own, wait, grid)


def run_bar(axis: Axis, spans: Iterable[Span], own: Style, grid: Style) -> list[Piece]:
    """Returns the bars of several stages on one row."""
    states = bytearray(2 * axis.cells)
    first, last = len(states), 0
    for span in spans:
        left, right = _fill(states, axis, span)
        first, last = min(first, left), max(last, right)
    return _pieces(axis, states, first, last, own, own, grid)


def instant_bar(axis: Axis, at: int, own: Style, grid: Style) -> list[Piece]:
    """Returns the mark of a stage that took no time."""
    column = min(max(int(at * axis.scale) // 2, 0), axis.cells - 1)
    return [(axis.empty[:column], grid), (MARK, own), (axis.empty[column + 1 :], grid)]


def _fill(states: bytearray, axis: Axis, span: Span) -> tuple[int, int]:
    """Fills a stage's half cells, at least one. Returns the first and the one past the last."""
    first = min(max(int(span.start * axis.scale), 0), len(states) - 1)
    last = min(max(round(span.end * axis.scale), first + 1), len(states))
    states[first:last] = bytes((OWN,)) * (last - first)
    return first, last


def _pieces(
    axis: Axis, states: bytearray, first: int, last: int, own: Style, wait: Style, grid: Style
) -> list[Piece]:
    """Returns the bar as styled text, with the axis' ticks where it is empty."""
    left, right = first // 2, (last + 1) // 2
    pieces: list[Piece] = [(axis.empty[:left], grid)]
    text, style = "", own
    for column in range(left, right):
        char, now = _CELLS[states[2 * column], states[2 * column + 1]], own
        if char == " ":
            char, now = axis.empty[column], grid
        elif char in _LIGHT:
            now = wait
        if now is not style:
            pieces.append((text, style))
            text, style = "", now
        text += char
    return [*pieces, (text, style), (axis.empty[right:], grid)]
