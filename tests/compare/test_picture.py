"""The table: which columns are left out in narrow terminals, and what stands below."""

from __future__ import annotations

import pytest

from tests.compare.made_up import process
from tracer.compare.count import Row, count
from tracer.compare.table import Comparison
from tracer.render.formats.terminal import to_text
from tracer.servers import ServerFailed

ROWS = (
    count("cgi", None, [process(pid, 1) for pid in range(1, 5)], [1.25] * 4),
    count("gunicorn", "27", [process(1, 2), process(2, 2)], [0.05, 0.01, 0.01, 0.01]),
    Row("apache-mod_wsgi-embedded", status="not installed", why="apt install apache2"),
    Row("granian-wsgi", status="failed", why="It ended at once.\nTraceback and more"),
)


def drawn(width: int, rows: tuple[Row, ...] = ROWS) -> list[str]:
    return to_text(Comparison(4, rows), width=width, colour=False).splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 118, 150, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(map(len, drawn(width))) <= width


@pytest.mark.parametrize("width", [80, 118, 200])
def test_each_number_stands_under_its_head(width: int) -> None:
    lines = drawn(width)
    heads = next(line for line in lines if line.startswith(" server"))
    row = next(line for line in lines if line.startswith(" cgi"))
    end = heads.index("handler") + len("handler")
    assert row[:end].endswith(" 4")
    assert row.rstrip().endswith("1.00")


@pytest.mark.parametrize("width", [80, 118, 200])
def test_numbers_never_touch_however_slow_a_server_is(width: int) -> None:
    slow = count("cgi", None, [process(pid, 1) for pid in range(1, 5)], [99.9, 98.7, 12.3, 12.3])
    row = next(line for line in drawn(width, (slow,)) if line.startswith(" cgi"))
    assert " 99,900 " in row or width < 118
    assert " 12,300 " in row


def test_narrow_tables_have_fewer_columns() -> None:
    assert "modules" not in drawn(80)[2]
    assert "modules" in drawn(200)[2]
    assert all("warm" in drawn(width)[2] for width in (80, 118, 200))


def test_the_legend_explains_only_the_columns_shown() -> None:
    assert "connections:" not in "\n".join(drawn(80))
    assert "connections:" in "\n".join(drawn(200))


def test_a_server_that_did_not_run_says_why_in_one_line() -> None:
    text = drawn(118)
    assert any("not installed · apt install apache2" in line for line in text)
    assert any("failed · It ended at once." in line for line in text)
    assert not any("Traceback" in line for line in text)


def test_a_failed_row_does_not_announce_a_log() -> None:
    why = str(ServerFailed("It ended at once.", "the log"))
    (row,) = (line for line in drawn(118, (Row("cgi", status="failed", why=why),)) if "cgi" in line)
    assert row.endswith("failed · It ended at once.")


def test_the_conclusion_stands_last() -> None:
    text = " ".join(line.strip() for line in drawn(118)[-4:])
    assert "Under cgi each of the 4 requests built everything anew; under gunicorn " in text


def test_a_comparison_without_a_server_that_ran_can_be_drawn() -> None:
    lines = drawn(80, ROWS[2:])
    assert "No server ran" in lines[-1]
    assert "0 servers" not in lines[0]
