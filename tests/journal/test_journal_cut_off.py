"""What a flight record knows and the journal has not: told of the dead, and of them alone."""

from __future__ import annotations

import os

import pytest

from tracer.journal import reader
from tracer.journal.encode import encode
from tracer.journal.flight_record import SUFFIX, Flight
from tracer.journal.format import HEADER
from tracer.journal.reader import read
from tracer.model import Ended, ThreadSeen


@pytest.fixture
def left(tmp_path, started, served):
    """A maker of what a process left: these requests written, those noted as begun."""

    def make(written, noted, *more, pid=31):
        facts = [started(pid), ThreadSeen(1, "MainThread", 1), *map(served, written), *more]
        path = tmp_path / f"{pid}-1.jsonl"
        path.write_bytes(HEADER + b"".join(map(encode, facts)))
        record = Flight(path.with_suffix(SUFFIX))
        for number in noted:
            record.note(number, 1.7e9 + number, 10**12, 99, 1, f"GET /menu/?page={number}")
        record.forget()
        return path

    return make


def test_a_request_that_was_noted_and_never_written_was_cut_off(left, tmp_path):
    left([1, 2], [1, 2, 3, 4])
    (story,) = read(tmp_path).stories
    assert [(each.number, each.ending) for each in story.process.requests] == [
        (1, "closed"), (2, "closed"), (3, "cut off"), (4, "cut off"),
    ]  # fmt: skip
    request = story.process.requests[2]
    assert (request.method, request.path, request.status) == ("GET", "/menu/?page=3", None)
    assert (request.started, request.duration) == (1.7e9 + 3, 0)
    assert (request.thread_name, request.ident) == ("MainThread", 99)
    assert (request.spans, request.births) == ((), ())
    assert story.process.served == 2
    assert story.pending == ()


def test_whatever_was_written_meanwhile_is_told_once_and_whole(left, tmp_path):
    """Also if it was written out of order."""
    left([4, 1, 3], [2, 3, 4])
    (story,) = read(tmp_path).stories
    endings = {each.number: each.ending for each in story.process.requests}
    assert endings == {1: "closed", 2: "cut off", 3: "closed", 4: "closed"}
    assert len(story.process.requests) == 4


def test_of_a_living_process_they_are_pending_and_cut_off_is_nothing(left, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "alive", lambda path: True)
    left([1], [1, 2, 3])
    (story,) = read(tmp_path).stories
    assert [each.number for each in story.process.requests] == [1]
    assert [each.number for each in story.pending] == [2, 3]


def test_where_nobody_can_tell_who_lives_nothing_is_concluded(left, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "alive", lambda path: None)
    left([1], [1, 2, 3])
    (story,) = read(tmp_path).stories
    assert [each.number for each in story.process.requests] == [1]
    assert story.pending == ()


def test_of_a_process_that_ended_in_order_nothing_is_missing(left, tmp_path):
    """Its record is normally gone by then."""
    left([1], [1, 2], Ended(10**12))
    (story,) = read(tmp_path).stories
    assert [each.number for each in story.process.requests] == [1]


def test_a_process_killed_in_its_very_first_request_is_told(left, tmp_path):
    left([], [1])
    (story,) = read(tmp_path).stories
    assert [each.cut_off for each in story.process.requests] == [True]


def test_a_note_that_was_torn_is_told_of(left, tmp_path):
    path = left([1], [1, 2]).with_suffix(SUFFIX)
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(3 * 256 + 255)
        stream.write(b"\xff")
    assert path.stat().st_size == size
    reading = read(tmp_path)
    assert [each.number for each in reading.stories[0].process.requests] == [1]
    assert reading.notes == (f"{path}: 1 more began at the very end, and cannot be told.",)


def test_a_record_without_its_journal_is_nobodys(left, tmp_path):
    left([1], [1, 2]).unlink()
    left([1], [1, 2], pid=32)
    assert [story.process.about.pid for story in read(tmp_path).stories] == [32]
    assert os.path.exists(tmp_path / "31-1.flight")
