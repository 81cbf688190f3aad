"""The command line: what a journal holds is drawn, and every mistake is one clear sentence."""

from __future__ import annotations

import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracer import cli, follow
from tracer.cli import main
from tracer.journal.format import HEADER, encode
from tracer.journal.writer import Journal
from tracer.model import (
    Barrier,
    Birth,
    Deaths,
    Died,
    Ended,
    Fact,
    ProcessStarted,
    Request,
    Span,
)

ROOT = Path(cli.__file__).parents[1]
BEGUN = 10**12
GAP = 10**8


def process(pid: int, started: float = 1_700_000_000.0) -> ProcessStarted:
    return ProcessStarted(pid, 1, "gunicorn", "sync worker", "3.11.7", "5.2.1", started, BEGUN)


def request(number: int, path: str = "/menu/") -> Request:
    """Return a request with one view, which lives until the next collection."""
    begun = BEGUN + number * GAP
    return Request(
        number=number,
        method="GET",
        path=f"{path}{number}",
        status=200,
        thread=1,
        thread_name="MainThread",
        ident=7,
        started=1_700_000_000.0 + number,
        begun=begun,
        closed=begun + 6_000_000,
        size=1_923,
        watching=100_000,
        spans=(
            Span("request", f"GET {path}{number}", None, 0, 6_000_000, None, 1),
            Span("view", "cafe.views.Menu.get", 0, 1_000_000, 5_000_000, number, 1),
        ),
        births=(Birth(number, "view", "cafe.views.Menu", "Menu", begun + 1_000_000, 1),),
        seen=((number, 1),),
    )


def story(pid: int, requests: int, *more: Fact) -> list[Fact]:
    served = [request(number) for number in range(1, requests + 1)]
    at = BEGUN + requests * GAP + GAP // 2
    deaths = [Deaths((Died(number, at, "collector", 7),)) for number in range(1, requests + 1)]
    return [process(pid, float(pid)), *served, *deaths, Barrier(at + 1, "collector"), *more]


def write(directory: Path, name: str, *facts: Fact) -> Path:
    """Write a file as a process that is gone would have left it."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.jsonl"
    path.write_bytes(HEADER + b"".join(map(encode, facts)))
    return path


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A journal of two processes: 31 served eight requests and ended, 32 served two."""
    directory = tmp_path / "traces"
    write(directory, "31-1", *story(31, 8, Ended(BEGUN + 10 * GAP)))
    write(directory, "32-2", *story(32, 2))
    return directory


class Run:
    """One run of the command in this process."""

    def __init__(self, *arguments: object, pause: Callable[[], None] | None = None) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.status = main([str(each) for each in arguments], out, err, pause)
        self.out, self.err = out.getvalue(), err.getvalue()


def timelines(text: str) -> list[tuple[int, int]]:
    """Return the process and number of each request whose timeline is drawn."""
    found = re.findall(r"process (\d+) · its request (\d+)", text)
    return [(int(pid), int(number)) for pid, number in found]


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
    pictures = {name: Run("show", traces, "--process", 31, "--only", name) for name in cli.PICTURES}
    assert all(run.status == 0 and run.out.strip() and not run.err for run in pictures.values())
    assert len({run.out for run in pictures.values()}) == len(cli.PICTURES)


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
    assert "without a word" not in unknown
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


# -- show: json -----------------------------------------------------------------------------------


def test_json_is_one_document_of_all_processes(traces):
    run = Run("show", traces, "--format", "json")
    document = json.loads(run.out)
    assert document["format"] == 1
    assert [each["pid"] for each in document["processes"]] == [31, 32]
    assert [len(each["requests"]) for each in document["processes"]] == [8, 2]


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
        (["show", "x", "--process", "one"], "invalid int"),
        (["show", "x", "--only", "everything"], "invalid choice"),
        (["show", "x", "--format", "xml"], "invalid choice"),
        (["show", "x", "--request", "1", "--only", "ledger"], "does not go with --only ledger"),
        (["show", "x", "--format", "json", "--only", "ledger"], "does not go with --format json"),
        (["watch", "x", "--request", "1"], "unrecognized"),
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


# -- watch ----------------------------------------------------------------------------------------


