"""The flight record: whole notes are read as they were written, torn ones are only counted."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from tests.journal.files import start_python
from tracer.journal import flight_record
from tracer.journal.flight_record import SLOTS, BegunRequest, FlightNotes, FlightRecord, read


@pytest.fixture
def record(tmp_path):
    """Yields a flight record that is open for writing."""
    made = FlightRecord(tmp_path / "31-1.flight")
    yield made
    made.forget()


def note(record: FlightRecord, number: int, text: str = "GET /menu/") -> None:
    record.note(number, 1.5 + number, 1000 + number, 140_123_456_789_012, 3, text)


def numbers(path: Path) -> list[int]:
    return [each.number for each in read(path).begun]


def test_a_note_is_read_as_it_was_written(record):
    note(record, 1, "POST /menu/?page=…&q=…")
    assert read(record.path) == FlightNotes(
        (BegunRequest(1, 2.5, 1001, 140_123_456_789_012, 3, "POST", "/menu/?page=…&q=…"),)
    )


@pytest.mark.parametrize("path", ["", "/", "/日本/é", "/\udcff/\ud800", "/a b  c", "/\n\0\x1b[2J"])
def test_every_path_is_read_as_it_was_noted(record, path):
    note(record, 7, f"GET {path}")
    (found,) = read(record.path).begun
    assert (found.method, found.path) == ("GET", path)


@pytest.mark.parametrize("end", ["", "x", "é", "日", "😀"])
def test_of_a_path_that_is_too_long_the_beginning_is_noted(record, end):
    """Also where the limit lies inside a character."""
    for more in range(4):
        path = "/" + "x" * (flight_record.TEXT_SIZE - 6 + more - len(end)) + end * 400
        note(record, 1, f"GET {path}")
        (found,) = read(record.path).begun
        if len(f"GET {path}".encode()) <= flight_record.TEXT_SIZE:
            assert found.path == path
        else:
            assert found.path.endswith("…")
            assert path.startswith(found.path[:-1])
            assert len(found.path) > flight_record.TEXT_SIZE - 12


def test_a_path_longer_than_the_length_field_can_state_is_cut_like_any_other(record):
    note(record, 1, "GET /" + "x" * 200_000)
    (found,) = read(record.path).begun
    assert found.path == "/" + "x" * (flight_record.TEXT_SIZE - 5) + "…"


def test_a_record_without_notes_and_a_missing_one_are_empty(record, tmp_path):
    assert read(record.path) == FlightNotes()
    assert read(tmp_path / "32-1.flight") == FlightNotes()


def test_a_file_of_another_format_is_read_as_empty(tmp_path):
    path = tmp_path / "31-1.flight"
    for data in (
        b"",
        b"x" * 10_000,
        flight_record.HEADER[:5],
        b"tracer flight record, format 2\n" * 99,
    ):
        path.write_bytes(data)
        assert read(path) == FlightNotes()


def test_it_is_found_by_the_path_of_the_journal_beside_it(record):
    note(record, 4)
    assert numbers(record.path.with_suffix(".jsonl")) == [4]


def test_a_full_ring_holds_the_newest_notes(record):
    """It holds more than there can be: 1,000 requests in flight and 2,000 that are not written."""
    for number in range(1, 2 * SLOTS + 11):
        note(record, number)
    assert numbers(record.path) == list(range(SLOTS + 11, 2 * SLOTS + 11))
    assert SLOTS > 3_000


def test_a_torn_note_is_counted_and_never_read(record):
    """After a kill at any byte, the slot is read as the old note, the new one, or a torn one."""
    note(record, 5, "GET /old/" + "o" * 190)
    size = flight_record.SIZE // (SLOTS + 1)
    place = slice(6 * size, 7 * size)
    old = record.path.read_bytes()[place]
    note(record, 5 + SLOTS, "GET /new/")
    whole = record.path.read_bytes()
    new = whole[place]
    for written in range(size + 1):
        slot = new[:written] + old[written:]
        record.path.write_bytes(whole[: place.start] + slot + whole[place.stop :])
        found = read(record.path)
        if slot == old:
            assert [each.path[:5] for each in found.begun] == ["/old/"]
        elif slot == new:
            assert [each.path for each in found.begun] == ["/new/"]
        else:
            assert found == FlightNotes((), torn=1)


@pytest.mark.parametrize("seed", range(5))
def test_damage_never_raises(record, seed):
    noise = random.Random(seed)
    for number in range(1, 40):
        note(record, number)
    data = bytearray(record.path.read_bytes())
    for _ in range(300):
        data[noise.randrange(len(flight_record.HEADER), 60 * 256)] = noise.randrange(256)
    record.path.write_bytes(data[: noise.randrange(30 * 256, len(data))])
    assert len(read(record.path).begun) <= SLOTS


def test_an_existing_file_is_never_overwritten(record):
    with pytest.raises(FileExistsError):
        FlightRecord(record.path)
    note(record, 1)
    assert numbers(record.path) == [1]


def test_close_removes_the_file_and_ends_the_notes(record):
    note(record, 1)
    record.close()
    assert not record.path.exists()
    with pytest.raises((TypeError, ValueError)):
        note(record, 2)
    record.close()


def test_where_no_block_can_be_reserved_the_file_is_filled_with_zeros(tmp_path, monkeypatch):
    def refuse(*arguments: object) -> None:
        raise OSError(flight_record.errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    made = FlightRecord(tmp_path / "1-1.flight")
    assert made.path.stat().st_size == flight_record.SIZE
    note(made, 1)
    assert numbers(made.path) == [1]
    made.close()
    monkeypatch.delattr(os, "posix_fallocate")
    made = FlightRecord(tmp_path / "1-1.flight")
    assert made.path.stat().st_size == flight_record.SIZE
    made.close()


def test_it_counts_how_often_its_process_was_asked_to_settle(record):
    """The asking leaves the notes as they are, and the notes the count."""
    assert record.asked == 0
    for count in (1, 2, 3):
        note(record, count)
        assert flight_record.ask_to_settle(record.path.with_suffix(".jsonl"))
        assert record.asked == count
    assert numbers(record.path) == [1, 2, 3]


def test_it_is_asked_no_more_once_it_is_closed(record):
    assert flight_record.ask_to_settle(record.path)
    record.close()
    assert record.asked == 0
    assert not flight_record.ask_to_settle(record.path)


@pytest.mark.parametrize("data", [b"", flight_record.HEADER, b"x" * 10_000])
def test_a_process_without_a_flight_record_cannot_be_asked(tmp_path, data):
    """There is no file, a part of one, or another."""
    path = tmp_path / "31-1.flight"
    assert not flight_record.ask_to_settle(path)
    path.write_bytes(data)
    assert not flight_record.ask_to_settle(path)
    assert path.read_bytes() == data


NOTING = """
import itertools, sys
from pathlib import Path
from tracer.journal.flight_record import FlightRecord
flight = FlightRecord(Path(sys.argv[1]))
for number in itertools.count(1):
    flight.note(number, 1.0, number, 7, 1, f"GET /menu/{number}/" + "x" * 100)
    if number == 5000:
        print("writing", flush=True)
    if number == 50_000_000:
        sys.exit("was not killed")
"""


def test_after_kill_9_every_note_but_the_last_is_whole(tmp_path):
    path = tmp_path / "31-1.flight"
    with start_python(NOTING, path) as process:
        try:
            assert process.stdout.readline() == "writing\n"
            os.kill(process.pid, signal.SIGKILL)
            process.wait(120)
        finally:
            process.kill()
    found = read(path)
    assert found.torn <= 1
    newest = found.begun[-1].number
    assert newest >= 5000
    assert len(found.begun) >= SLOTS - 1
    assert [each.number for each in found.begun] == sorted(
        range(newest - len(found.begun) + 1, newest + 1)
    )
    for each in found.begun:
        assert each.path == f"/menu/{each.number}/" + "x" * 100
        assert each.begun == each.number
