"""Any picture as SVG, for documents and notebooks.

It fetches nothing and needs no particular font: lines, dots and arrows are drawn as shapes, and
words keep their columns in any monospaced font. Colours stand in attributes, so that a host that
strips style sheets shows them too; the style sheet adds the colours for a dark ground. The same
picture gives the same text, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.console import RenderableType
from rich.style import Style

from tracer.render.formats.glyphs import CELL, GLYPHS, LINE, draw_glyphs, pixels
from tracer.render.formats.terminal import DEFAULT_WIDTH, as_lines

MARGIN: Final = 12
FONTS: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

Rgb = tuple[int, int, int]

LIGHT: Final[tuple[Rgb, Rgb, Rgb]] = ((251, 252, 253), (31, 35, 40), (208, 215, 222))
DARK: Final[tuple[Rgb, Rgb, Rgb]] = ((23, 26, 31), (214, 218, 224), (61, 68, 77))
"""Ground, ink and border."""
CONTRAST: Final = 4.5
"""Contrast of words and ground, at least; colours with less are moved towards the ink."""

_RUN = re.compile(f"[{GLYPHS}]+|[^{GLYPHS}]+")
_WORDS = re.compile(r"\S+(?: \S+)*")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may contain, not even escaped."""


def to_svg(
    renderable: RenderableType, width: int = DEFAULT_WIDTH, title: str = "", desc: str = ""
) -> str:
    """Returns a picture as one SVG element, `width` columns wide.

    `title` and `desc` are for people who cannot see it; without a title, its first line is used.
    """
    lines = as_lines(renderable, width)
    styles = _Styles()
    body = "\n".join(piece for row, line in enumerate(lines) for piece in _line(row, line, styles))
    first = "".join(text for text, _ in lines[0]).strip() if lines else ""
    head = f"<title>{_safe(title or first)}</title>"
    description = _safe(desc or (first if title else ""))
    if description:
        head += f"<desc>{description}</desc>"
    # Unique among several pictures in one document, and the same each time it is drawn.
    name = "t" + hashlib.sha256(f"{head}{body}{width}".encode()).hexdigest()[:8]
    wide, high = width * CELL + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    ground, ink, border = map(_hex, LIGHT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" role="img"'
        f' width="{pixels(wide)}" height="{pixels(high)}"'
        f' viewBox="0 0 {pixels(wide)} {pixels(high)}" style="max-width:100%;height:auto"'
        f' font-family="{FONTS}" font-size="14">\n{head}\n{_style_sheet(name, styles)}\n'
        f'<rect class="ground" x="0.5" y="0.5" width="{pixels(wide - 1)}"'
        f' height="{pixels(high - 1)}" rx="6" fill="{ground}" stroke="{border}"/>\n'
        f'<g class="ink" fill="{ink}" stroke="none" transform="translate({MARGIN} {MARGIN})">\n'
        f"{body}\n</g>\n</svg>\n"
    )


class _Styles:
    """The styles that one picture uses, numbered in order of appearance."""

    def __init__(self) -> None:
        self.known: dict[tuple[Rgb | None, bool], int] = {}

    def attributes(self, style: Style | None) -> tuple[str, str]:
        """Returns (class and colour, weight and slant) as SVG attributes."""
        if style is None:
            return "", ""
        colour = style.color.get_truecolor() if style.color and not style.color.is_default else None
        rgb = (colour.red, colour.green, colour.blue) if colour else None
        key = (rgb, bool(style.dim))
        colours = ""
        if key != (None, False):
            index = self.known.setdefault(key, len(self.known) + 1)
            colours = f' class="c{index}" fill="{_hex(_shade(*key, LIGHT))}"'
        font = ' font-weight="bold"' if style.bold else ""
        return colours, font + (' font-style="italic"' if style.italic else "")


def _line(row: int, line: list[tuple[str, Style | None]], styles: _Styles) -> Iterator[str]:
    """Yields the elements of one line."""
    column = 0
    for text, style in line:
        colour, font = styles.attributes(style)
        for run in _RUN.findall(text):
            if run[0] in GLYPHS:
                yield from draw_glyphs(run, column, row, colour)
            else:
                yield from _text(run, column, row, f"{colour}{font}")
            column += cell_len(run)


def _text(run: str, column: int, row: int, attributes: str) -> Iterator[str]:
    for words in _WORDS.finditer(run):
        x = (column + cell_len(run[: words.start()])) * CELL
        long = cell_len(words.group()) * CELL
        yield (
            f'<text x="{pixels(x)}" y="{pixels(row * LINE + 14.5)}" textLength="{pixels(long)}"'
            f' lengthAdjust="spacingAndGlyphs"{attributes}>{_safe(words.group())}</text>'
        )


def _safe(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text), {'"': "&quot;"})


# -- colours ------------------------------------------------------------------------------------


def _style_sheet(name: str, styles: _Styles) -> str:
    """Returns the style sheet: the colours for a dark ground."""
    ground, ink, border = map(_hex, DARK)
    rules = [
        f".{name} .ground{{fill:{ground};stroke:{border}}}",
        f".{name} .ink{{fill:{ink}}}",
        *(
            f".{name} .c{index}{{fill:{_hex(_shade(*key, DARK))}}}"
            for key, index in styles.known.items()
        ),
    ]
    return f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"


def _shade(colour: Rgb | None, dim: bool, scheme: tuple[Rgb, Rgb, Rgb]) -> Rgb:
    """Returns a colour that is readable on this ground; a dim one is blended into it by 45 %."""
    ground, ink, _ = scheme
    shade = colour or ink
    for _ in range(20):
        if _contrast(shade, ground) >= CONTRAST:
            break
        shade = _blend(shade, ink, 0.1)
    return _blend(shade, ground, 0.45) if dim else shade


def _blend(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _contrast(one: Rgb, other: Rgb) -> float:
    """Returns the contrast ratio of two colours, see the Web Content Accessibility Guidelines."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