def watched(directory: Path, *steps: Callable[[], object]) -> Run:
    """Watch, taking one step between every two looks, and then interrupt."""
    left: Iterator[Callable[[], object]] = iter(steps)

    def pause() -> None:
        step = next(left, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    return Run("watch", directory, pause=pause)


@pytest.fixture
def living(monkeypatch):
    """Every process passes for alive, though its file is written by a test."""
    monkeypatch.setattr(follow, "alive", lambda path: True)


def append(path: Path, *facts: Fact) -> None:
    with path.open("ab") as stream:
        stream.write(b"".join(map(encode, facts)))


@pytest.mark.usefixtures("living")
def test_watch_draws_each_new_request_with_its_process(tmp_path):
    path = write(tmp_path, "31-1", process(31), request(1))
    run = watched(
        tmp_path,
        lambda: append(path, request(2)),
        lambda: append(path, request(3), request(4)),
    )
    assert run.status == 0
    assert run.err == f"Watching {tmp_path}; Ctrl-C ends.\n"
    assert "Process 31 is running and has served 1 request so far." in run.out
    assert timelines(run.out) == [(31, 2), (31, 3), (31, 4)]


@pytest.mark.usefixtures("living")
def test_watch_may_begin_before_there_is_a_directory(tmp_path):
    directory = tmp_path / "traces"
    run = watched(
        directory,
        lambda: write(directory, "31-1", process(31), request(1)),
        lambda: write(directory, "32-2", process(32), request(1), request(2), Ended(1)),
    )
    assert run.status == 0
    began = "began: gunicorn sync worker, Python 3.11.7, Django 5.2.1."
    assert f"Process 31 {began}" in run.out
    assert f"Process 32 {began}" in run.out
    assert timelines(run.out) == [(31, 1), (32, 1), (32, 2)]
    assert "Process 32 ended." in run.out


@pytest.mark.usefixtures("living")
def test_watch_draws_the_newest_and_counts_the_others_when_many_come_at_once(tmp_path):
    path = write(tmp_path, "31-1", process(31))
    run = watched(tmp_path, lambda: append(path, *map(request, range(101, 301))))
    assert "188 requests of Process 31 are not drawn." in run.out
    assert timelines(run.out) == [(31, number) for number in range(289, 301)]


@pytest.mark.usefixtures("living")
def test_watch_begins_anew_with_a_file_that_was_replaced(tmp_path):
    path = write(tmp_path, "31-1", process(31), request(1), request(2))
    run = watched(tmp_path, lambda: write(tmp_path, path.stem, process(39), request(7)))
    assert "Process 39 began" in run.out
    assert timelines(run.out) == [(39, 7)]


def test_watch_tells_of_a_process_that_is_gone_without_a_word(tmp_path):
    run = watched(
        tmp_path,
        lambda: write(tmp_path, "31-1", process(31)),
        lambda: None,
        lambda: None,
    )
    assert run.out.count("Process 31 is gone without a word.") == 1


def test_watch_believes_a_word_that_comes_just_before_the_end(tmp_path):
    """Between reading the file and seeing its process dead, the process may have said so."""
    path = tmp_path / "31-1.jsonl"
    run = watched(
        tmp_path,
        lambda: write(tmp_path, path.stem, process(31)),
        lambda: append(path, Ended(1)),
        lambda: None,
    )
    assert "Process 31 ended." in run.out
    assert "without a word" not in run.out


def test_watch_is_silent_about_processes_that_were_gone_before(traces):
    run = watched(traces, lambda: None, lambda: None)
    assert run.out == ""


def test_watch_where_nobody_can_tell_who_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "alive", lambda path: None)
    write(tmp_path, "31-1", process(31), request(1), request(2))
    run = watched(tmp_path, lambda: None)
    assert run.out.strip() == "Process 31 has served 2 requests so far."


def test_watch_passes_over_who_never_said_who_they_are(tmp_path):
    write(tmp_path, "31-1", request(1))
    assert watched(tmp_path, lambda: None, lambda: None, lambda: None).out.strip() == ""


def test_watch_tells_once_what_it_cannot_read_and_goes_on(tmp_path):
    (tmp_path / "1-1.jsonl").write_bytes(b'{"format":2,"journal":"tracer"}\n')
    run = watched(tmp_path, lambda: None, lambda: None)
    assert run.status == 0
    assert run.err.count("format 2") == 1


def test_an_interrupted_show_says_so_with_its_status(traces, monkeypatch):
    def interrupted(directory: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "read", interrupted)
    assert Run("show", traces).status == 130


# -- as real programs -----------------------------------------------------------------------------


def start(*arguments: object) -> subprocess.Popen[str]:
    environ = {key: value for key, value in os.environ.items() if "DJANGO" not in key}
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
    )


def test_show_is_a_program_that_knows_no_django(traces):
    """Nor does it import it: a journal can be read where no Django is."""
    code = (
        "import sys; sys.modules['django'] = None; from tracer.cli import main; "
        f"sys.exit(main(['show', {str(traces)!r}]))"
    )
    with start("-c", code) as program:
        out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "")
    assert "/menu/8" in out


def test_show_ends_quietly_when_head_has_seen_enough(traces):
    with start("-m", "tracer", "show", traces, "--request", "all") as program:
        program.stdout.readline()
        program.stdout.close()
        program.wait(60)
        assert program.stderr.read() == ""
    assert program.returncode == 0


class Lines:
    """The lines of a stream as they come, each within a time."""

    def __init__(self, stream: Iterator[str]) -> None:
        self.queue: queue.Queue[str] = queue.Queue()
        self.thread = threading.Thread(target=self._read, args=[stream])
        self.thread.start()

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self.queue.put(line)

    def until(self, words: str) -> str:
        """Return the first line with these words."""
        while True:
            line = self.queue.get(timeout=60)
            if words in line:
                return line


def test_watch_is_a_program_that_follows_until_it_is_interrupted(tmp_path):
    directory = tmp_path / "traces"
    program = start("-m", "tracer", "watch", directory)
    with program:
        out, err = Lines(program.stdout), Lines(program.stderr)
        try:
            err.until("Watching")
            journal = Journal(directory)
            journal.append([process(os.getpid())])
            out.until(f"Process {os.getpid()} began")
            journal.append([request(1)])
            assert f"process {os.getpid()}" in out.until("/menu/1")
            journal.append([request(2)])
            out.until("/menu/2")
            journal.append([Ended(1)])
            journal.close()
            out.until("ended")
            program.send_signal(signal.SIGINT)
            assert program.wait(60) == 0
        finally:
            program.kill()
            out.thread.join(60)
            err.thread.join(60)
    assert err.queue.empty()
