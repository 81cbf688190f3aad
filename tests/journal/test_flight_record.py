"""The flight record: whole notes come back as they were, and torn ones never pass for whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tracer.journal import flight_record, locks, writer
from tracer.journal.flight_record import SLOTS, Begun, Flight, Flown, read
from tracer.journal.writer import Journal
from tracer.model import Ended

ROOT = Path(writer.__file__).parents[2]


@pytest.fixture
def record(tmp_path):
    """A flight record that is being written."""
    made = Flight(tmp_path / "31-1.flight")
    yield made
    made.forget()


def noted(record: Flight, number: int, text: str = "GET /menu/") -> None:
    record.note(number, 1.5 + number, 1000 + number, 140_123_456_789_012, 3, text)


def numbers(path: Path) -> list[int]:
    return [each.number for each in read(path).begun]


def test_a_note_comes_back_as_it_was(record):
    noted(record, 1, "POST /menu/?page=…&q=…")
    assert read(record.path) == Flown(
        (Begun(1, 2.5, 1001, 140_123_456_789_012, 3, "POST", "/menu/?page=…&q=…"),)
    )


@pytest.mark.parametrize("path", ["", "/", "/日本/é", "/\udcff/\ud800", "/a b  c", "/\n\0\x1b[2J"])
def test_every_path_comes_back_as_it_was(record, path):
    noted(record, 7, f"GET {path}")
    (found,) = read(record.path).begun
    assert (found.method, found.path) == ("GET", path)


@pytest.mark.parametrize("end", ["", "x", "é", "日", "😀"])
def test_of_a_path_that_is_too_long_the_beginning_is_kept(record, end):
    """Also where the cut goes through a character."""
    for more in range(4):
        path = "/" + "x" * (flight_record.ROOM - 6 + more - len(end)) + end * 400
        noted(record, 1, f"GET {path}")
        (found,) = read(record.path).begun
        if len(f"GET {path}".encode()) <= flight_record.ROOM:
            assert found.path == path
        else:
            assert found.path.endswith("…")
            assert path.startswith(found.path[:-1])
            assert len(found.path) > flight_record.ROOM - 12


def test_a_path_longer_than_the_length_can_tell_is_cut_like_any_other(record):
    noted(record, 1, "GET /" + "x" * 200_000)
    (found,) = read(record.path).begun
    assert found.path == "/" + "x" * (flight_record.ROOM - 5) + "…"


def test_nothing_noted_is_nothing_known(record, tmp_path):
    assert read(record.path) == Flown()
    assert read(tmp_path / "32-1.flight") == Flown()


def test_what_is_no_flight_record_is_nothing(tmp_path):
    path = tmp_path / "31-1.flight"
    for data in (
        b"",
        b"x" * 10_000,
        flight_record.HEADER[:5],
        b"tracer flight record, format 2\n" * 99,
    ):
        path.write_bytes(data)
        assert read(path) == Flown()


def test_it_is_found_from_the_journal_beside_it(record):
    noted(record, 4)
    assert numbers(record.path.with_suffix(".jsonl")) == [4]


def test_the_newest_are_kept_when_the_ring_is_full(record):
    """More are kept than can be outstanding: 1,000 in flight and 2,000 that wait."""
    for number in range(1, 2 * SLOTS + 11):
        noted(record, number)
    assert numbers(record.path) == list(range(SLOTS + 11, 2 * SLOTS + 11))
    assert SLOTS > 3_000


def test_a_note_that_was_torn_is_counted_and_never_told(record):
    """Killed after any byte of it: told is the old note, or the new one, or that there was one."""
    noted(record, 5, "GET /old/" + "o" * 190)
    size = flight_record.SIZE // (SLOTS + 1)
    place = slice(6 * size, 7 * size)
    old = record.path.read_bytes()[place]
    noted(record, 5 + SLOTS, "GET /new/")
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
            assert found == Flown((), torn=1)


@pytest.mark.parametrize("seed", range(5))
def test_damage_never_raises(record, seed):
    noise = random.Random(seed)
    for number in range(1, 40):
        noted(record, number)
    data = bytearray(record.path.read_bytes())
    for _ in range(300):
        data[noise.randrange(len(flight_record.HEADER), 60 * 256)] = noise.randrange(256)
    record.path.write_bytes(data[: noise.randrange(30 * 256, len(data))])
    assert len(read(record.path).begun) <= SLOTS


def test_a_file_that_is_there_is_never_written_over(record):
    with pytest.raises(FileExistsError):
        Flight(record.path)
    noted(record, 1)
    assert numbers(record.path) == [1]


def test_its_end_removes_it_and_after_that_there_are_no_notes(record):
    noted(record, 1)
    record.close()
    assert not record.path.exists()
    with pytest.raises((TypeError, ValueError)):
        noted(record, 2)
    record.close()


def test_where_no_block_can_be_reserved_the_file_is_written_out(tmp_path, monkeypatch):
    def cannot(*arguments: object) -> None:
        raise OSError(flight_record.errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr(os, "posix_fallocate", cannot)
    made = Flight(tmp_path / "1-1.flight")
    assert made.path.stat().st_size == flight_record.SIZE
    noted(made, 1)
    assert numbers(made.path) == [1]
    made.close()
    monkeypatch.delattr(os, "posix_fallocate")
    made = Flight(tmp_path / "1-1.flight")
    assert made.path.stat().st_size == flight_record.SIZE
    made.close()


# -- beside a journal -----------------------------------------------------------------------------


def test_a_journal_has_one_from_when_it_has_a_file_until_it_is_over(tmp_path):
    journal = Journal(tmp_path)
    assert journal.fly() is None
    journal.append([Ended(1)])
    record = journal.fly()
    assert record is journal.fly()
    assert record.path == journal.path.with_suffix(".flight")
    noted(record, 1)
    journal.close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
    assert journal.fly() is None


def test_a_journal_that_can_no_longer_be_written_has_none(tmp_path, caplog):
    """What came after its end was not cut off, only not written."""
    journal = Journal(tmp_path)
    journal.append([Ended(1)])
    noted(journal.fly(), 1)
    journal.path.unlink()
    journal.append([Ended(2)])
    assert list(tmp_path.iterdir()) == []
    assert journal.over
    assert len(caplog.records) == 1


def test_without_locks_there_is_none(tmp_path, monkeypatch):
    """Nobody could tell whether what it holds was cut off, or is under way."""
    monkeypatch.setattr(writer, "fcntl", None)
    monkeypatch.setattr(locks, "fcntl", None)
    journal = Journal(tmp_path)
    journal.append([Ended(1)])
    assert journal.fly() is None
    journal.close()


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python that runs `code`; its output is readable as text."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


FULL = """
import logging, resource, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
print(journal.fly(), journal.fly())
journal.append([Ended(2)])
print(journal.lost)
"""


def test_where_there_is_no_room_for_it_the_journal_goes_on_without(tmp_path):
    """It is said once for each time it was tried, and nothing is left behind."""
    with child(FULL, tmp_path) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "None None\n0\n"
    assert "There is no flight record beside" in err
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


NOTING = """
import itertools, sys
from pathlib import Path
from tracer.journal.flight_record import Flight
flight = Flight(Path(sys.argv[1]))
for number in itertools.count(1):
    flight.note(number, 1.0, number, 7, 1, f"GET /menu/{number}/" + "x" * 100)
    if number == 5000:
        print("going", flush=True)
    if number == 50_000_000:
        sys.exit("nobody came")
"""


def test_after_kill_9_every_note_but_the_last_is_whole(tmp_path):
    path = tmp_path / "31-1.flight"
    with child(NOTING, path) as process:
        try:
            assert process.stdout.readline() == "going\n"
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


FORKED = """
import os, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
record = journal.fly()
record.note(1, 1.0, 1, 1, 1, "GET /parent/")
child = os.fork()
if not child:
    journal.close()
    try:
        record.note(2, 1.0, 1, 1, 1, "GET /child/")
    except (TypeError, ValueError):
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
record.note(3, 1.0, 1, 1, 1, "GET /parent/")
os._exit(0)
"""


def test_a_forked_child_leaves_its_parents_alone(tmp_path):
    """It neither writes to it nor removes it."""
    with child(FORKED, tmp_path) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    (path,) = tmp_path.glob("*.flight")
    assert [(each.number, each.path) for each in read(path).begun] == [
        (1, "/parent/"),
        (3, "/parent/"),
    ]
