"""A sentence among pictures stands at their margin, on every line of it."""

from __future__ import annotations

import pytest

from tests.render.drawing import plain
from tracer.render.pictures.sentence import Sentence

SAID = "Process 48213 began: gunicorn WSGI, one thread, one of several processes, Python 3.11.7."


@pytest.mark.parametrize("width", [40, 80, 118])
def test_each_line_stands_at_the_margin_and_nothing_is_cut_off(width: int) -> None:
    lines = plain(Sentence(SAID), width).splitlines()
    assert all(line.startswith(" ") and not line.startswith("  ") for line in lines)
    assert max(map(len, lines)) <= width
    assert " ".join(line.strip() for line in lines) == SAID
