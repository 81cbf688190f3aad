"""`python -m tracer show`: pictures and JSON of a journal."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from tests.support.command import Run, start, timelines
from tests.support.journals import BEGUN, process, request, story, write
from tracer.cli.main import main
from tracer.cli.show import PICTURES
from tracer.journal.flight_record import FlightRecord
from tracer.model import Birth, Built

# -- pictures -------------------------------------------------------------------------------------


def test_show_draws_every_process(traces):
    run = Run("show", traces)
    assert (run.status, run.err) == (0, "")
    assert run.out.index("31") < run.out.index("32")
    assert "/menu/8" in run.out
    assert "cafe.views.Menu.get" in run.out
    assert "Lifelines of process 31" in run.out
    assert "Lifelines of process 32" in run.out


def test_without_a_request_the_last_five_timelines_are_drawn_and_counted(traces):
    run = Run("show", traces, "--process", 31, "--only", "timeline")
    assert "The last 5 of 8 requests of process 31" in run.out
    assert timelines(run.out) == [(31, 4), (31, 5), (31, 6), (31, 7), (31, 8)]


def test_five_or_fewer_timelines_are_drawn_without_a_count(traces):
    run = Run("show", traces, "--process", 32, "--only", "timeline")
    assert "The last" not in run.out
    assert timelines(run.out) == [(32, 1), (32, 2)]


def test_request_all_draws_every_timeline(traces):
    run = Run("show", traces, "--process", 31, "--request", "all")
    assert timelines(run.out) == [(31, number) for number in range(1, 9)]
    assert "Lifelines" not in run.out


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_request_drawn_alone_counts_uses_up_to_itself(tmp_path, number):
    layer = Birth(9, "middleware", "cafe.middleware.Layer", "Layer", BEGUN, 1, "boot")
    requests = [request(each) for each in (1, 2, 3)]
    requests = [
        replace(
            each,
            starts=[each.begun[0] + 1, *each.starts],
            ends=[each.begun[0] + 2, *each.ends],
            whats=(("middleware", 9, "Layer", "", ""), *each.whats),
        )
        for each in requests
    ]
    write(tmp_path, "31-1", process(31), Built((layer,)), *requests)
    run = Run("show", tmp_path, "--request", number)
    assert f"built at boot · use {number}\n" in run.out


def test_a_request_is_drawn_alone_from_every_process_that_has_it(traces):
    both = Run("show", traces, "--request", 2)
    assert timelines(both.out) == [(31, 2), (32, 2)]
    one = Run("show", traces, "--request", 8)
    assert timelines(one.out) == [(31, 8)]
    assert "Lifelines" not in one.out


def test_process_draws_one_process_only(traces):
    run = Run("show", traces, "--process", 32, "--only", "lifelines")
    assert "process 32" in run.out
    assert "process 31" not in run.out


def test_each_kind_of_picture_can_be_drawn_alone(traces):
    pictures = {name: Run("show", traces, "--process", 31, "--only", name) for name in PICTURES}
    assert all(run.status == 0 and run.out.strip() and not run.err for run in pictures.values())
    assert len({run.out for run in pictures.values()}) == len(PICTURES)


def test_no_line_is_wider_than_the_width(traces):
    for width in (60, 80, 200):
        run = Run("show", traces, "--width", width)
        lines = run.out.splitlines()
        assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > 118


def test_a_stream_that_is_not_a_terminal_gets_no_colour(traces):
    assert "\x1b" not in Run("show", traces).out


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A stream that passes for a terminal with colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def test_a_terminal_gets_colour(traces, terminal):
    main(["show", str(traces)], terminal)
    assert "\x1b[" in terminal.getvalue()


@pytest.mark.parametrize("option", ["--no-colour", "--no-color"])
def test_a_terminal_gets_no_colour_with_the_option(traces, terminal, option):
    main(["show", str(traces), option], terminal)
    assert "\x1b[" not in terminal.getvalue()
    assert "/menu/8" in terminal.getvalue()


def test_a_process_that_was_killed_is_distinguished_from_one_that_runs(traces, monkeypatch):
    assert "32 is gone without a word" in Run("show", traces).out
    assert "31 is gone" not in Run("show", traces).out
    monkeypatch.setattr("tracer.journal.segments.is_alive", lambda path: True)
    assert "32 is still running" in Run("show", traces).out
    monkeypatch.setattr("tracer.journal.segments.is_alive", lambda path: None)
    unknown = Run("show", traces).out
    assert "gone without a word" not in unknown
    assert "still running" not in unknown


def test_a_skipped_line_is_noted_beside_the_picture(traces):
    with (traces / "31-1.jsonl").open("ab") as stream:
        stream.write(b'{"fact":"requ')
    run = Run("show", traces, "--only", "ledger")
    assert run.status == 0
    assert run.err == f"note: {traces / '31-1.jsonl'}: the last line skipped, being cut off.\n"


def test_a_process_without_requests_can_be_drawn(tmp_path):
    write(tmp_path, "33-1", process(33))
    run = Run("show", tmp_path)
    assert (run.status, run.err) == (0, "")
    assert "33" in run.out


def test_unfinished_requests_of_a_living_process_are_counted(traces, monkeypatch):
    record = FlightRecord(traces / "32-2.flight")
    for number in (1, 2, 3):
        record.note(number, 1.7e9, 10**12, 7, 1, f"GET /menu/{number}")
    record.forget()
    monkeypatch.setattr("tracer.journal.segments.is_alive", lambda path: True)
    run = Run("show", traces, "--process", 32, "--only", "overview")
    assert "how far it has come; 1 request has begun and not been written yet." in run.out
    assert "cut off" not in run.out


def test_several_processes_begin_with_their_tree(traces):
    run = Run("show", traces)
    assert run.out.startswith(" 2 processes · 10 requests served")
    assert "└─ 32" in run.out
    alone = Run("show", traces, "--process", 31)
    assert "└─" not in alone.out


def test_the_tree_can_be_drawn_alone_and_of_one_process(traces):
    run = Run("show", traces, "--only", "processes")
    assert "Process 31" not in run.out
    assert "1  not traced · began 2 processes" in run.out
    one = Run("show", traces, "--only", "processes", "--process", 32)
    assert "1 process · 2 requests served" in one.out


def test_two_journals_of_one_pid_are_two_processes(traces):
    """Two interpreters in one process make them, or a pid that the system used again."""
    write(traces, "32-9", *story(32, 3))
    both = Run("show", traces, "--process", 32, "--only", "overview")
    assert both.out.count("Process 32") >= 2
    for name, count in (("32a", 2), ("32b", 3)):
        assert f" Process {name} · " in both.out
        run = Run("show", traces, "--process", name, "--request", "all")
        assert run.out.count(f"process {name} · its request") == count
        assert f"Lifelines of process {name}" in Run("show", traces, "--process", name).out
    wrong = Run("show", traces, "--process", "32c")
    assert wrong.err == "There is no process 32c in this journal; there is 31, 32a, 32b.\n"
    names = json.loads(Run("show", traces, "--format", "json").out)["processes"]
    assert [each["name"] for each in names] == ["31", "32a", "32b"]


# -- JSON -----------------------------------------------------------------------------------------


def test_json_is_one_document_of_all_processes(traces):
    run = Run("show", traces, "--format", "json")
    document = json.loads(run.out)
    assert document["format"] == 1
    assert [each["pid"] for each in document["processes"]] == [31, 32]
    assert [len(each["requests"]) for each in document["processes"]] == [8, 2]


def test_json_says_of_each_process_where_it_came_from_and_how_it_ended(traces):
    first, second = json.loads(Run("show", traces, "--format", "json").out)["processes"]
    assert (first["parent"], first["inherited"]) == (1, False)
    assert (first["ended"], first["alive"]) == (True, False)
    assert (second["ended"], second["alive"]) == (False, False)
    assert (second["served"], second["cut_off"]) == (2, 0)
    assert {"application", "urlconf", "heard"} <= second.keys()


def test_json_can_be_of_one_process_and_request(traces):
    run = Run("show", traces, "--format", "json", "--process", 31, "--request", 3)
    (found,) = json.loads(run.out)["processes"]
    assert found["pid"] == 31
    assert [each["number"] for each in found["requests"]] == [3]


def test_json_holds_any_path_and_is_ascii(tmp_path):
    write(tmp_path, "34-1", process(34), request(1, "/caf\udce9/日本/"))
    run = Run("show", tmp_path, "--format", "json")
    assert run.out.isascii()
    assert json.loads(run.out)["processes"][0]["requests"][0]["path"] == "/caf\udce9/日本/1"


def test_show_does_not_import_django(traces):
    """A journal can be read where Django is not installed."""
    code = (
        "import sys; sys.modules['django'] = None; from tracer.cli.main import main; "
        f"sys.exit(main(['show', {str(traces)!r}]))"
    )
    with start("-c", code) as program:
        out, err = program.communicate(timeout=180)
    assert (program.returncode, err) == (0, "")
    assert "/menu/8" in out
