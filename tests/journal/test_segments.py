"""The segments of a journal: one story in several files, of which the oldest may be gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.journal.files import start_python, write_file
from tests.support.journals import process, request, story
from tests.support.waiting import until
from tracer.journal import segments, writer
from tracer.journal.encode import encode
from tracer.journal.flight_record import SUFFIX, FlightRecord
from tracer.journal.format import HEADER
from tracer.journal.reader import read
from tracer.journal.segments import Segment
from tracer.journal.tail import Tail
from tracer.journal.writer import Journal
from tracer.model import Ended, History, SegmentBegan


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few kilobytes."""
    monkeypatch.setattr(writer, "SEGMENT", 3_000)


class Writer:
    """A process that writes its journal, and counts as a running one does."""

    def __init__(self, directory: Path, limit: int | None = None, started: int = 1) -> None:
        self.journal = Journal(directory, clock=lambda: started, limit=limit)
        self.history = History(keep=4)

    def serve(self, requests: int) -> Writer:
        """Writes what happened, fact by fact."""
        for fact in story(os.getpid(), requests):
            if self.journal.is_full:
                self.journal.begin_segment(self.history.opening(), self.history.newest)
            self.history.feed(fact)
            self.journal.append([fact])
        self.journal.close()
        return self


def names(directory: Path) -> list[str]:
    """The files' names without the pid."""
    return sorted(path.name.partition("-")[2] for path in directory.iterdir())


@pytest.mark.usefixtures("small")
def test_a_story_in_several_segments_is_told_as_in_one(tmp_path: Path) -> None:
    """What a segment repeats of the ones before it is not told twice."""
    Writer(tmp_path).serve(100)
    several = len(list(tmp_path.iterdir()))
    assert several > 3
    (file,) = read(tmp_path).files
    told = file.load()
    alone = History()
    for fact in story(os.getpid(), 100):
        alone.feed(fact)
    whole = alone.snapshot()
    assert (told.served, told.lifetimes, told.ledger) == (100, whole.lifetimes, whole.ledger)
    assert [each.number for each in file.outline.requests] == list(range(1, 101))
    assert file.notes == []


@pytest.mark.usefixtures("small")
def test_where_the_oldest_segments_are_gone_the_story_begins_later(tmp_path: Path) -> None:
    """It counts from there; what lived by then is known, and was built before."""
    Writer(tmp_path).serve(100)
    first = tmp_path / f"{os.getpid()}-1.jsonl"
    first.unlink()
    segments.path_of(first, 2).unlink()
    (file,) = read(tmp_path).files
    told = file.load()
    lowest = told.requests[0].number
    assert told.about.pid == os.getpid()
    assert 1 < lowest < 100
    assert told.served == len(told.requests) == 101 - lowest
    before = [life for life in told.lifetimes if life.phase == "before"]
    assert {life.id for life in before} == set(range(1, lowest))
    assert all(life.freed == "collector" for life in told.lifetimes)
    assert [note for note in file.notes if "the 2 oldest segments are removed" in note]


@pytest.mark.usefixtures("small")
def test_a_segment_that_is_missing_in_between_cuts_the_story(tmp_path: Path) -> None:
    """What stands before the gap cannot be counted together with what stands behind it."""
    Writer(tmp_path).serve(100)
    first = tmp_path / f"{os.getpid()}-1.jsonl"
    segments.path_of(first, 3).unlink()
    (file,) = read(tmp_path).files
    assert file.path == first
    assert file.load().requests[0].number > 20
    assert len(segments.without_gap(segments.of_process(first))) < len(list(tmp_path.iterdir()))


@pytest.mark.usefixtures("small")
def test_a_reader_of_a_growing_journal_follows_from_segment_to_segment(tmp_path: Path) -> None:
    """Each fact comes once, and the process is one."""
    facts = story(os.getpid(), 60)
    made, tail, found = Writer(tmp_path), Tail(tmp_path), []
    for fact in facts:
        if made.journal.is_full:
            made.journal.begin_segment(made.history.opening(), made.history.newest)
        made.history.feed(fact)
        made.journal.append([fact])
        for news in tail.read():
            assert not news.restarted
            assert news.path == made.journal.path
            found += news.facts
    made.journal.close()
    assert [type(each) for each in found] == [type(each) for each in facts]
    assert tail.notes(whole=True) == []


def test_a_segment_is_followed_when_it_is_mostly_news(tmp_path: Path, small: None) -> None:
    """However much the head has to repeat, the journal does not grow by heads."""
    journal = Journal(tmp_path)
    journal.append([process(1)])
    heavy = [request(number) for number in range(50)]
    journal.begin_segment(heavy, 50)
    assert segments.path_of(journal.path, 2).stat().st_size > 3 * writer.SEGMENT
    written = 0
    while not journal.is_full:
        journal.append([request(written)])
        written += 1
    journal.close()
    assert written > 30


