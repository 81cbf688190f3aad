"""A forked child that serves no request: the journal says that it lived, and nobody else does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.command import Run
from tests.support.programs import program
from tracer.journal.reader import JournalFile, read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

BOOT = """
import warnings
# Python 3.12 warns of forks in a process with threads; here they are the point.
warnings.filterwarnings("ignore", category=DeprecationWarning)
handler = boot()
"""
FORK = """
def fork():
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        sys.exit()
    reap(pid)
    return pid
"""


def stories(journal: Path) -> dict[int, JournalFile]:
    """Each process's story by its pid."""
    return {story.outline.about.pid: story for story in read(journal).files}


def is_reported(child: JournalFile, parent: int, server: str, mode: str) -> None:
    """It is its parent's child, inherited the application, and served nothing."""
    about = child.outline.about
    assert (about.parent, about.forked, about.inherited) == (parent, True, True)
    assert (about.server, about.mode) == (server, mode)
    lives = {life.name: life for life in child.load().lifetimes}
    assert {"WSGIHandler", "settings", "CommonMiddleware"} <= lives.keys()
    assert {life.phase for life in child.load().lifetimes} == {"inherited"}
    assert {life.requests for life in child.load().lifetimes} == {0}
    assert not child.load().requests


def test_a_child_that_is_forked_before_any_request_and_serves_none_is_reported(
    tmp_path: Path, journal: Path
) -> None:
    """As a child of its parent, which serves later."""
    source = f"{BOOT}{FORK}\nprint(fork())\nask(handler, '/plain/')\nprint(os.getpid())"
    child, parent = map(int, program(tmp_path, source).stdout.split())
    found = stories(journal)
    assert found.keys() == {child, parent}
    is_reported(found[child], parent, "child", "forked by __main__")
    assert found[child].load().ended
    assert found[parent].load().served == 1
    text = Run("show", journal, "--only", "processes").out
    (line,) = [line for line in text.splitlines() if f" {child} " in line]
    assert "forked, inheriting" in line
    assert " - " in line
    assert "ended in order" in line
    assert "child forked by __main__" in text


def test_a_child_that_a_view_forks_is_reported_without_its_parents_requests(
    tmp_path: Path, journal: Path
) -> None:
    """It leaves the view by an exit of its own."""
    source = f"""{BOOT}{FORK}
from tests.promises import site
site.during_request = lambda: print(fork())
ask(handler, "/during/", "/plain/")
print(os.getpid())
"""
    child, parent = map(int, program(tmp_path, source).stdout.split())
    found = stories(journal)
    assert found.keys() == {child, parent}
    # What the request that forked had built is there in the child, too.
    assert "WSGIRequest" in {life.name for life in found[child].load().lifetimes}
    assert found[child].outline.about.mode == "forked by __main__"
    assert not found[child].load().requests
    assert {life.phase for life in found[child].load().lifetimes} == {"inherited"}
    paths = [request.path for request in found[parent].load().requests]
    assert paths == ["/during/", "/plain/"]


MULTIPROCESSING = f"""{BOOT}
import multiprocessing
context = multiprocessing.get_context("fork")
"""


def test_a_child_of_multiprocessing_is_reported(tmp_path: Path, journal: Path) -> None:
    """It ends without Python's exit handlers, and in order all the same."""
    source = f"""{MULTIPROCESSING}
ask(handler, "/plain/")
child = context.Process(target=print, args=["works"])
child.start()
child.join()
assert child.exitcode == 0
print(child.pid, os.getpid())
"""
    works, child, parent = program(tmp_path, source).stdout.split()
    assert works == b"works"
    found = stories(journal)
    assert found.keys() == {int(child), int(parent)}
    story = found[int(child)]
    assert story.load().ended
    assert (story.outline.about.server, story.outline.about.mode) == ("multiprocessing", "fork")
    assert story.outline.about.parent == int(parent)
    assert "WSGIHandler" in {life.name for life in story.load().lifetimes}


