"""The reader: whole directories, and everything that may be wrong with them."""

from __future__ import annotations

import errno
import os

import pytest

from tests.journal.files import write_file
from tracer.journal import locks
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.journal.locks import alive
from tracer.journal.reader import processes, read
from tracer.journal.segments import JournalError
from tracer.journal.writer import Journal
from tracer.model import Ended


@pytest.fixture
def written(tmp_path, started, served):
    """Returns the journal of a process that served two requests and ended in an orderly way."""
    journal = Journal(tmp_path / "traces")
    journal.append([started(), served(1)])
    journal.append([served(2), Ended(5)])
    journal.close()
    return journal


def test_what_was_written_is_read(written, started, served):
    reading = read(written.directory)
    (file,) = reading.files
    process = file.load()
    assert process.about == started()
    assert [request.number for request in process.requests] == [1, 2]
    assert [len(request.spans) for request in process.requests] == [30, 30]
    assert process.served == 2
    assert process.ended
    assert len(process.lifetimes) == 30
    assert reading.notes == []
    (again,) = processes(written.directory)
    assert again.lifetimes == process.lifetimes


def test_the_outline_says_who_and_which_requests_and_no_more(written, started):
    (file,) = read(written.directory).files
    process = file.outline
    assert (process.about, process.served, process.ended) == (started(), 2, True)
    assert [(each.number, each.path) for each in process.requests] == [
        (1, "/menu/?page=*"), (2, "/menu/?page=*"),
    ]  # fmt: skip
    assert (process.lifetimes, process.ledger) == ((), ())
    assert [request.spans for request in process.requests] == [(), ()]


def test_few_requests_are_remembered_where_a_picture_needs_no_more(tmp_path, started, served):
    journal = Journal(tmp_path)
    journal.append([started(), *map(served, range(1, 31))])
    journal.close()
    (file,) = read(tmp_path).files
    process = file.load(keep=4, always={1, 9})
    assert [request.number for request in process.requests] == [1, 9, 27, 28, 29, 30]
    assert process.served == 30
    (row,) = process.ledger
    assert (row.built, row.requests) == (450, 30)


def test_processes_come_oldest_first(tmp_path, started):
    for pid, at in ((30, 2.0), (10, 3.0), (20, 1.0)):
        journal = Journal(tmp_path)
        journal.append([started(pid, at)])
        journal.close()
    assert [process.about.pid for process in processes(tmp_path)] == [20, 30, 10]


def test_a_reused_pid_is_another_process(tmp_path, started):
    for at in (1.0, 2.0):
        journal = Journal(tmp_path)
        journal.append([started(4711, at)])
        journal.close()
    assert [process.about.started for process in processes(tmp_path)] == [1.0, 2.0]


def test_a_cut_off_last_line_is_skipped_with_a_note(written, served):
    with written.path.open("ab") as stream:
        stream.write(encode(served(3))[:500])
    reading = read(written.directory)
    assert reading.files[0].outline.served == reading.files[0].load().served == 2
    assert reading.notes == [f"{written.path}: the last line skipped, being cut off."]


def test_damaged_lines_are_skipped_and_counted_in_a_note(tmp_path, started, served):
    lines = [HEADER, encode(started()), b"junk\n", encode(served(1)), b'["ended"]\n']
    path = write_file(tmp_path / "1-1.jsonl", *lines)
    reading = read(tmp_path)
    assert reading.files[0].load().served == 1
    assert reading.notes == [f"{path}: 2 lines skipped, being damaged."]


def test_facts_of_a_newer_tracer_are_skipped_with_a_note(tmp_path, started):
    path = write_file(tmp_path / "1-1.jsonl", HEADER, encode(started()), b'["weather"]\n')
    reading = read(tmp_path)
    assert reading.notes == [f"{path}: lines of a newer tracer skipped: 'weather'."]
    assert len(reading.files) == 1


@pytest.mark.parametrize("version", [1, 9])
def test_a_file_of_another_format_is_skipped_with_a_note_that_says_the_mend(written, version):
    header = b'{"format":%d,"journal":"tracer"}\n' % version
    path = write_file(written.directory / "1-1.jsonl", header, b"anything\n")
    reading = read(written.directory)
    assert len(reading.files) == 1
    (note,) = reading.notes
    assert note.startswith(f"{path} has journal format {version}, and this tracer reads format 2:")
    assert note.endswith("or move it away.")


def test_a_journal_of_an_older_format_alone_is_one_sentence(tmp_path):
    path = write_file(tmp_path / "1-1.jsonl", b'{"format":1,"journal":"tracer"}\n{"fact":1}\n')
    with pytest.raises(JournalError, match="has journal format 1") as caught:
        read(tmp_path)
    assert str(path) in str(caught.value)


def test_what_is_no_regular_file_is_passed_over(written):
    """Opening a pipe that nobody writes to would wait for ever."""
    os.mkfifo(written.directory / "1-2.jsonl")
    (written.directory / "1-3.jsonl").mkdir()
    (written.directory / "1-4.jsonl").symlink_to("nowhere")
    reading = read(written.directory)
    assert [file.path for file in reading.files] == [written.path]
    assert reading.notes == []


def test_a_file_of_another_program_is_skipped_with_a_note(written):
    path = write_file(written.directory / "export.jsonl", b'{"id":1}\n{"id":2}\n')
    write_file(written.directory / "readme.txt", b"hello")
    reading = read(written.directory)
    assert len(reading.files) == 1
    assert reading.notes == [f"{path} is not a tracer journal: its first line is no header."]


def test_a_file_that_does_not_name_its_process_is_skipped_with_a_note(written):
    path = write_file(written.directory / "1-1.jsonl", HEADER, encode(Ended(1)))
    reading = read(written.directory)
    assert len(reading.files) == 1
    assert reading.notes == [f"{path}: skipped, as it does not say whose it is."]


def test_a_file_that_may_not_be_read_is_skipped_with_a_note(written, monkeypatch):
    path = write_file(written.directory / "1-1.jsonl", HEADER)

    def denied(name, *arguments):
        if name == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open(name, *arguments)

    monkeypatch.setattr(locks, "open", denied, raising=False)
    reading = read(written.directory)
    assert reading.notes == [f"{path} cannot be read: Permission denied."]
    assert alive(path) is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text(""), "is not a directory"),
        (lambda path: path.mkdir(), "No process has written to it yet"),
        (lambda path: write_file(path / "a.jsonl", b"{}\n"), "not a tracer journal"),
        (lambda path: write_file(path / "1-1.jsonl", HEADER), "No process has written to it yet"),
    ],
)
def test_a_place_without_a_journal_raises_one_sentence_with_its_name(tmp_path, make, words):
    path = tmp_path / "place"
    make(path)
    with pytest.raises(JournalError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_directory_that_may_not_be_listed_raises_one_sentence(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(JournalError, match="cannot be read: Permission denied"):
        read(tmp_path)
