"""kill -9 loses no request: what had begun is told, and nothing secret with it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.support.client import environ, serve
from tests.support.programs import CHANGES, HEAD, program, run, settings_file, started
from tests.support.waiting import PATIENCE
from tracer import runtime
from tracer.conf import Config
from tracer.journal.locks import alive
from tracer.journal.reader import JournalFile, read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

CANARY = "canary-51c"
STUCK = """
import time
handler = boot()
from tests.promises import site
from tests.support.client import serve_async
ask(handler, "/plain/")
def stuck():
    print("stuck", flush=True)
    time.sleep(120)
site.during_request = stuck
"""
SYNC = f"""
ask(handler, "/during/?search={CANARY}&{CANARY}&page=2")
"""
ASYNC = f"""
import asyncio
from django.core.handlers.asgi import ASGIHandler
asyncio.run(serve_async(ASGIHandler(), "/during/?search={CANARY}&{CANARY}&page=2"))
"""


@pytest.fixture
def stuck(tmp_path: Path, journal: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a program that is in the middle of a request, and will be for long."""
    processes = []

    def start(source: str, changes: str = "") -> subprocess.Popen[bytes]:
        told = CHANGES.format(console=False, journal=str(journal)) + changes
        process = started(HEAD + STUCK + source, settings_file(tmp_path, told), stdout=-1)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"stuck\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def the_story(journal: Path) -> JournalFile:
    """The only one that there is."""
    (story,) = read(journal).files
    return story


@pytest.mark.parametrize("source", [SYNC, ASYNC], ids=["WSGI", "ASGI"])
def test_a_request_in_flight_is_pending_while_its_process_lives_and_cut_off_when_it_is_killed(
    stuck: Callable[..., subprocess.Popen[bytes]], journal: Path, source: str
) -> None:
    """Its path as the journal would have had it: the query's values are in no file at all."""
    process = stuck(source)
    story = the_story(journal)
    assert story.alive
    assert [number for number in story.pending if number > 1] == [2]
    assert not any(each.cut_off for each in story.load().requests)
    for file in journal.iterdir():
        assert CANARY.encode() not in file.read_bytes()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    story = the_story(journal)
    assert story.alive is False
    last = story.load().requests[-1]
    assert (last.number, last.method, last.ending) == (2, "GET", "cut off")
    assert last.path == "/during/?search=…&…&page=…"
    assert last.status is None
    assert {each.number for each in story.load().requests} == {1, 2}


def test_the_values_are_shown_where_the_settings_allow_it(
    stuck: Callable[..., subprocess.Popen[bytes]], journal: Path
) -> None:
    """As everywhere else."""
    process = stuck(SYNC, '\nTRACER["QUERY_VALUES"] = True\n')
    process.kill()
    process.wait(PATIENCE)
    last = the_story(journal).load().requests[-1]
    assert last.path == f"/during/?search={CANARY}&{CANARY}&page=2"


PATHS = """
from urllib.parse import quote
from tests.support.client import environ, serve, serve_async
from django.core.handlers.asgi import ASGIHandler
from tracer.journal import flight_record
import asyncio
handler = boot()
asgi = ASGIHandler()
from tracer import runtime
running = runtime.running()
for path in ("/é/日本/", "/\\xff/"):
    typed = path.encode("utf-8").decode("latin-1") if "é" in path else path
    serve(handler, environ(typed))
    asyncio.run(serve_async(asgi, path))
running.handle_recorded()
noted = {each.number: each.path for each in flight_record.read(running.journal.journal.path).begun}
print(len(noted))
for number, path in noted.items():
    print(ascii(path), ascii(running.process().requests[number - 1].path))
"""


def test_paths_are_noted_as_the_journal_has_them(tmp_path: Path) -> None:
    """Whatever the server gave: bytes in the guise of characters, or text."""
    lines = program(tmp_path, PATHS).stdout.decode().splitlines()
    assert lines[0] == "4"
    assert len(lines) == 5
    for line in lines[1:]:
        noted, written = line.split()
        assert noted == written


OWN = """
from tracer import runtime
from tracer import runtime
from tracer.conf import Config
from tracer.journal.locks import alive
from tracer.journal.reader import read
from tracer.journal.tail import Tail
handler = boot()
ask(handler, "/plain/")
running = runtime.running()
running.handle_recorded()
tail = Tail(running.config.journal)
assert len(tail.read()) == 1
(story,) = read(running.config.journal).files
assert story.alive is True
ask(handler, "/plain/")
running.handle_recorded()
(news,) = tail.read()
assert [fact.numbers for fact in news.facts if hasattr(fact, "numbers")] == [[2]]
assert alive(running.journal.journal.path) is True
descriptors = len(os.listdir("/dev/fd"))
for _ in range(20):
    read(running.config.journal)
assert len(os.listdir("/dev/fd")) == descriptors
print(running.journal.journal.path, flush=True)
sys.stdin.readline()
path = running.journal.journal.path
runtime.stop()
assert alive(path) is False
(story,) = read(path.parent).files
assert story.alive is False and story.load().ended
print("let go", flush=True)
sys.stdin.readline()
"""


def test_a_process_may_read_its_own_journal_and_is_still_known_to_live(
    tmp_path: Path, journal: Path
) -> None:
    """Closing any descriptor of the file would give up the lock; so none is closed."""
    settings = settings_file(tmp_path, CHANGES.format(console=False, journal=str(journal)))
    process = started(HEAD + OWN, settings, stdin=-1, stdout=-1, stderr=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            line = process.stdout.readline().decode()
            assert line, process.stderr.read().decode()  # type: ignore[union-attr]
            path = Path(line.strip())
            assert alive(path) is True
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"let go\n"
            assert alive(path) is False
            _, err = process.communicate(b"\n", timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, b"")


NOTED = """
import time, timeit
from tracer import runtime
from tests.support.client import environ, serve

handler = boot()
ask(handler, "/plain/")
running = runtime.running()
note = running.recorder.on_begin
assert note is not None and note != running.flight_recorder._first
trace = running.recorder.begin(("GET", "", "/plain/", "page=2"))

def best(call, times):
    # Of this thread alone, and the fastest of many rounds: whatever else runs only makes it slower.
    rounds = timeit.repeat(call, number=times, repeat=25, timer=time.thread_time)
    return min(rounds) / times

whole = best(lambda: serve(handler, environ("/plain/?page=2")), 20)
print(best(lambda: note(trace), 500) / whole)
running.recorder.finish(trace)
"""


def test_noting_costs_next_to_nothing_of_a_request(journal: Path) -> None:
    """About a microsecond; the shortest of requests takes a hundred times that."""
    changes = CHANGES.format(console=False, journal=str(journal))
    assert 0 < float(run(HEAD + NOTED, changes).stdout) < 1 / 20


@pytest.mark.django_db(databases=["default", "archive"])
@pytest.mark.usefixtures("site")
def test_without_a_journal_nothing_is_noted_at_all(drawn: io.StringIO) -> None:
    """Whoever begins a request finds nobody to tell."""
    running = runtime.start(Config(enabled=True, console=True), drawn)
    serve(WSGIHandler(), environ("/plain/"))
    assert running.recorder.on_begin is None
