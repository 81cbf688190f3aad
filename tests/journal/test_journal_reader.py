"""The reader: whole directories, growing files, and everything that may be wrong with them."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from tracer.journal import locks, reader
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.journal.reader import JournalError, Tail, read
from tracer.journal.writer import Journal
from tracer.model import Ended, Named


@pytest.fixture
def written(tmp_path, started, served):
    """Return a directory where a process wrote two requests and ended in an orderly way."""
    journal = Journal(tmp_path / "traces")
    journal.append([started(), served(1)])
    journal.append([served(2), Ended(5)])
    journal.close()
    return journal


def put(path, *parts: bytes):
    """Write a file by hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def facts_of(tail: Tail) -> list[object]:
    return [fact for news in tail.read() for fact in news.facts]


# -- a whole directory ----------------------------------------------------------------------------


def test_what_was_written_is_read(written, started, served):
    reading = read(written.directory)
    (process,) = reading.processes
    assert process.about == started()
    assert process.requests == (served(1), served(2))
    assert process.served == 2
    assert process.ended
    assert len(process.lifetimes) == 30
    assert reading.notes == ()
    assert reader.processes(written.directory) == [process]


def test_processes_come_oldest_first(tmp_path, started):
    for pid, at in ((30, 2.0), (10, 3.0), (20, 1.0)):
        journal = Journal(tmp_path)
        journal.append([started(pid, at)])
        journal.close()
    assert [process.about.pid for process in reader.processes(tmp_path)] == [20, 30, 10]


def test_a_reused_pid_is_another_process(tmp_path, started):
    for at in (1.0, 2.0):
        journal = Journal(tmp_path)
        journal.append([started(4711, at)])
        journal.close()
    assert [process.about.started for process in reader.processes(tmp_path)] == [1.0, 2.0]


def test_a_torn_last_line_is_skipped_and_told(written, served):
    with written.path.open("ab") as stream:
        stream.write(encode(served(3))[:500])
    reading = read(written.directory)
    assert reading.processes[0].served == 2
    assert reading.notes == (f"{written.path}: the last line skipped, being cut off.",)


def test_damaged_lines_are_skipped_counted_and_told(tmp_path, started, served):
    lines = [HEADER, encode(started()), b"junk\n", encode(served(1)), b'{"fact":"ended"}\n']
    path = put(tmp_path / "1-1.jsonl", *lines, encode(served(2)))
    reading = read(tmp_path)
    assert reading.processes[0].served == 2
    assert reading.notes == (f"{path}: 2 lines skipped, being damaged.",)


def test_facts_of_a_newer_tracer_are_skipped_and_told(tmp_path, started):
    path = put(tmp_path / "1-1.jsonl", HEADER, encode(started()), b'{"fact":"weather"}\n')
    reading = read(tmp_path)
    assert reading.notes == (f"{path}: 1 line skipped, written by a newer tracer.",)
    assert len(reading.stories) == 1


def test_an_unknown_format_names_the_file_and_the_mend(written, tmp_path):
    path = put(written.directory / "1-1.jsonl", b'{"format":9,"journal":"tracer"}\n')
    with pytest.raises(JournalError) as caught:
        read(written.directory)
    message = str(caught.value)
    assert str(path) in message
    assert "format 9" in message
    assert "reads format 1" in message
    assert "move it away" in message


def test_a_file_of_someone_else_is_passed_over_and_told(written):
    path = put(written.directory / "export.jsonl", b'{"id":1}\n{"id":2}\n')
    put(written.directory / "readme.txt", b"hello")
    reading = read(written.directory)
    assert len(reading.stories) == 1
    assert reading.notes == (f"{path} is not a tracer journal: its first line is no header.",)


def test_a_process_that_never_said_who_it_is_is_passed_over_and_told(written):
    path = put(written.directory / "1-1.jsonl", HEADER, encode(Ended(1)))
    reading = read(written.directory)
    assert len(reading.stories) == 1
    assert reading.notes == (f"{path}: skipped, as it does not say whose it is.",)


