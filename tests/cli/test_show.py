"""The command line: what a journal holds is drawn, and every mistake is one clear sentence."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from tests.support.stories import (
    Run,
    process,
    request,
    start,
    story,
    timelines,
    two_processes,
    write,
)
from tracer.cli.main import PICTURES, main
from tracer.journal.flight_record import FlightRecord


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A journal of two processes: 31 served eight requests and ended, 32 served two."""
    return two_processes(tmp_path / "traces")


# -- show: pictures -------------------------------------------------------------------------------


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


def test_where_there_are_no_more_than_five_nothing_is_said_of_others(traces):
    run = Run("show", traces, "--process", 32, "--only", "timeline")
    assert "The last" not in run.out
    assert timelines(run.out) == [(32, 1), (32, 2)]


def test_all_requests_are_drawn_on_demand(traces):
    run = Run("show", traces, "--process", 31, "--request", "all")
    assert timelines(run.out) == [(31, number) for number in range(1, 9)]
    assert "Lifelines" not in run.out


def test_a_request_is_drawn_alone_and_from_every_process_that_has_it(traces):
    both = Run("show", traces, "--request", 2)
    assert timelines(both.out) == [(31, 2), (32, 2)]
    one = Run("show", traces, "--request", 8)
    assert timelines(one.out) == [(31, 8)]
    assert "Lifelines" not in one.out


def test_only_one_process_is_drawn_on_demand(traces):
    run = Run("show", traces, "--process", 32, "--only", "lifelines")
    assert "process 32" in run.out
    assert "process 31" not in run.out


def test_each_kind_of_picture_can_be_drawn_alone(traces):
    pictures = {name: Run("show", traces, "--process", 31, "--only", name) for name in PICTURES}
    assert all(run.status == 0 and run.out.strip() and not run.err for run in pictures.values())
    assert len({run.out for run in pictures.values()}) == len(PICTURES)


def test_the_width_is_kept(traces):
    for width in (60, 80, 200):
        run = Run("show", traces, "--width", width)
        lines = run.out.splitlines()
        assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > 118


def test_what_is_no_terminal_gets_no_colour(traces):
    assert "\x1b" not in Run("show", traces).out


