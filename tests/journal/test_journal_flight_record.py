"""The flight record beside a journal: when there is one, and whose it is after a fork."""

from __future__ import annotations

from tests.journal.files import start_python
from tracer.journal import locks, segment_file
from tracer.journal.flight_record import FlightRecord, read
from tracer.journal.writer import Journal
from tracer.model import Ended


def note(record: FlightRecord, number: int) -> None:
    record.note(number, 1.0, 1000, 140_123_456_789_012, 3, "GET /menu/")


def test_a_journal_has_a_flight_record_while_it_has_a_file(tmp_path):
    journal = Journal(tmp_path)
    assert journal.open_flight_record() is None
    journal.append([Ended(1)])
    record = journal.open_flight_record()
    assert record is journal.open_flight_record()
    assert record.path == journal.path.with_suffix(".flight")
    note(record, 1)
    journal.close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
    assert journal.open_flight_record() is None


def test_a_journal_that_cannot_be_written_any_more_removes_its_flight_record(tmp_path, caplog):
    """Later requests are not written, but they were not cut off either."""
    journal = Journal(tmp_path)
    journal.append([Ended(1)])
    note(journal.open_flight_record(), 1)
    journal.path.unlink()
    journal.append([Ended(2)])
    assert list(tmp_path.iterdir()) == []
    assert journal.over
    assert len(caplog.records) == 1


def test_without_locks_there_is_no_flight_record(tmp_path, monkeypatch):
    """Without them it is not known whether a request was cut off or is in flight."""
    monkeypatch.setattr(segment_file, "fcntl", None)
    monkeypatch.setattr(locks, "fcntl", None)
    journal = Journal(tmp_path)
    journal.append([Ended(1)])
    assert journal.open_flight_record() is None
    journal.close()


FULL = """
import logging, resource, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
print(journal.open_flight_record(), journal.open_flight_record())
journal.append([Ended(2)])
print(journal.lost)
"""


def test_without_room_for_a_flight_record_the_journal_is_written_without_one(tmp_path):
    """Each attempt logs a warning, and no file is left over."""
    with start_python(FULL, tmp_path) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "None None\n0\n"
    assert "There is no flight record beside" in err
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


FORKED = """
import os, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
record = journal.open_flight_record()
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


def test_a_forked_child_neither_writes_nor_removes_its_parents_flight_record(tmp_path):
    """Closing the journal in the child only unmaps the file there."""
    with start_python(FORKED, tmp_path) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    (path,) = tmp_path.glob("*.flight")
    assert [(each.number, each.path) for each in read(path).begun] == [
        (1, "/parent/"),
        (3, "/parent/"),
    ]