def test_a_child_of_multiprocessing_that_is_killed_is_gone_without_a_word(
    tmp_path: Path, journal: Path
) -> None:
    """As the workers of a pool are, which are terminated."""
    source = f"""{MULTIPROCESSING}
import time
child = context.Process(target=time.sleep, args=[600])
child.start()
from tests.support.waiting import until
import pathlib, django.conf
journal = pathlib.Path(django.conf.settings.TRACER["JOURNAL"])
written = lambda: [path.stat().st_size for path in journal.glob(f"{{child.pid}}-*.jsonl")]
until(lambda: max(written(), default=0) > 200)  # more than its first line
child.terminate()
child.join()
print(child.pid)
"""
    child = int(program(tmp_path, source).stdout)
    (story,) = stories(journal).values()
    assert (story.outline.about.pid, story.load().ended, story.alive) == (child, False, False)


def test_a_child_that_becomes_another_program_is_left_alone(tmp_path: Path, journal: Path) -> None:
    """By fork and exec, or by a subprocess with code of its own in between."""
    source = f"""{BOOT}
import subprocess
ask(handler, "/plain/")
before = set(os.listdir("traces"))
pid = os.fork()
if not pid:
    os.execv(sys.executable, [sys.executable, "-c", ""])
reap(pid)
subprocess.run([sys.executable, "-c", ""], check=True)
subprocess.run([sys.executable, "-c", ""], check=True, preexec_fn=os.getpid)
assert set(os.listdir("traces")) == before
print(os.getpid())
"""
    parent = int(program(tmp_path, source).stdout)
    assert list(stories(journal)) == [parent]


def test_where_no_journal_is_kept_a_child_that_serves_nothing_says_nothing(tmp_path: Path) -> None:
    """No block and no file for a helper that was forked."""
    source = f"""{MULTIPROCESSING}{FORK}
ask(handler, "/plain/")
from tracer import runtime
runtime.running().handle_recorded()
print("here", flush=True)
child = context.Process(target=int)
child.start()
child.join()
fork()
print("there", flush=True)
"""
    done = program(tmp_path, source, console=True, TRACER_JOURNAL="")
    text = done.stdout.decode()
    assert text.partition("here\n")[2].partition("there\n")[0] == ""
    assert done.stderr == b""
    assert not (tmp_path / "traces").exists()


def test_a_fork_begins_no_thread_and_takes_no_lock_of_the_tracers(tmp_path: Path) -> None:
    """Whichever thread of the parent holds one, the child writes its journal when it ends."""
    source = f"""{BOOT}{FORK}
from tracer import runtime
ask(handler, "/plain/")
running = runtime.running()
held, go = threading.Event(), threading.Event()
def busy():
    with running.lock, running.journal.journal._lock:
        held.set()
        go.wait(120)
running.handle_recorded()
thread = threading.Thread(target=busy)
thread.start()
assert held.wait(120)
pid = os.fork()
if not pid:
    assert threading.active_count() == 1
    assert running.journal.journal is None
    sys.exit()
reap(pid)
go.set()
thread.join()
print(pid)
"""
    child = int(program(tmp_path, source).stdout)
    assert child in stories(tmp_path / "traces")


def test_a_fork_in_the_middle_of_a_request_is_no_request_of_the_childs(
    tmp_path: Path, journal: Path
) -> None:
    """A view may fork; the child tells of itself, and that it served nothing."""
    source = """
handler = boot()
from tests.promises import site
pids = []
site.during_request = lambda: pids.append(in_child(lambda: None))
ask(handler, "/during/", "/plain/")
reap(*pids)
print(os.getpid())
"""
    parent = int(program(tmp_path, source).stdout)
    found = stories(journal)
    paths = [request.path for request in found.pop(parent).load().requests]
    assert paths == ["/during/", "/plain/"]
    (child,) = found.values()
    assert (child.outline.about.parent, list(child.load().requests)) == (parent, [])