class Colourful(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A stream that passes for a terminal with colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Colourful()


def test_a_terminal_gets_colour(traces, terminal):
    main(["show", str(traces)], terminal)
    assert "\x1b[" in terminal.getvalue()


@pytest.mark.parametrize("option", ["--no-colour", "--no-color"])
def test_a_terminal_gets_none_on_demand(traces, terminal, option):
    main(["show", str(traces), option], terminal)
    assert "\x1b[" not in terminal.getvalue()
    assert "/menu/8" in terminal.getvalue()


def test_a_process_that_ended_without_a_word_is_told_from_one_that_runs(traces, monkeypatch):
    assert "32 is gone without a word" in Run("show", traces).out
    assert "31 is gone" not in Run("show", traces).out
    monkeypatch.setattr("tracer.journal.reader.alive", lambda path: True)
    assert "32 is still running" in Run("show", traces).out
    monkeypatch.setattr("tracer.journal.reader.alive", lambda path: None)
    unknown = Run("show", traces).out
    assert "gone without a word" not in unknown
    assert "still running" not in unknown


def test_what_was_skipped_is_told_beside_the_picture(traces):
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


def test_what_a_living_process_has_begun_and_not_written_is_counted(traces, monkeypatch):
    record = FlightRecord(traces / "32-2.flight")
    for number in (1, 2, 3):
        record.note(number, 1.7e9, 10**12, 7, 1, f"GET /menu/{number}")
    record.forget()
    monkeypatch.setattr("tracer.journal.reader.alive", lambda path: True)
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
    """As of two interpreters in one process, or of a pid that was used again."""
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


# -- show: json -----------------------------------------------------------------------------------


def test_json_is_one_document_of_all_processes(traces):
    run = Run("show", traces, "--format", "json")
    document = json.loads(run.out)
    assert document["format"] == 1
    assert [each["pid"] for each in document["processes"]] == [31, 32]
    assert [len(each["requests"]) for each in document["processes"]] == [8, 2]


def test_json_tells_of_each_process_where_it_came_from_and_how_it_went(traces):
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


# -- mistakes -------------------------------------------------------------------------------------


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path):
    run = Run("show", tmp_path / "nowhere")
    assert (run.status, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert f"{tmp_path / 'nowhere'} does not exist" in run.err


def test_an_empty_directory_is_one_sentence(tmp_path):
    run = Run("show", tmp_path)
    assert (run.status, run.out) == (1, "")
    assert run.err == f"{tmp_path} holds no journal. No process has written to it yet.\n"


def test_a_newer_format_is_one_sentence(tmp_path):
    (tmp_path / "1-1.jsonl").write_bytes(b'{"format":2,"journal":"tracer"}\n')
    run = Run("show", tmp_path)
    assert (run.status, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert "format 2" in run.err


def test_an_unknown_process_is_told_with_those_that_there_are(traces):
    run = Run("show", traces, "--process", 99)
    assert (run.status, run.out) == (1, "")
    assert run.err == "There is no process 99 in this journal; there is 31, 32.\n"


def test_an_unknown_request_is_told_with_those_that_there_are(traces):
    write(traces, "33-3", process(33, 99.0))
    run = Run("show", traces, "--request", 9)
    assert (run.status, run.out) == (1, "")
    there = "process 31 has 1 to 8; process 32 has 1 to 2; process 33 has none"
    assert run.err == f"There is no request 9 in this journal: {there}.\n"


def test_a_single_request_is_told_by_its_number(tmp_path):
    write(tmp_path, "31-1", *story(31, 1))
    assert Run("show", tmp_path, "--request", 2).err.endswith("process 31 has 1.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["draw", "x"], "invalid choice"),
        (["show"], "required"),
        (["show", "x", "--request", "0"], "'0' is neither a number from 1 on nor 'all'"),
        (["show", "x", "--request", "two"], "neither a number"),
        (["show", "x", "--width", "39"], "no number of columns from 40 on"),
        (["show", "x", "--width", "wide"], "no number of columns"),
        (["show", "x", "--process", "one"], "'one' is no process, such as 4711"),
        (["show", "x", "--only", "everything"], "invalid choice"),
        (["show", "x", "--format", "xml"], "invalid choice"),
        (["show", "x", "--request", "1", "--only", "ledger"], "does not go with --only ledger"),
        (["show", "x", "--format", "json", "--only", "ledger"], "does not go with --format json"),
        (["show", "x", "--format", "perfetto", "--only", "ledger"], "does not go with --format p"),
        (["show", "x", "--format", "json", "--width", "80"], "--width is for pictures"),
        (["show", "x", "--output", "y"], "--output takes a document"),
        (["watch", "x", "--request", "1"], "unrecognized"),
        (["run"], "name a command, as in: python -m tracer run -- python manage.py runserver"),
        (["run", "--"], "name a command"),
        (["run", "--journal", "x", "--"], "name a command"),
        (["run", "--journal"], "expected one argument"),
        (["watch", "x", "--output", "y"], "unrecognized"),
    ],
)
def test_a_wrong_use_is_explained_with_status_2(arguments, words, capsys):
    run = Run(*arguments)
    assert (run.status, run.out) == (2, "")
    told = capsys.readouterr().err
    assert words in told
    assert "usage: python -m tracer" in told


def test_the_version_can_be_asked_for(capsys):
    assert Run("--version").status == 0
    assert capsys.readouterr().out == "tracer 0.1.0\n"


def test_a_reader_that_has_seen_enough_ends_it_quietly(traces):
    """As `| head` does: the other end of the pipe is closed."""
    theirs, ours = os.pipe()
    os.close(theirs)
    err = io.StringIO()
    with os.fdopen(ours, "w") as out:
        assert main(["show", str(traces)], out, err) == 0
        out.flush()
    assert err.getvalue() == ""


class Broken(io.StringIO):
    """A stream without descriptor that cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_a_stream_that_nobody_reads_ends_it_quietly(traces):
    err = io.StringIO()
    assert main(["show", str(traces)], Broken(BrokenPipeError()), err) == 0
    assert err.getvalue() == ""


def test_a_stream_that_cannot_be_written_is_one_sentence(traces):
    err = io.StringIO()
    assert main(["show", str(traces)], Broken(OSError(28, "No space left on device")), err) == 1
    assert err.getvalue() == "The picture cannot be written: No space left on device.\n"


def test_an_interrupted_show_says_so_with_its_status(traces, monkeypatch):
    def interrupted(directory: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracer.cli.main.read", interrupted)
    assert Run("show", traces).status == 130


def test_show_is_a_program_that_knows_no_django(traces):
    """Nor does it import it: a journal can be read where no Django is."""
    code = (
        "import sys; sys.modules['django'] = None; from tracer.cli.main import main; "
        f"sys.exit(main(['show', {str(traces)!r}]))"
    )
    with start("-c", code) as program:
        out, err = program.communicate(timeout=180)
    assert (program.returncode, err) == (0, "")
    assert "/menu/8" in out


def test_show_ends_quietly_when_head_has_seen_enough(traces):
    with start("-m", "tracer", "show", traces, "--request", "all") as program:
        program.stdout.readline()
        program.stdout.close()
        program.wait(180)
        assert program.stderr.read() == ""
    assert program.returncode == 0
