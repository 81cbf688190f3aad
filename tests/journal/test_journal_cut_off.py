"""Requests that a flight record holds and the journal does not: cut off if the process is dead."""

from __future__ import annotations

import os

import pytest

from tracer.journal import segments
from tracer.journal.encode import encode
from tracer.journal.flight_record import SUFFIX, FlightRecord
from tracer.journal.format import HEADER
from tracer.journal.reader import read
from tracer.model import Ended, ThreadSeen


@pytest.fixture
def write_traces(tmp_path, started, served):
    """Returns a function that writes a journal with requests, and a flight record with others."""

    def make(written, noted, *more, pid=31):
        facts = [started(pid), ThreadSeen(1, "MainThread", 1), *map(served, written), *more]
        path = tmp_path / f"{pid}-1.jsonl"
        path.write_bytes(HEADER + encode(*facts))
        record = FlightRecord(path.with_suffix(SUFFIX))
        for number in noted:
            record.note(number, 1.7e9 + number, 10**12, 99, 1, f"GET /menu/?page={number}")
        record.forget()
        return path

    return make


def test_a_request_that_was_noted_and_never_written_was_cut_off(write_traces, tmp_path):
    write_traces([1, 2], [1, 2, 3, 4])
    (file,) = read(tmp_path).files
    process = file.load()
    assert [(each.number, each.ending) for each in process.requests] == [
        (1, "closed"), (2, "closed"), (3, "cut off"), (4, "cut off"),
    ]  # fmt: skip
    request = process.requests[2]
    assert (request.method, request.path, request.status) == ("GET", "/menu/?page=3", None)
    assert request.started == process.moment(10**12)
    assert (request.thread_name, request.duration) == ("MainThread", 0)
    assert (request.spans, request.births) == ((), ())
    assert process.served == 2
    assert file.pending == []


def test_a_request_that_was_noted_and_written_is_read_once_and_whole(write_traces, tmp_path):
    """Also if requests were written out of order."""
    write_traces([4, 1, 3], [2, 3, 4])
    (file,) = read(tmp_path).files
    endings = {each.number: each.ending for each in file.load().requests}
    assert endings == {1: "closed", 2: "cut off", 3: "closed", 4: "closed"}
    assert len(file.load().requests) == 4


def test_requests_of_a_living_process_are_pending(write_traces, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "is_alive", lambda path: True)
    write_traces([1], [1, 2, 3])
    (file,) = read(tmp_path).files
    assert [each.number for each in file.load().requests] == [1]
    assert file.pending == [2, 3]


def test_of_a_process_that_may_live_nothing_is_concluded(write_traces, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "is_alive", lambda path: None)
    write_traces([1], [1, 2, 3])
    (file,) = read(tmp_path).files
    assert [each.number for each in file.load().requests] == [1]
    assert file.pending == []


def test_a_process_that_ended_in_order_has_no_request_cut_off(write_traces, tmp_path):
    """It normally removes its flight record, too."""
    write_traces([1], [1, 2], Ended(10**12))
    (file,) = read(tmp_path).files
    assert [each.number for each in file.load().requests] == [1]


def test_a_process_killed_in_its_first_request_is_read_with_that_request(write_traces, tmp_path):
    write_traces([], [1])
    (file,) = read(tmp_path).files
    assert [each.cut_off for each in file.load().requests] == [True]


def test_a_torn_note_is_counted_in_a_note_for_the_reader(write_traces, tmp_path):
    path = write_traces([1], [1, 2]).with_suffix(SUFFIX)
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(3 * 256 + 255)
        stream.write(b"\xff")
    assert path.stat().st_size == size
    contents = read(tmp_path)
    assert [each.number for each in contents.files[0].load().requests] == [1]
    assert contents.notes == [
        f"{path}: 1 more began at the very end, of which nothing else is known."
    ]


def test_a_flight_record_without_its_journal_is_ignored(write_traces, tmp_path):
    write_traces([1], [1, 2]).unlink()
    write_traces([1], [1, 2], pid=32)
    assert [file.outline.about.pid for file in read(tmp_path).files] == [32]
    assert os.path.exists(tmp_path / "31-1.flight")
