"""The glyphs that pictures draw with, as shapes: no font has to have them, and none can misfit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

CELL: Final = 8.4
"""Width of a column, in pixels."""
LINE: Final = 20
"""Height of a line, in pixels."""
HEAVY: Final = 4.0
LIGHT: Final = 1.4

_HALVES: Final[dict[str, tuple[float, float]]] = {
    "━": (HEAVY, HEAVY),
    "─": (LIGHT, LIGHT),
    "╸": (HEAVY, 0),
    "╺": (0, HEAVY),
    "╴": (LIGHT, 0),
    "╶": (0, LIGHT),
    "╾": (HEAVY, LIGHT),
    "╼": (LIGHT, HEAVY),
}
"""How thick each is in its left and in its right half."""

GLYPHS: Final = "".join(_HALVES) + "●○▶◆┊"
"""Every glyph that has a shape here."""


def shape(run: str, column: int, row: int, attributes: str) -> Iterator[str]:
    """Give the elements of a run of glyphs that begins at this cell."""
    middle = row * LINE + LINE / 2
    for glyph, same in groupby(run):
        count = len(list(same))
        left = column * CELL
        if glyph in _HALVES:
            yield from _bar(glyph, left, count, middle, attributes)
        else:
            for index in range(count):
                yield _mark(glyph, left + index * CELL, middle, attributes)
        column += count


def _bar(glyph: str, left: float, count: int, middle: float, attributes: str) -> Iterator[str]:
    one, other = _HALVES[glyph]
    parts = (
        [(left, count * CELL, one)]
        if one == other
        else [
            (left + (index + half / 2) * CELL, CELL / 2, (one, other)[half])
            for index in range(count)
            for half in (0, 1)
        ]
    )
    for x, long, thick in parts:
        if thick:
            yield (
                f'<rect x="{number(x)}" y="{number(middle - thick / 2)}" width="{number(long)}"'
                f' height="{number(thick)}"{attributes}/>'
            )


def _mark(glyph: str, left: float, middle: float, attributes: str) -> str:
    centre = left + CELL / 2
    x, y = number(centre), number(middle)
    if glyph == "●":
        return f'<circle cx="{x}" cy="{y}" r="4.2"{attributes}/>'
    if glyph == "○":
        # A ring as a path: everything here is filled, and nothing has a stroke.
        return (
            f'<path d="M{number(centre - 4.2)} {y}a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z'
            f'm1.6 0a2.6 2.6 0 1 1 5.2 0a2.6 2.6 0 1 1 -5.2 0z" fill-rule="evenodd"{attributes}/>'
        )
    if glyph == "▶":
        return f'<path d="M{number(left)} {number(middle - 4.6)}v9.2l{CELL} -4.6z"{attributes}/>'
    if glyph == "◆":
        return f'<path d="M{x} {number(middle - 4.6)}l4.2 4.6l-4.2 4.6l-4.2 -4.6z"{attributes}/>'
    top = middle - LINE / 2
    return "".join(
        f'<rect x="{number(centre - 0.5)}" y="{number(top + step)}" width="1" height="2"'
        f"{attributes}/>"
        for step in (1, 6, 11, 16)
    )


def number(value: float) -> str:
    """Return a length in pixels with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
