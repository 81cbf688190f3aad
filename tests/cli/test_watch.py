"""`python -m tracer watch`: processes that start, serve and end while it follows the journal."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command import Run, start, timelines
from tests.support.journals import process, request, write
from tracer.cli import watch
from tracer.journal.encode import encode
from tracer.journal.flight_record import FlightRecord
from tracer.journal.writer import Journal
from tracer.model import Ended, Fact


def watched(directory: Path, *steps: Callable[[], object]) -> Run:
    """Watches, takes one step between every two polls, and then interrupts."""
    left: Iterator[Callable[[], object]] = iter(steps)

    def pause() -> None:
        step = next(left, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    return Run("watch", directory, pause=pause)


@pytest.fixture
def living(monkeypatch):
    """Makes every process count as alive, though the test writes its file."""
    monkeypatch.setattr(watch, "is_alive", lambda path: True)


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


def test_watch_reports_a_process_that_was_killed(tmp_path):
    run = watched(
        tmp_path,
        lambda: write(tmp_path, "31-1", process(31)),
        lambda: None,
        lambda: None,
    )
    assert run.out.count("Process 31 is gone without a word.") == 1


def test_watch_reads_the_last_lines_of_a_process_before_it_reports_its_death(tmp_path):
    """The process may write its end after the file is read and before it is found dead."""
    path = tmp_path / "31-1.jsonl"
    run = watched(
        tmp_path,
        lambda: write(tmp_path, path.stem, process(31)),
        lambda: append(path, Ended(1)),
        lambda: None,
    )
    assert "Process 31 ended." in run.out
    assert "without a word" not in run.out


def test_watch_draws_nothing_of_processes_that_were_dead_before(traces):
    run = watched(traces, lambda: None, lambda: None)
    assert run.out == ""


def test_watch_on_a_system_that_cannot_say_who_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "is_alive", lambda path: None)
    write(tmp_path, "31-1", process(31), request(1), request(2))
    run = watched(tmp_path, lambda: None)
    assert run.out.strip() == "Process 31 has served 2 requests so far."


def test_watch_skips_files_without_a_process(tmp_path):
    write(tmp_path, "31-1", request(1))
    assert watched(tmp_path, lambda: None, lambda: None, lambda: None).out.strip() == ""


def test_watch_notes_once_what_it_cannot_read_and_goes_on(tmp_path):
    (tmp_path / "1-1.jsonl").write_bytes(b'{"format":1,"journal":"tracer"}\n')
    run = watched(tmp_path, lambda: None, lambda: None)
    assert run.status == 0
    assert run.err.count("format 1") == 1


class Lines:
    """The lines of a stream as they come, read in a thread so that waiting has a time-out."""

    def __init__(self, stream: Iterator[str]) -> None:
        self.queue: queue.Queue[str] = queue.Queue()
        self.thread = threading.Thread(target=self._read, args=[stream])
        self.thread.start()

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self.queue.put(line)

    def until(self, words: str) -> str:
        """Waits for the first line with these words and returns it."""
        while True:
            line = self.queue.get(timeout=180)
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
            assert program.wait(180) == 0
        finally:
            program.kill()
            out.thread.join(180)
            err.thread.join(180)
    assert err.queue.empty()


# -- the tree of processes ------------------------------------------------------------------------


def test_one_process_makes_no_tree(living, tmp_path):
    run = watched(tmp_path, lambda: write(tmp_path, "31-1", process(31)))
    assert "processes" not in run.out


@pytest.mark.usefixtures("living")
def test_watch_draws_the_tree_only_when_a_process_starts_or_ends(tmp_path):
    two = tmp_path / "32-2.jsonl"
    run = watched(
        tmp_path,
        lambda: write(tmp_path, "31-1", process(31), request(1)),
        lambda: write(tmp_path, "32-2", process(32), request(1)),
        lambda: append(two, request(2)),
        lambda: append(two, request(3)),
        lambda: append(two, Ended(1)),
        lambda: None,
    )
    trees = run.out.split("2 processes · ")[1:]
    assert len(trees) == 2
    assert trees[0].startswith("2 requests served")
    assert trees[1].startswith("4 requests served")
    for tree in trees:
        assert "1  not traced · began 2 processes" in tree
    (before,) = [line for line in trees[0].splitlines() if "└─ 32 " in line]
    (after,) = [line for line in trees[1].splitlines() if "└─ 32 " in line]
    assert "still running" in before
    assert "ended in order" in after


def test_processes_that_were_dead_before_are_not_in_the_tree(tmp_path, traces, monkeypatch):
    write(traces, "33-3", process(33))
    write(traces, "34-4", process(34))
    monkeypatch.setattr(watch, "is_alive", lambda path: path.name[:2] in ("33", "34"))
    run = watched(traces, lambda: None, lambda: None)
    assert run.out.count("2 processes · ") == 1
    assert "─ 33 " in run.out
    assert "─ 31 " not in run.out


def test_two_processes_of_one_pid_get_different_names(living, tmp_path):
    run = watched(
        tmp_path,
        lambda: write(tmp_path, "31-1", process(31), request(1)),
        lambda: write(tmp_path, "31-2", process(31), request(1)),
    )
    assert "Process 31 began" in run.out
    assert "Process 31b began" in run.out
    assert "process 31b · its request 1" in run.out
    assert "├─ 31 " in run.out
    assert "└─ 31b" in run.out


def test_requests_that_a_kill_cut_off_are_drawn(tmp_path):
    def dies() -> None:
        path = write(tmp_path, "31-1", process(31), request(1))
        record = FlightRecord(path.with_suffix(".flight"))
        for number in (1, 2, 3):
            record.note(number, 1.7e9, 10**12, 7, 1, f"GET /menu/{number}")
        record.forget()

    run = watched(tmp_path, dies, lambda: None, lambda: None)
    assert run.out.count("Process 31 is gone without a word; 2 requests cut off.") == 1
    assert timelines(run.out) == [(31, 1), (31, 2), (31, 3)]
    for number in (2, 3):
        (line,) = [line for line in run.out.splitlines() if f"/menu/{number} " in line]
        assert "cut off" in line
