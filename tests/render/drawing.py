"""Draws pictures as plain text, and finds lines in them."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len

from tests.render.sample_process import SampleProcess
from tracer.render import Lifelines, Timeline, to_text

WIDTHS = (40, 80, 118, 200)
ESCAPE = "\x1b"


def plain(picture: Any, width: int = 118, encoding: str = "utf-8") -> str:
    """Draws a picture without colour."""
    return to_text(picture, width=width, colour=False, encoding=encoding)


def timeline_of(sample: SampleProcess, number: int = 1) -> Timeline:
    """Returns the timeline of one of a sample's requests."""
    process = sample.process()
    return Timeline(process, process.requests[number - 1])


def draw_timeline(sample: SampleProcess, width: int = 118, number: int = 1) -> str:
    """Draws the timeline of one of a sample's requests without colour."""
    return plain(timeline_of(sample, number), width)


def draw_lifelines(sample: SampleProcess, width: int = 118, last: int = 12) -> str:
    """Draws the lifelines of a sample without colour."""
    return plain(Lifelines(sample.process(), last), width)


def row(text: str, starts: str) -> str:
    """Returns the only line that begins with these words, whatever its indent."""
    found = [line for line in text.splitlines() if line.strip().startswith(starts)]
    assert len(found) == 1, f"{len(found)} lines start with {starts!r} in:\n{text}"
    return found[0]


def widest(text: str) -> int:
    """Returns the width of the widest line, in cells."""
    return max(cell_len(line) for line in text.splitlines())


def uncoloured(text: str) -> str:
    """Returns the text without its colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def assert_fits(picture: Any, width: int) -> None:
    """Fails if a picture is wider than `width`, is not plain ASCII where it should be, or has other
    characters in colour than without."""
    text = plain(picture, width)
    assert widest(text) <= width
    assert plain(picture, width, "ascii").isascii()
    coloured = to_text(picture, width=width, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == text
