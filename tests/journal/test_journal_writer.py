"""The writer: one file for each process, one write for each batch, and never an exception."""

from __future__ import annotations

import errno
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tracer.journal import reader, writer
from tracer.journal.format import HEADER, encode
from tracer.journal.writer import Journal
from tracer.model import Deaths, Ended, Held, Named

ROOT = Path(writer.__file__).parents[2]


@pytest.fixture
def journal(tmp_path):
    """Return a journal in a directory that does not exist yet."""
    journal = Journal(tmp_path / "deep" / "traces")
    yield journal
    journal.close()


@pytest.fixture
def warnings(caplog):
    """Return what the tracer's logger has warned of, so far."""
    caplog.set_level(logging.WARNING, logger="tracer")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "tracer"]


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python that runs `code`; its output is readable as text."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_the_first_batch_creates_the_directory_and_the_file(journal):
    assert not journal.directory.exists()
    journal.append([Ended(1)])
    assert journal.path is not None
    assert list(journal.directory.iterdir()) == [journal.path]
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))


def test_a_process_with_nothing_to_say_leaves_no_file(journal):
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
    batch = [Ended(1), Held(2, "a.b[0]"), Named(3, "Menu"), Deaths()]
    journal.append(iter(batch))
    assert sizes == [len(b"".join(map(encode, batch)))]


def test_a_short_write_is_carried_on(journal, monkeypatch, warnings):
    journal.append([Ended(0)])
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    journal.append([Ended(1), Ended(2)])
    assert journal.path.read_bytes() == HEADER + b"".join(map(encode, map(Ended, range(3))))
    assert warnings() == []


def test_threads_that_write_at_once_never_mix_their_lines(journal):
    ready = threading.Barrier(8)

    def write(thread: int) -> None:
        ready.wait(10)
        for _ in range(200):
            journal.append([Named(thread, "x" * 200), Named(thread, "y" * 200)])

    threads = [threading.Thread(target=write, args=[thread]) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
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


def test_after_a_gap_nothing_more_is_written_because_it_would_tell_a_wrong_story(
    journal, monkeypatch
):
    journal.append([Ended(0)])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _full)
        journal.append([Ended(1)])
    journal.append([Ended(2)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(0))
    assert journal.lost == 2


def _full(file: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


LIMITED = """
import logging, resource, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
journal = Journal(Path(sys.argv[1]))
for number in range(100):
    journal.append([Ended(number)])
print(journal.lost)
"""


def test_a_real_limit_on_the_file_loses_only_what_is_beyond_it(tmp_path):
    """The file may end inside a line; every line before is whole."""
    assert resource.RLIMIT_FSIZE is not None
    process = child(LIMITED, tmp_path)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.count("cannot be written") == 1
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    assert len(data) == 1000
    whole = data.count(b"\n") - 1
    assert int(out) == 100 - whole
    facts = [fact for news in reader.Tail(tmp_path).read() for fact in news.facts]
    assert facts == [Ended(number) for number in range(whole)]


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


def test_a_file_that_never_got_its_name_is_cleared_away(journal, monkeypatch, warnings):
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", _full)
        journal.append([Ended(1)])
    assert list(journal.directory.iterdir()) == []
    assert journal.lost == 1
    assert len(warnings()) == 1


def test_a_fact_that_json_cannot_hold_is_one_warning(journal, warnings):
    journal.append([Ended(object())])
    assert len(warnings()) == 1
    assert "TypeError" in warnings()[0]


def test_what_comes_after_the_close_is_counted_as_lost(journal, warnings):
    journal.append([Ended(1)])
    journal.close()
    journal.close()
    journal.append([Ended(2)])
    assert journal.lost == 1
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert warnings() == []


def test_a_file_system_that_counts_no_links_is_written_all_the_same(journal, monkeypatch, warnings):
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


def test_without_locks_it_writes_all_the_same(journal, monkeypatch):
    monkeypatch.setattr(writer, "fcntl", None)
    monkeypatch.setattr(reader, "fcntl", None)
    journal.append([Ended(1)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert reader.alive(journal.path) is None


def test_a_file_system_that_refuses_locks_is_written_all_the_same(journal, monkeypatch, warnings):
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(writer.fcntl, "lockf", refuse)
    journal.append([Ended(1)])
    assert journal.path.read_bytes() == HEADER + encode(Ended(1))
    assert warnings() == []


FORKED = """
import os, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
with journal._lock:  # as if another thread were writing
    child = os.fork()
    if not child:
        journal.append([Ended(666)])
        journal.close()
        journal.append([Ended(667)])
        os._exit(journal.lost)
os.waitpid(child, 0)
journal.append([Ended(2)])
journal.close()
print(journal.lost)
"""


def test_in_a_forked_child_it_says_nothing_and_the_parent_goes_on(tmp_path):
    """Nor does the child wait for a lock that another thread of its parent held at the fork."""
    process = child(FORKED, tmp_path)
    with process:
        try:
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (out, err) == ("0\n", "")
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == HEADER + encode(Ended(1)) + encode(Ended(2))


WRITING = """
import sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Named
journal = Journal(Path(sys.argv[1]))
number = 0
while number < 20_000:  # far more than any test waits for, and an end all the same
    journal.append([Named(number, "n" * 300), Named(number + 1, "m" * 5000)])
    number += 2
    if number == 2000:
        print("going", flush=True)
"""


def test_after_kill_9_every_line_but_the_last_is_whole(tmp_path):
    process = child(WRITING, tmp_path)
    with process:
        assert process.stdout.readline() == "going\n"
        (path,) = tmp_path.iterdir()
        assert reader.alive(path) is True
        process.kill()
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    assert reader.alive(path) is False
    tail = reader.Tail(tmp_path)
    ((facts),) = [news.facts for news in tail.read()]
    assert len(facts) >= 2000
    assert [fact.token for fact in facts] == list(range(len(facts)))
    assert all("damaged" not in note for note in tail.notes(whole=True))


def test_a_reader_beside_a_writer_sees_every_line_once_and_in_order(tmp_path):
    process = child(WRITING, tmp_path)
    tail = reader.Tail(tmp_path)
    tokens: list[int] = []
    deadline = time.monotonic() + 60
    with process:
        while len(tokens) < 6000 and time.monotonic() < deadline:
            tokens += [fact.token for news in tail.read() for fact in news.facts]
        process.kill()
        process.communicate(timeout=20)
    assert len(tokens) >= 6000
    assert tokens == list(range(len(tokens)))
    assert tail.notes() == []


LOCKED = """
import os, sys
from pathlib import Path
from tracer.journal.writer import Journal
from tracer.model import Ended
journal = Journal(Path(sys.argv[1]))
journal.append([Ended(1)])
child = os.fork()
if not child:
    sys.stdin.read()
    os._exit(0)
print(child, flush=True)
os._exit(0)
"""


def test_a_child_that_lives_on_does_not_pass_for_its_parent(tmp_path):
    """The lock is not inherited: the parent is known to be dead though its file is open."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        orphan = int(process.stdout.readline())
        process.wait(20)
        (path,) = tmp_path.iterdir()
        os.kill(orphan, 0)
        assert reader.alive(path) is False
