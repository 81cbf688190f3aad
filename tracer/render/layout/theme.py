"""The look of all pictures: one table of styles, each named by its meaning, and one of glyphs.

Each scope has one colour, the same in every picture. The colours are fixed entries of the 256
colour palette, readable on black and on white alike. A word always stands beside a colour:
no meaning is carried by colour alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.style import Style

from tracer.model import scope

STYLES: Final[dict[str, Style]] = {
    name: Style.parse(definition)
    for name, definition in {
        "scope.process": "color(33)",
        "scope.thread": "color(134)",
        "scope.connection": "color(136)",
        "scope.request": "color(29)",
        "scope.kept": "bold color(196)",
        "scope.undecided": "color(244)",
        "scope.none": "none",
        "title": "bold",
        "heading": "bold",
        "column": "color(244)",
        "axis": "color(244)",
        "grid": "dim color(244)",
        "name": "none",
        "duration": "none",
        "detail": "color(244)",
        "dim": "color(244)",
        "phase": "italic color(244)",
        "alarm": "bold color(196)",
        "bar.own": "bold",
        "bar.wait": "dim",
    }.items()
}
"""Style name to style. Every picture takes its styles from here."""

TIMES: Final = "\u00d7"
"""The sign before a count; written as an escape because it looks like a letter."""

FALLBACK: Final[dict[str, str]] = {
    "━": "=",
    "─": "-",
    "╾": "=",
    "╼": "=",
    "╸": "=",
    "╺": "=",
    "╴": "-",
    "╶": "-",
    "┊": ":",
    "✗": "!",
    "├": "|",
    "└": "`",
    "│": "|",
    "▁": "_",
    "▂": ".",
    "▃": ":",
    "▄": "+",
    "▅": "*",
    "▆": "%",
    "▇": "@",
    "█": "#",
    "●": "o",
    "○": "x",
    "▶": ">",
    "◆": "*",
    "·": "-",
    "…": ".",
    TIMES: "x",
    "→": ">",
    "≈": "~",
    "µ": "u",
}
"""Every glyph beyond ASCII in the pictures, with the one character that replaces it."""

_TABLE: Final = str.maketrans(FALLBACK)


def style(name: str) -> Style:
    """Returns the style of this name; KeyError if the theme has none."""
    return STYLES[name]


def scope_style(verdict: str | None) -> Style:
    """Returns the one style of a scope; None means that no object is known."""
    return STYLES[f"scope.{verdict or 'none'}"]


def scope_word(verdict: str) -> str:
    """Returns how a scope is written: in lower case, but KEPT, which should not occur."""
    return "KEPT" if verdict == scope.KEPT else verdict


@lru_cache(maxsize=16)
def glyph_table(encoding: str) -> dict[int, str] | None:
    """Returns the `str.translate` table for this encoding; None if it has every glyph."""
    try:
        "".join(FALLBACK).encode(encoding)
    except (UnicodeError, LookupError):
        return _TABLE
    return None


@lru_cache(maxsize=32)
def waiting_style(verdict: str | None) -> Style:
    """Returns the faint form of a scope's style, for bars where nested stages ran."""
    return scope_style(verdict) + STYLES["bar.wait"]