def test_a_file_that_may_not_be_read_is_passed_over_and_told(written, monkeypatch):
    path = put(written.directory / "1-1.jsonl", HEADER)

    def denied(name, *arguments):
        if name == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open(name, *arguments)

    monkeypatch.setattr(locks, "open", denied, raising=False)
    reading = read(written.directory)
    assert reading.notes == (f"{path} cannot be read: Permission denied.",)
    assert reader.alive(path) is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text(""), "is not a directory"),
        (lambda path: path.mkdir(), "No process has written to it yet"),
        (lambda path: put(path / "a.jsonl", b"{}\n"), "not a tracer journal"),
        (lambda path: put(path / "1-1.jsonl", HEADER), "No process has written to it yet"),
    ],
)
def test_a_place_without_a_journal_is_one_sentence_with_its_name(tmp_path, make, words):
    path = tmp_path / "place"
    make(path)
    with pytest.raises(JournalError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_directory_that_may_not_be_listed_is_one_sentence(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(JournalError, match="cannot be read: Permission denied"):
        read(tmp_path)


# -- a growing directory --------------------------------------------------------------------------


def test_each_read_tells_only_what_is_new(tmp_path):
    journal = Journal(tmp_path / "traces")
    tail = Tail(journal.directory)
    assert tail.read() == []
    journal.append([Ended(1)])
    assert facts_of(tail) == [Ended(1)]
    assert tail.read() == []
    journal.append([Ended(2), Ended(3)])
    assert facts_of(tail) == [Ended(2), Ended(3)]
    journal.close()


def test_files_that_appear_later_are_picked_up(tmp_path):
    tail = Tail(tmp_path)
    put(tmp_path / "2-100.jsonl", HEADER, encode(Ended(1)))
    assert facts_of(tail) == [Ended(1)]
    put(tmp_path / "1-200.jsonl", HEADER, encode(Ended(2)))
    assert facts_of(tail) == [Ended(2)]


def test_a_line_is_read_when_its_end_is_there(tmp_path):
    line = encode(Named(1, "Menu"))
    path = put(tmp_path / "1-1.jsonl", HEADER[:5])
    tail = Tail(tmp_path)
    assert tail.read() == []
    for part in (HEADER[5:], line[:9], line[9:-1]):
        with path.open("ab") as stream:
            stream.write(part)
        assert tail.read() == []
    assert tail.notes() == []
    with path.open("ab") as stream:
        stream.write(b"\n")
    assert facts_of(tail) == [Named(1, "Menu")]


def test_lines_longer_than_one_read_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "_CHUNK", 16)
    facts = [Named(number, "x" * number) for number in range(60)]
    put(tmp_path / "1-1.jsonl", HEADER, *map(encode, facts))
    assert facts_of(Tail(tmp_path)) == facts


def test_a_writer_that_is_faster_than_the_reader_does_not_hold_it(tmp_path, monkeypatch):
    """One read goes no further than where the file ended when it was opened."""
    path = put(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)), encode(Ended(2)))
    decode = reader.decode

    def slow(line):
        with path.open("ab") as stream:
            stream.write(encode(Ended(9)))
        return decode(line)

    monkeypatch.setattr(reader, "decode", slow)
    tail = Tail(tmp_path)
    assert facts_of(tail) == [Ended(1), Ended(2)]
    assert facts_of(tail) == [Ended(9), Ended(9)]


def test_a_file_that_was_cut_off_starts_again(tmp_path):
    path = put(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)), encode(Ended(2)))
    tail = Tail(tmp_path)
    tail.read()
    put(path, HEADER, encode(Ended(3)))
    (news,) = tail.read()
    assert news.restarted
    assert news.facts == (Ended(3),)


def test_a_file_that_was_replaced_starts_again(tmp_path):
    path = put(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    tail.read()
    put(tmp_path / "other", HEADER, encode(Ended(2)), encode(Ended(3))).replace(path)
    (news,) = tail.read()
    assert news.restarted
    assert news.facts == (Ended(2), Ended(3))


def test_a_directory_that_goes_and_comes_back_is_followed(tmp_path):
    path = put(tmp_path / "traces" / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(path.parent)
    tail.read()
    shutil.rmtree(path.parent)
    assert tail.read() == []
    put(path, HEADER, encode(Ended(2)))
    assert facts_of(tail) == [Ended(2)]


def test_a_file_that_vanishes_between_listing_and_reading_is_no_fault(tmp_path, monkeypatch):
    put(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    paths = tail.paths()
    paths[0].unlink()
    monkeypatch.setattr(tail, "paths", lambda: paths)
    assert tail.read() == []
    assert tail.notes(whole=True) == []


def test_following_goes_on_beside_a_file_of_an_unknown_format(tmp_path):
    put(tmp_path / "1-1.jsonl", b'{"format":"\\u001b[31m","journal":"tracer"}\n', encode(Ended(9)))
    put(tmp_path / "1-2.jsonl", b'{"format":2,"journal":"tracer"}\n', encode(Ended(9)))
    put(tmp_path / "1-3.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    assert facts_of(tail) == [Ended(1)]
    assert tail.read() == []
    assert "format 2" in tail.notes()[1]
    assert all(note.isprintable() for note in tail.notes())


# -- who is alive ---------------------------------------------------------------------------------


def test_a_file_nobody_locks_belongs_to_a_process_that_is_gone(tmp_path):
    assert reader.alive(put(tmp_path / "1-1.jsonl", HEADER)) is False


def test_of_a_file_that_is_not_there_nothing_can_be_told(tmp_path):
    assert reader.alive(tmp_path / "1-1.jsonl") is None
