"""Draws pictures as plain text for the tests, and reads them."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len

from tracer.render import to_text

WIDTHS = (40, 80, 118, 200)
ESCAPE = "\x1b"


def plain(picture: Any, width: int = 118, encoding: str = "utf-8") -> str:
    """The picture without colour."""
    return to_text(picture, width=width, colour=False, encoding=encoding)


def row(text: str, starts: str) -> str:
    """The one line that begins with these words, however far it is indented."""
    found = [line for line in text.splitlines() if line.strip().startswith(starts)]
    assert len(found) == 1, f"{len(found)} lines start with {starts!r} in:\n{text}"
    return found[0]


def widest(text: str) -> int:
    """Cells of the widest line."""
    return max(cell_len(line) for line in text.splitlines())


def uncoloured(text: str) -> str:
    """The text with its colour codes taken out."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
