"""Writes pictures to terminals, pipes and files: each as one block of text in one write."""

from __future__ import annotations

import copy
import os
import select
from collections.abc import Mapping
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style

from tracer.render.layout.theme import glyph_table

DEFAULT_WIDTH: Final = 118
NARROWEST: Final = 40
"""Pictures for narrower terminals are drawn at this width."""
WRITE_TIMEOUT: Final = 1.0
"""Seconds to wait for a stream that accepts no more; after that, drawing on it ends."""


@lru_cache(maxsize=1)
def _console() -> Console:
    return Console(
        file=StringIO(),
        width=DEFAULT_WIDTH,
        height=100,
        force_terminal=True,
        color_system="256",
        legacy_windows=False,
        _environ={},
    )


def to_text(
    renderable: RenderableType, *, width: int, colour: bool, encoding: str = "utf-8"
) -> str:
    """Returns the picture as text: lines of at most `width` cells, each ended by a newline.

    With `colour` the text has colour codes. Characters that `encoding` cannot encode are replaced.
    """
    console = _console()
    options = copy.copy(console.options.update_width(width))
    options.encoding = encoding
    system = ColorSystem.EIGHT_BIT
    parts = [
        style.render(text, color_system=system) if colour and style else text
        for text, style, control in console.render(renderable, options)
        if not control
    ]
    text = "".join(parts)
    table = glyph_table(encoding)
    if table is not None:
        text = text.translate(table)
    try:
        return text.encode(encoding, "replace").decode(encoding)
    except LookupError:
        return text.encode("ascii", "replace").decode("ascii")


def as_text(renderable: RenderableType, width: int = DEFAULT_WIDTH) -> str:
    """Returns the picture as plain text, without colours and without a newline at its end."""
    return to_text(renderable, width=width, colour=False).rstrip("\n")


def as_lines(renderable: RenderableType, width: int) -> list[list[tuple[str, Style | None]]]:
    """Returns the picture line by line, each a list of pieces with their styles."""
    console = _console()
    options = copy.copy(console.options.update_width(width))
    lines = Segment.split_lines(console.render(renderable, options))
    return [[(text, style) for text, style, control in line if not control] for line in lines]


class Terminal:
    """A stream to draw on: a terminal, a pipe, a file, or anything that has `write`.

    - A picture is one write to the stream's file descriptor, so that processes which share a
      terminal do not mix within a picture; without a descriptor, it is one `write` and `flush`.
    - Characters that the stream cannot encode are replaced.
    - When the stream fails, drawing ends: `failed` is true then, and nothing is raised.
    """

    def __init__(self, stream: Any, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: by default, the process's environment."""
        self.stream = stream
        self.environ = os.environ if environ is None else environ
        self.failed = False

    @property
    def is_terminal(self) -> bool:
        """Whether the stream itself is a terminal; descriptor 1 may be another stream."""
        try:
            return bool(self.stream.isatty())
        except Exception:
            return False

    @property
    def colour(self) -> bool:
        """Whether to draw in colour."""
        plain = self.environ.get("NO_COLOR") or self.environ.get("TERM") == "dumb"
        return not plain and self.is_terminal

    @property
    def width(self) -> int:
        """The terminal's width now; without a terminal, COLUMNS or else 118."""
        width = 0
        if self.is_terminal:
            try:
                width = os.get_terminal_size(self.stream.fileno()).columns
            except Exception:
                width = 0
        if width <= 0:
            columns = self.environ.get("COLUMNS", "")
            width = int(columns) if columns.isascii() and columns.isdigit() else 0
        return max(width or DEFAULT_WIDTH, NARROWEST)

    @property
    def encoding(self) -> str:
        """The stream's encoding; UTF-8 where it names none."""
        encoding = getattr(self.stream, "encoding", None)
        return encoding if isinstance(encoding, str) and encoding else "utf-8"

    def write(self, renderable: RenderableType) -> bool:
        """Draws one picture and an empty line below it. Returns whether it was written.

        Raises what the picture itself raises: that is no fault of the stream.
        """
        if self.failed:
            return False
        encoding = self.encoding
        text = to_text(renderable, width=self.width, colour=self.colour, encoding=encoding)
        try:
            self._put(text + "\n", encoding)
        except Exception:
            self.failed = True
        return not self.failed

    def _put(self, text: str, encoding: str) -> None:
        try:
            descriptor = self.stream.fileno()
        except Exception:
            descriptor = None
        if type(descriptor) is not int or descriptor < 0:
            self.stream.write(text)
            flush = getattr(self.stream, "flush", None)
            if flush is not None:
                flush()
            return
        # What was written to the stream before must come first.
        self.stream.flush()
        try:
            data = text.encode(encoding, "replace")
        except LookupError:
            data = text.encode("ascii", "replace")
        while data:
            data = data[_write(descriptor, data) :]


def _write(descriptor: int, data: bytes) -> int:
    """Writes once; waits a while if the other end of a non-blocking stream is behind."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        if not select.select([], [descriptor], [], WRITE_TIMEOUT)[1]:
            raise
        return os.write(descriptor, data)
