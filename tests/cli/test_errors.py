"""Errors of the command line: each is one clear sentence with its exit status."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.support.command import Run, start
from tests.support.journals import process, story, write
from tracer.cli.main import main


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path):
    run = Run("show", tmp_path / "nowhere")
    assert (run.status, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert f"{tmp_path / 'nowhere'} does not exist" in run.err


def test_an_empty_directory_is_one_sentence(tmp_path):
    run = Run("show", tmp_path)
    assert (run.status, run.out) == (1, "")
    assert run.err == f"{tmp_path} holds no journal. No process has written to it yet.\n"


@pytest.mark.parametrize("version", [1, 3])
def test_a_journal_of_another_format_is_one_sentence(tmp_path, version):
    (tmp_path / "1-1.jsonl").write_bytes(b'{"format":%d,"journal":"tracer"}\n' % version)
    run = Run("show", tmp_path)
    assert (run.status, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert f"has journal format {version}" in run.err


def test_an_unknown_process_is_an_error_that_names_the_others(traces):
    run = Run("show", traces, "--process", 99)
    assert (run.status, run.out) == (1, "")
    assert run.err == "There is no process 99 in this journal; there is 31, 32.\n"


def test_an_unknown_request_is_an_error_that_names_the_others(traces):
    write(traces, "33-3", process(33, 99.0))
    run = Run("show", traces, "--request", 9)
    assert (run.status, run.out) == (1, "")
    there = "process 31 has 1 to 8; process 32 has 1 to 2; process 33 has none"
    assert run.err == f"There is no request 9 in this journal: {there}.\n"


def test_a_single_request_is_named_by_its_number(tmp_path):
    write(tmp_path, "31-1", *story(31, 1))
    assert Run("show", tmp_path, "--request", 2).err.endswith("process 31 has 1.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["draw", "x"], "invalid choice"),
        (["show"], "required"),
        (
            ["show", "x", "--request", "0"],
            "'0' is neither a request's number, 1 or more, nor 'all'",
        ),
        (["show", "x", "--request", "two"], "neither a request's number"),
        (["show", "x", "--width", "39"], "is not a number of columns, which is 40 or more"),
        (["show", "x", "--width", "wide"], "is not a number of columns"),
        (["show", "x", "--process", "one"], "'one' is not a process, such as 4711"),
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
def test_wrong_arguments_are_explained_with_status_2(arguments, words, capsys):
    run = Run(*arguments)
    assert (run.status, run.out) == (2, "")
    err = capsys.readouterr().err
    assert words in err
    assert "usage: python -m tracer" in err


def test_the_version_can_be_asked_for(capsys):
    assert Run("--version").status == 0
    assert capsys.readouterr().out == "tracer 0.1.0\n"


def test_a_closed_pipe_ends_the_command_without_an_error(traces):
    """`| head` closes its end of the pipe."""
    theirs, ours = os.pipe()
    os.close(theirs)
    err = io.StringIO()
    with os.fdopen(ours, "w") as out:
        assert main(["show", str(traces)], out, err) == 0
        out.flush()
    assert err.getvalue() == ""


class Broken(io.StringIO):
    """A stream without file descriptor that cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_a_closed_stream_ends_the_command_without_an_error(traces):
    err = io.StringIO()
    assert main(["show", str(traces)], Broken(BrokenPipeError()), err) == 0
    assert err.getvalue() == ""


def test_a_stream_that_cannot_be_written_is_one_sentence(traces):
    err = io.StringIO()
    assert main(["show", str(traces)], Broken(OSError(28, "No space left on device")), err) == 1
    assert err.getvalue() == "The picture cannot be written: No space left on device.\n"


def test_an_interrupted_show_has_exit_status_130(traces, monkeypatch):
    def interrupted(directory: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracer.cli.show.read", interrupted)
    assert Run("show", traces).status == 130


def test_show_ends_without_an_error_when_head_closes_the_pipe(traces):
    with start("-m", "tracer", "show", traces, "--request", "all") as program:
        program.stdout.readline()
        program.stdout.close()
        program.wait(180)
        assert program.stderr.read() == ""
    assert program.returncode == 0