@pytest.mark.usefixtures("small")
def test_the_oldest_segments_make_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of dead processes and of this one, oldest first; one line in the log says so."""
    old = write_file(tmp_path / "1-1.jsonl", HEADER, encode(*story(1, 100)))
    os.utime(old, (1, 1))
    limit = 25_000
    made = Writer(tmp_path, limit, started=2).serve(100)
    assert not old.exists()
    assert not made.journal.path.exists()
    newest = segments.path_of(made.journal.path, made.journal.segment).stat().st_size
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= limit + newest
    assert len([each for each in caplog.messages if "has reached its limit" in each]) == 1
    (file,) = read(tmp_path).files
    assert file.load().requests[-1].number == 100


def test_room_is_made_among_journals_only(tmp_path: Path) -> None:
    """A file of somebody else's is not removed, and does not count."""
    data = write_file(tmp_path / "1-0.jsonl", b'{"id": 1}\n' * 100)
    old = write_file(tmp_path / "1-1.jsonl", HEADER)
    earlier = write_file(tmp_path / "1-2.jsonl", b'{"format":1,"journal":"tracer"}\n')
    for at, path in enumerate((data, old, earlier)):
        os.utime(path, (at, at))
    assert segments.make_room(tmp_path, 100) == 0
    assert segments.make_room(tmp_path, 50) == 1
    assert segments.make_room(tmp_path, 0) == 1
    assert list(tmp_path.iterdir()) == [data]


WRITING = """
import sys
from pathlib import Path
from tests.support.journals import process
from tracer.journal.writer import Journal
journal = Journal(Path(sys.argv[1]), clock=lambda: 5)
journal.append([process(5)])
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="no lock shows there that a process lives")
def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    """Though it be the oldest of all."""
    other = start_python(WRITING, tmp_path)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "written\n"
        (path,) = tmp_path.iterdir()
        os.utime(path, (1, 1))
        assert segments.make_room(tmp_path, 0) == 0
        assert path.exists()
    finally:
        other.communicate(timeout=60)
    assert segments.make_room(tmp_path, 0) == 1


def test_a_request_of_a_segment_that_is_gone_was_not_cut_off(tmp_path: Path) -> None:
    """The flight record has it still; that it stands nowhere else proves nothing."""
    path = write_file(
        tmp_path / "7-1.2.jsonl",
        HEADER,
        encode(process(7), SegmentBegan(2, 2), request(3)),
    )
    record = FlightRecord((tmp_path / "7-1.jsonl").with_suffix(SUFFIX))
    for number in (1, 2, 3, 4):
        record.note(number, 1.0, 1, 1, 1, f"GET /{number}")
    record.forget()
    (file,) = read(tmp_path).files
    assert path.name == "7-1.2.jsonl"
    told = [(each.number, each.ending) for each in file.load().requests]
    assert told == [(3, "closed"), (4, "cut off")]


def test_files_are_told_apart_by_process_and_number(tmp_path: Path) -> None:
    """Of ten segments the tenth is the last; another name is a process of its own."""
    for name in ("7-20.jsonl", "7-20.2.jsonl", "7-20.10.jsonl", "8-3.jsonl", "by.hand.jsonl"):
        write_file(tmp_path / name, HEADER)
    write_file(tmp_path / "notes.txt", b"")
    (tmp_path / "9-1.jsonl").mkdir()
    found = segments.processes(tmp_path)
    assert [path.name for path in found] == ["by.hand.jsonl", "8-3.jsonl", "7-20.jsonl"]
    assert [each.number for each in found[tmp_path / "7-20.jsonl"]] == [1, 2, 10]
    assert segments.of_process(tmp_path / "8-3.jsonl") == [Segment(tmp_path / "8-3.jsonl", 1)]


def test_a_segment_that_cannot_be_begun_ends_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any other fault of writing: one line in the log, and no exception."""
    journal = Journal(tmp_path)
    journal.append([process(1)])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        journal.begin_segment([process(1)], 0)
    journal.append([Ended(1)])
    assert journal.over
    assert len([each for each in caplog.messages if "cannot be written" in each]) == 1


def test_a_forked_child_begins_no_segment_of_its_parents(tmp_path: Path) -> None:
    journal = Journal(tmp_path, pid=os.getpid() + 1)
    journal.begin_segment([process(1)], 0)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("small")
def test_a_journal_is_read_while_its_writer_changes_segments(tmp_path: Path) -> None:
    """Between two looks there is no moment in which the process seems dead."""
    made = Writer(tmp_path)
    made.journal.append([process(os.getpid())])
    seen = []
    close = os.close
    made.history.feed(process(os.getpid()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            os,
            "close",
            lambda file: (seen.append(segments.is_alive(made.journal.path)), close(file)),
        )
        made.journal.begin_segment(made.history.opening(), 0)
    assert seen[0] is True
    assert segments.is_alive(made.journal.path) is True
    made.journal.close()
    until(lambda: segments.is_alive(made.journal.path) is False)
