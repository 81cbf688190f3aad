"""The glyphs of the pictures as SVG shapes, which look alike whatever fonts there are."""

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
"""Glyph to its thickness in pixels, in its left and in its right half."""

_LINES: Final[dict[str, tuple[bool, bool, bool]]] = {
    "│": (True, True, False),
    "├": (True, True, True),
    "└": (True, False, True),
}
"""Glyph to whether it has an arm upwards, downwards and to the right."""

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
"""Blocks of one eighth of a line's height to eight."""

GLYPHS: Final = "".join((*_HALVES, *_LINES, _BLOCKS)) + "●○▶◆┊"
"""Every glyph that is drawn as a shape."""


def draw_glyphs(run: str, column: int, row: int, attributes: str) -> Iterator[str]:
    """Yields the elements of a run of glyphs that starts at this cell."""
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
            yield _rect(x, middle - thick / 2, long, thick, attributes)


def _branch(glyph: str, left: float, middle: float, attributes: str) -> str:
    """Returns a part of a tree's lines."""
    up, down, right = _LINES[glyph]
    x = left + (CELL - LIGHT) / 2
    top = middle - (LINE / 2 if up else LIGHT / 2)
    bottom = middle + (LINE / 2 if down else LIGHT / 2)
    drawn = _rect(x, top, LIGHT, bottom - top, attributes)
    if right:
        drawn += _rect(x, middle - LIGHT / 2, left + CELL - x, LIGHT, attributes)
    return drawn


def _rect(x: float, y: float, wide: float, high: float, attributes: str) -> str:
    return (
        f'<rect x="{pixels(x)}" y="{pixels(y)}" width="{pixels(wide)}"'
        f' height="{pixels(high)}"{attributes}/>'
    )


def _mark(glyph: str, left: float, middle: float, attributes: str) -> str:
    centre = left + CELL / 2
    x, y = pixels(centre), pixels(middle)
    if glyph in _LINES:
        return _branch(glyph, left, middle, attributes)
    if glyph in _BLOCKS:
        high = LINE * (_BLOCKS.index(glyph) + 1) / 8
        return _rect(left, middle + LINE / 2 - high, CELL, high, attributes)
    if glyph == "●":
        return f'<circle cx="{x}" cy="{y}" r="4.2"{attributes}/>'
    if glyph == "○":
        # A ring as a path: all shapes are filled, and none has a stroke.
        return (
            f'<path d="M{pixels(centre - 4.2)} {y}a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z'
            f'm1.6 0a2.6 2.6 0 1 1 5.2 0a2.6 2.6 0 1 1 -5.2 0z" fill-rule="evenodd"{attributes}/>'
        )
    if glyph == "▶":
        return f'<path d="M{pixels(left)} {pixels(middle - 4.6)}v9.2l{CELL} -4.6z"{attributes}/>'
    if glyph == "◆":
        return f'<path d="M{x} {pixels(middle - 4.6)}l4.2 4.6l-4.2 4.6l-4.2 -4.6z"{attributes}/>'
    top = middle - LINE / 2
    return "".join(_rect(centre - 0.5, top + step, 1, 2, attributes) for step in (1, 6, 11, 16))


def pixels(value: float) -> str:
    """Returns a length in pixels with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
