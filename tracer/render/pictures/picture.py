"""The base of all pictures: each draws itself wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from tracer.render.formats.notebook import media_types
from tracer.render.formats.terminal import as_text
from tracer.render.layout.canvas import Line, emit


class Picture:
    """A picture that is drawn line by line.

    rich draws it in a terminal, at its width and in its colours; `print`, a shell and a message
    show plain text; a notebook shows a drawing, and the text beside it.
    """

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        raise NotImplementedError

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws it at the console's width."""
        yield from emit(self.lines(options.max_width), options)

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return media_types(self)
