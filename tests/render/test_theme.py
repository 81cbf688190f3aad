"""The theme: its names, and colours that can be read."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.cells import cell_len

from tracer.model import scope
from tracer.render.layout import theme


def luminance(verdict: str) -> float:
    """Returns the relative luminance of a scope's colour, 0 to 1."""
    colour = theme.scope_style(verdict).color
    assert colour is not None
    parts = [value / 255 for value in colour.get_truecolor()]
    red, green, blue = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("verdict", scope.SCOPES)
def test_every_scope_can_be_read_on_white_and_on_black(verdict: str) -> None:
    """A contrast of at least three to one, as for large text and pictures."""
    assert 1.05 / (luminance(verdict) + 0.05) > 3
    assert (luminance(verdict) + 0.05) / 0.05 > 3


def test_no_two_scopes_share_a_colour() -> None:
    """One colour, one meaning."""
    for one, other in combinations(scope.SCOPES, 2):
        assert theme.scope_style(one).color != theme.scope_style(other).color


def test_a_name_that_the_theme_does_not_have_is_an_error() -> None:
    """A misspelt style must not count as no style."""
    with pytest.raises(KeyError):
        theme.style("scope.proces")


def test_every_glyph_takes_one_cell_and_so_does_its_fallback() -> None:
    """Columns stay where they are."""
    for glyph, fallback in theme.FALLBACK.items():
        assert cell_len(glyph) == cell_len(fallback) == 1
        assert fallback.isascii()


@pytest.mark.parametrize(
    ("encoding", "falls_back"),
    [("utf-8", False), ("utf-16", False), ("ascii", True), ("latin-1", True), ("cp1252", True),
     ("no such encoding", True)],
)  # fmt: skip
def test_fallbacks_are_used_where_the_encoding_lacks_a_glyph(
    encoding: str, falls_back: bool
) -> None:
    """All of them or none."""
    assert (theme.glyph_table(encoding) is not None) is falls_back
