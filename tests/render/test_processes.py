"""The tree of processes: who started whom, what each served, and how it ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, plain, row, widest
from tests.render.sample_process import EPOCH, SampleProcess
from tracer.model import Process, ProcessStarted
from tracer.model.process_tree import ProcessNode, build_process_tree
from tracer.render.layout.theme import TIMES
from tracer.render.pictures.processes import LEVELS, ROWS, Processes

SECOND = 10**9


def worker(
    pid: int,
    begins: float,
    requests: int = 3,
    ends: float | None = None,
    alive: bool | None = False,
    inherits: int = 0,
    cut_off: int = 0,
    **about: str,
) -> Process:
    """Returns a worker of 48200 that began so many seconds after the first."""
    sample = SampleProcess(pid=pid)
    sample.facts[0] = ProcessStarted(
        pid,
        48200,
        about.get("server", "gunicorn"),
        about.get("mode", "WSGI, threads"),
        "3.13.0",
        "6.1.3",
        EPOCH + begins,
        0,
        application=about.get("application", ""),
    )
    if inherits:
        sample.built("inherited", *(("middleware", f"Layer{index}") for index in range(inherits)))
    for _ in range(requests + cut_off):
        sample.now += SECOND // 10
        with sample.request("/menu/"):
            pass
        if sample.number > requests:
            sample.facts[-1] = replace(sample.facts[-1], ending="cut off", status=None)
    if ends is not None:
        sample.now = int((ends - begins) * SECOND)
        sample.ends()
    return replace(sample.process(), alive=alive)


def recycled() -> tuple[ProcessNode, ...]:
    """Returns four workers in two places: one ended, one was killed, two still run."""
    return build_process_tree(
        [
            worker(11, 0.0, 5, ends=4.0),
            worker(12, 0.1, 4, cut_off=2),
            worker(13, 4.1, 3, alive=True, inherits=7),
            worker(14, 5.0, 0, alive=True),
        ]
    )


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int, brief: bool) -> None:
    """At every width, with and without bars."""
    text = plain(Processes(recycled(), brief), width)
    assert widest(text) <= width
    for name in ("11", "12", "13", "14"):
        assert row(text, f"├─ {name}" if name != "14" else "└─ 14")


@pytest.mark.parametrize("width", [80, 118, 200])
def test_each_process_is_shown_with_its_end(width: int) -> None:
    """In order, killed or running: by a word and a mark."""
    text = plain(Processes(recycled()), width)
    ends = {"├─ 11": ("ended", "○"), "├─ 12": ("gone", "✗"), "├─ 13": ("running", "▶")}
    for start, (word, mark) in ends.items():
        assert word in row(text, start)
        assert mark in row(text, start)
    assert "2 cut off" in row(text, "├─ 12")
    assert "4 processes · 12 requests served · 2 cut off" in text.splitlines()[0]
    assert "5" in row(text, "├─ 11").split()


def test_an_untraced_parent_counts_its_workers() -> None:
    """Four workers in all, and never more than two at once."""
    text = plain(Processes(recycled()))
    assert "not traced · began 4 processes, never more than 2 at once" in row(text, "48200")


def test_a_fork_is_shown_with_the_number_of_inherited_objects() -> None:
    """If there is room."""
    text = plain(Processes(recycled()))
    assert "forked, inheriting 7 objects" in row(text, "├─ 13")
    assert "started" in row(text, "├─ 11")


def test_the_bars_share_one_axis() -> None:
    """A worker that started after another's end begins to the right of that end."""
    text = plain(Processes(recycled()), 118)
    assert row(text, "├─ 11").index("○") < row(text, "├─ 13").index("●")
    assert row(text, "├─ 13").index("▶") == row(text, "└─ 14").index("▶")
    busy = set(row(text, "├─ 11")) & set(LEVELS)
    assert busy
    assert not set(row(text, "└─ 14")) & set(LEVELS)


def test_the_legend_explains_what_is_drawn_and_nothing_else() -> None:
    """Each mark once."""
    text = plain(Processes(recycled()))
    legend = text.splitlines()[-2:]
    assert all(f"{mark} " in "".join(legend) for mark in "●○▶✗")
    alone = plain(Processes(build_process_tree([worker(11, 0.0, ends=1.0)])))
    assert "✗" not in alone
    assert "still running" not in alone


def test_an_unknown_end_is_shown_as_unknown() -> None:
    """As on a system without locks."""
    text = plain(Processes(build_process_tree([worker(11, 0.0, alive=None)])))
    assert "end not known" in row(text, "└─ 11")


def test_servers_are_counted_where_there_are_several() -> None:
    """With their modes and applications."""
    text = plain(
        Processes(
            build_process_tree(
                [
                    worker(11, 0.0, application="shop.settings"),
                    worker(12, 0.0, application="shop.settings"),
                    worker(13, 0.0, server="uWSGI", mode=""),
                ]
            )
        )
    )
    assert f"2 {TIMES} gunicorn WSGI, threads · shop.settings" in text
    assert f"1 {TIMES} uWSGI" in text


def test_of_very_many_processes_the_earliest_are_counted() -> None:
    """As under CGI: one process for each request."""
    text = plain(
        Processes(
            build_process_tree([worker(n, n / 10, 1, ends=n / 10 + 0.2) for n in range(1, 201)])
        )
    )
    assert len(text.splitlines()) < ROWS + 10
    assert "earlier processes, 140 requests · 140 ended in order" in row(text, "├─ …")
    assert row(text, "└─ 200")


def test_a_brief_tree_has_no_axis_and_no_legend() -> None:
    """For a picture that is drawn repeatedly."""
    text = plain(Processes(recycled(), brief=True))
    assert not set(text) & {"●", "┊"}
    assert "still running" in row(text, "├─ 13")


def test_without_any_process_nothing_breaks() -> None:
    """The tree of no processes is drawn."""
    assert "0 processes" in plain(Processes(()))


def test_hostile_names_are_escaped() -> None:
    """Names of servers and applications."""
    text = plain(
        Processes(build_process_tree([worker(11, 0.0, server="\x1b[2J", application="\x1b[1m")]))
    )
    assert ESCAPE not in text


def test_ascii_streams_get_ascii() -> None:
    """Each mark stays one character wide."""
    text = plain(Processes(recycled()), 118, encoding="ascii")
    assert text.isascii()
    assert row(text, "|- 12").count("!") == 1
