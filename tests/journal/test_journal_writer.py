"""The writer: one file for each process, one write for each batch, and never an exception."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading

import pytest

from tracer.journal import locks, segment_file
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.journal.writer import Journal
from tracer.model import Deaths, Ended, Named, Replaced


@pytest.fixture
def journal(tmp_path):
    """Yields a journal in a directory that does not exist yet."""
    journal = Journal(tmp_path / "deep" / "traces")
    yield journal
    journal.close()


@pytest.fixture
def warnings(caplog):
    """Returns a function that returns the warnings that the tracer has logged so far."""
    caplog.set_level(logging.WARNING, logger="tracer")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "tracer"]


def test_the_first_batch_creates_the_directory_and_the_file(journal):
    assert not journal.directory.exists()
    journal.append([Ended(1)])
    assert journal.path is not None
    assert list(journal.directory.iterdir()) == [journal.path]
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))


def test_a_file_says_whose_it_is_before_it_has_its_name(journal, monkeypatch):
    """A process that is killed at that moment leaves a hidden file, or one that can be read."""
    content = []

    def note(hidden, path):
        content.append(hidden.read_bytes())
        hidden.replace(path)

    monkeypatch.setattr(segment_file.os, "rename", note)
    journal.append([Ended(1)])
    assert content == [HEADER + encode(Ended(1))]


def test_a_process_without_facts_writes_no_file(journal):
    journal.append([])
    journal.close()
    assert not journal.directory.exists()


def test_the_file_is_named_for_the_process_and_its_start(tmp_path):
    journal = Journal(tmp_path, clock=lambda: 17)
    journal.append([Ended(1)])
    journal.close()
    assert journal.path == tmp_path / f"{os.getpid()}-17.jsonl"


def test_a_batch_is_one_write(journal, monkeypatch):
    journal.append([Ended(0)])
    sizes = []
    write = os.write
    monkeypatch.setattr(
        os, "write", lambda file, data: sizes.append(len(data)) or write(file, data)
    )
    batch = [Ended(1), Replaced((2, 3)), Named(3, "Menu"), Deaths()]
    journal.append(iter(batch))
    assert sizes == [len(b"".join(map(encode, batch)))]


def test_a_short_write_is_continued(journal, monkeypatch, warnings):
    journal.append([Ended(0)])
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    journal.append([Ended(1), Ended(2)])
    assert journal.path.read_bytes() == HEADER + b"".join(map(encode, map(Ended, range(3))))
    assert warnings() == []


def test_threads_that_write_at_once_never_mix_their_lines(journal):
    ready = threading.Barrier(8)

    def write(thread: int) -> None:
        ready.wait(120)
        for _ in range(200):
            journal.append([Named(thread, "x" * 200), Named(thread, "y" * 200)])

    threads = [threading.Thread(target=write, args=[thread]) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    lines = journal.path.read_bytes().splitlines()[1:]
    assert len(lines) == 8 * 200 * 2
    assert set(lines) == {
        encode(Named(thread, letter * 200)).strip() for thread in range(8) for letter in "xy"
    }


def test_a_full_disk_is_one_warning_and_the_loss_is_counted(journal, monkeypatch, warnings):
    journal.append([Ended(0)])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _full)
        journal.append([Ended(1), Ended(2)])
        journal.append([Ended(3)])
    assert len(warnings()) == 1
    assert "No space left on device" in warnings()[0]
    assert str(journal.directory) in warnings()[0]
    assert journal.lost == 3


def test_a_disk_that_is_full_at_once_leaves_no_file(journal, monkeypatch, warnings):
    """What was written of the first batch is lost with the rest of it."""
    write, lengths = os.write, iter([len(HEADER), 12])

    def write_less(file, data):
        length = next(lengths, 0)
        return write(file, data[:length]) if length else _full(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_less)
        journal.append([Ended(1), Ended(2), Ended(3)])
    assert len(warnings()) == 1
    assert journal.lost == 3
    assert list(journal.directory.iterdir()) == []


def test_after_a_gap_nothing_more_is_written_because_it_would_mislead(journal, monkeypatch):
    journal.append([Ended(0)])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _full)
        journal.append([Ended(1)])
    journal.append([Ended(2)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(0))
    assert journal.lost == 2


def _full(file: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_directory_that_goes_away_is_one_warning(journal, warnings):
    journal.append([Ended(0)])
    shutil.rmtree(journal.directory)
    journal.append([Ended(1), Ended(2)])
    journal.append([Ended(3)])
    assert len(warnings()) == 1
    assert "was removed" in warnings()[0]
    assert journal.lost == 3
    assert not journal.directory.exists()


def test_a_directory_that_cannot_be_made_is_one_warning(tmp_path, warnings):
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "traces")
    journal.append([Ended(1)])
    journal.append([Ended(2)])
    assert len(warnings()) == 1
    assert journal.lost == 2


def test_a_directory_that_may_not_be_written_is_one_warning(journal, monkeypatch, warnings):
    def denied(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", denied)
    journal.append([Ended(1)])
    assert len(warnings()) == 1
    assert "Permission denied" in warnings()[0]
    assert journal.lost == 1


def test_a_file_that_could_not_get_its_name_is_removed(journal, monkeypatch, warnings):
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", _full)
        journal.append([Ended(1)])
    assert list(journal.directory.iterdir()) == []
    assert journal.lost == 1
    assert len(warnings()) == 1


def test_a_fact_that_json_cannot_hold_is_one_warning(journal, warnings):
    """And costs no other fact its line."""
    journal.append([Ended(1), Ended(object())])
    journal.append([Ended(object()), Ended(2)])
    assert len(warnings()) == 1
    assert "TypeError" in warnings()[0]
    assert journal.lost == 2
    assert journal.path.read_bytes() == HEADER + encode(Ended(1), Ended(2))


def test_lines_of_names_are_not_counted_as_facts(journal, monkeypatch, served, warnings):
    """A request comes with the names that are new."""
    write = os.write
    journal.append([served(1)])
    size = journal.path.stat().st_size
    full = iter([size, OSError(errno.ENOSPC, "No space left on device")])

    def short(file, data):
        allowed = next(full)
        if isinstance(allowed, OSError):
            raise allowed
        return write(file, data[:allowed])

    monkeypatch.setattr(os, "write", short)
    journal.append([served(2), served(3, "/new/"), served(4)])
    assert len(warnings()) == 1
    whole = journal.path.read_bytes().count(b'["requests",')
    assert 1 <= 4 - journal.lost <= whole


def test_facts_after_the_close_are_counted_as_lost(journal, warnings):
    journal.append([Ended(1)])
    journal.close()
    journal.close()
    journal.append([Ended(2)])
    assert journal.lost == 1
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert warnings() == []


def test_a_file_system_that_counts_no_links_is_written_to(journal, monkeypatch, warnings):
    fstat = os.fstat

    def unlinked(file: int) -> os.stat_result:
        fields = list(fstat(file))
        fields[3] = 0
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", unlinked)
    journal.append([Ended(1)])
    journal.append([Ended(2)])
    assert warnings() == []
    assert journal.lost == 0


def test_without_locks_it_writes(journal, monkeypatch):
    monkeypatch.setattr(segment_file, "fcntl", None)
    monkeypatch.setattr(locks, "fcntl", None)
    journal.append([Ended(1)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert locks.alive(journal.path) is None


def test_a_file_system_that_refuses_locks_is_written_to(journal, monkeypatch, warnings):
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(segment_file.fcntl, "lockf", refuse)
    journal.append([Ended(1)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert warnings() == []
