"""The journal across processes: real limits, forks, kill -9, and a reader beside a writer."""

from __future__ import annotations

import os
import signal
import time

from tests.journal.files import start_python
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.journal.locks import alive
from tracer.journal.tail import Tail
from tracer.model import Ended

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
    """The file may end inside a line; every line before that is whole."""
    process = start_python(LIMITED, tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert err.count("cannot be written") == 1
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    assert len(data) == 1000
    whole = data.count(b"\n") - 1
    assert int(out) == 100 - whole
    facts = [fact for new in Tail(tmp_path).read() for fact in new.facts]
    assert facts == [Ended(number) for number in range(whole)]


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


def test_a_forked_child_writes_nothing_and_the_parent_goes_on(tmp_path):
    """Nor does the child wait for a lock that another thread of its parent held at the fork."""
    process = start_python(FORKED, tmp_path)
    with process:
        try:
            out, err = process.communicate(timeout=120)
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
while number < 20_000:  # far more than any test waits for; the limit ends a forgotten process
    journal.append([Named(number, "n" * 300), Named(number + 1, "m" * 5000)])
    number += 2
    if number == 2000:
        print("writing", flush=True)
sys.stdin.read()
"""


def test_after_kill_9_every_line_but_the_last_is_whole(tmp_path):
    process = start_python(WRITING, tmp_path)
    with process:
        assert process.stdout.readline() == "writing\n"
        (path,) = tmp_path.iterdir()
        assert alive(path) is True
        process.kill()
        process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert alive(path) is False
    tail = Tail(tmp_path)
    ((facts),) = [new.facts for new in tail.read()]
    assert len(facts) >= 2000
    assert [fact.token for fact in facts] == list(range(len(facts)))
    assert all("damaged" not in note for note in tail.notes(whole=True))


def test_a_reader_beside_a_writer_sees_every_line_once_and_in_order(tmp_path):
    process = start_python(WRITING, tmp_path)
    tail = Tail(tmp_path)
    tokens: list[int] = []
    deadline = time.monotonic() + 240
    with process:
        while len(tokens) < 6000 and time.monotonic() < deadline:
            tokens += [fact.token for new in tail.read() for fact in new.facts]
        process.kill()
        process.communicate(timeout=120)
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


def test_a_child_that_survives_its_parent_does_not_make_it_look_alive(tmp_path):
    """The lock is not inherited: the parent counts as dead though the child has the file open."""
    process = start_python(LOCKED, tmp_path)
    with process:
        orphan = int(process.stdout.readline())
        process.wait(120)
        (path,) = tmp_path.iterdir()
        os.kill(orphan, 0)
        assert alive(path) is False
