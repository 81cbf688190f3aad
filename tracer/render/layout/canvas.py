"""Lines of styled text, filled column by column: every picture is made of these.

They are plain segments instead of rich's tables: a timeline is drawn after every request, and a
table of thirty rows takes about ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from tracer.render.layout.theme import STYLES, glyph_table
from tracer.render.layout.wording import crop


class Line:
    """One line of a picture, filled from left to right."""

    __slots__ = ("pieces", "width")

    def __init__(self) -> None:
        self.pieces: list[tuple[str, Style]] = []
        self.width = 0

    def add(self, text: str, style: str | Style = "name") -> Line:
        """Appends a piece, in a style of the theme or one made from it."""
        if text:
            self.pieces.append((text, STYLES[style] if isinstance(style, str) else style))
            self.width += cell_len(text)
        return self

    def to(self, column: int) -> Line:
        """Fills up to this column, counted from 0; does nothing if the line is wider already."""
        return self.add(" " * (column - self.width))

    def fit(self, text: str, width: int, style: str | Style = "name") -> Line:
        """Appends a piece cropped to `width` cells, and fills these up."""
        end = self.width + width
        return self.add(crop(text, width), style).to(end)

    def right(self, text: str, width: int, style: str | Style = "name") -> Line:
        """Appends a piece at the right end of the next `width` cells."""
        text = crop(text, width)
        return self.to(self.width + width - cell_len(text)).add(text, style)


def pack(
    pieces: Sequence[tuple[str, str]], width: int, indent: int = 1, between: str = " · "
) -> list[Line]:
    """Lays pieces of text out on as few lines as possible, breaking only between pieces.

    A piece is a text and the name of its style; one that is wider than a whole line is cropped.
    """
    lines: list[Line] = []
    if not pieces:
        return lines
    line = Line().to(indent)
    for text, style in pieces:
        text = crop(text, width - indent - 2)
        started = line.width > indent
        if started and line.width + len(between) + cell_len(text) > width:
            lines.append(line)
            line = Line().to(indent + 2)
            started = False
        if started:
            line.add(between, "dim")
        line.add(text, style)
    lines.append(line)
    return lines


def wrap(text: str, width: int, style: str = "name") -> Iterator[Line]:
    """Wraps running text between its words, at the margin of the pictures."""
    line = Line().to(1)
    for word in text.split():
        started = line.width > 1
        if started and line.width + 1 + cell_len(word) > width:
            yield line
            line, started = Line().to(1), False
        line.add(f" {word}" if started else word, style)
    yield line


def emit(lines: Iterable[Line], options: ConsoleOptions) -> Iterator[Segment]:
    """Yields lines for a console: never wider than it, and in characters that its encoding has."""
    limit = options.max_width
    table = glyph_table(options.encoding)
    for line in lines:
        pieces = line.pieces
        while pieces and pieces[-1][0].isspace():
            pieces.pop()
        segments = [Segment(text.translate(table) if table else text, st) for text, st in pieces]
        if line.width > limit and Segment.get_line_length(segments) > limit:
            segments = Segment.adjust_line_length(segments, limit, pad=False)
        yield from segments
        yield Segment.line()
