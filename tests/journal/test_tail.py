"""The tail of a journal: each read returns what is new, whatever happens to the files."""

from __future__ import annotations

import shutil

from tests.journal.files import write_file
from tracer.journal import segments
from tracer.journal import tail as tail_module
from tracer.journal.decode import Decoder
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.journal.tail import Tail
from tracer.journal.writer import Journal
from tracer.model import Ended, Named


def facts_of(tail: Tail) -> list[object]:
    return [fact for new in tail.read() for fact in new.facts]


def test_each_read_returns_only_what_is_new(tmp_path):
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
    write_file(tmp_path / "2-100.jsonl", HEADER, encode(Ended(1)))
    assert facts_of(tail) == [Ended(1)]
    write_file(tmp_path / "1-200.jsonl", HEADER, encode(Ended(2)))
    assert facts_of(tail) == [Ended(2)]


def test_a_line_is_read_when_its_end_is_there(tmp_path):
    line = encode(Named(1, "Menu"))
    path = write_file(tmp_path / "1-1.jsonl", HEADER[:5])
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
    monkeypatch.setattr(tail_module, "_CHUNK", 16)
    facts = [Named(number, "x" * number) for number in range(60)]
    write_file(tmp_path / "1-1.jsonl", HEADER, *map(encode, facts))
    assert facts_of(Tail(tmp_path)) == facts


def test_a_read_ends_though_the_writer_is_faster(tmp_path, monkeypatch):
    """It goes no further than where the file ended when it was opened."""
    path = write_file(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)), encode(Ended(2)))
    decode = Decoder.decode

    def slow(self, line):
        with path.open("ab") as stream:
            stream.write(encode(Ended(9)))
        return decode(self, line)

    monkeypatch.setattr(Decoder, "decode", slow)
    tail = Tail(tmp_path)
    assert facts_of(tail) == [Ended(1), Ended(2)]
    assert facts_of(tail) == [Ended(9), Ended(9)]


def test_a_shortened_file_is_read_from_its_start(tmp_path):
    path = write_file(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)), encode(Ended(2)))
    tail = Tail(tmp_path)
    tail.read()
    write_file(path, HEADER, encode(Ended(3)))
    (new,) = tail.read()
    assert new.restarted
    assert new.facts == (Ended(3),)


def test_a_replaced_file_is_read_from_its_start(tmp_path):
    path = write_file(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    tail.read()
    write_file(tmp_path / "other", HEADER, encode(Ended(2)), encode(Ended(3))).replace(path)
    (new,) = tail.read()
    assert new.restarted
    assert new.facts == (Ended(2), Ended(3))


def test_a_directory_that_is_removed_and_made_again_is_read(tmp_path):
    path = write_file(tmp_path / "traces" / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(path.parent)
    tail.read()
    shutil.rmtree(path.parent)
    assert tail.read() == []
    write_file(path, HEADER, encode(Ended(2)))
    assert facts_of(tail) == [Ended(2)]


def test_a_file_that_vanishes_between_listing_and_reading_is_no_fault(tmp_path, monkeypatch):
    write_file(tmp_path / "1-1.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    listed = segments.processes(tmp_path)
    (path,) = listed
    path.unlink()
    monkeypatch.setattr(segments, "processes", lambda _: listed)
    assert tail.read() == []
    assert tail.notes(whole=True) == []


def test_other_files_are_read_beside_one_of_an_unknown_format(tmp_path):
    write_file(
        tmp_path / "1-1.jsonl", b'{"format":"\\u001b[31m","journal":"tracer"}\n', encode(Ended(9))
    )
    write_file(tmp_path / "1-2.jsonl", b'{"format":1,"journal":"tracer"}\n', encode(Ended(9)))
    write_file(tmp_path / "1-3.jsonl", HEADER, encode(Ended(1)))
    tail = Tail(tmp_path)
    assert facts_of(tail) == [Ended(1)]
    assert tail.read() == []
    assert "format 1" in tail.notes()[1]
    assert all(note.isprintable() for note in tail.notes())
