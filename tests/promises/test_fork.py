"""A process may fork at any time: parent and child speak for themselves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import ROOT, program
from tracer.journal.reader import JournalFile, read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def stories(journal: Path) -> dict[int, JournalFile]:
    """Each process's story by its pid."""
    return {story.outline.about.pid: story for story in read(journal).files}


def test_a_forked_child_counts_from_one_and_writes_a_file_of_its_own(
    tmp_path: Path, journal: Path
) -> None:
    """With --preload the parent builds the application, and each worker serves for itself."""
    source = """
handler = boot()
def work():
    ask(handler, "/plain/", "/plain/", "/plain/")
reap(in_child(work), in_child(work))
print(os.getpid())
"""
    done = program(tmp_path, source)
    parent = int(done.stdout)
    found = stories(journal)
    assert len(found) == 2
    assert parent not in found
    for pid, story in found.items():
        process = story.load()
        assert process.about.parent == parent
        assert process.about.inherited
        assert [request.number for request in process.requests] == [1, 2, 3]
        assert process.ended
        assert len(list(journal.glob(f"{pid}-*.jsonl"))) == 1
        lives = {life.name: life for life in process.lifetimes}
        handler = lives["WSGIHandler"]
        assert (handler.phase, handler.requests, handler.scope) == ("inherited", 3, "process")
        assert lives["settings"].phase == "inherited"
        assert lives["CommonMiddleware"].requests == 3
        births = [life for life in process.lifetimes if life.name == "WSGIHandler"]
        assert len(births) == 1


def test_a_fork_in_the_middle_of_serving_leaves_the_parents_file_untouched(
    tmp_path: Path, journal: Path
) -> None:
    """The child has the parent's memory, and none of its requests."""
    source = """
import gc
from tracer import runtime
handler = boot()
# A collection of the parent's own would have its deaths to write.
gc.disable()
ask(handler, "/plain/", "/plain/")
runtime.running().handle_recorded()
parent = runtime.running().journal.journal.path
before = parent.read_bytes()
def work():
    ask(handler, "/stream/")
    runtime.running().handle_recorded()
    assert runtime.running().journal.journal.path != parent
    assert runtime.running().journal.journal.pid == os.getpid()
reap(in_child(work))
assert parent.read_bytes() == before
ask(handler, "/plain/")
print(os.getpid())
"""
    parent = int(program(tmp_path, source).stdout)
    found = stories(journal)
    assert len(found) == 2
    assert [request.number for request in found[parent].load().requests] == [1, 2, 3]
    assert {request.path for request in found[parent].load().requests} == {"/plain/"}
    (child,) = (story for pid, story in found.items() if pid != parent)
    assert [(each.number, each.path) for each in child.load().requests] == [(1, "/stream/")]
    assert child.outline.about.inherited
    assert not found[parent].outline.about.inherited


def test_what_the_parents_requests_left_behind_is_inherited_too(
    tmp_path: Path, journal: Path
) -> None:
    """What lives at the fork is handed down, what has died is not; grandchildren inherit alike."""
    source = """
from tracer import runtime
handler = boot()
ask(handler, "/plain/", "/plain/")
running = runtime.running()
running.settle()
def again():
    ask(handler, "/plain/")
def work():
    ask(handler, "/plain/")
    reap(in_child(again))
    print(os.getpid(), flush=True)
reap(in_child(work))
print(os.getpid())
"""
    child, parent = map(int, program(tmp_path, source).stdout.split())
    found = {pid: story.load() for pid, story in stories(journal).items()}
    assert len(found) == 3
    (grandchild,) = found.keys() - {child, parent}
    built = {life.id: life for life in found[parent].lifetimes}
    assert found[grandchild].about.parent == child
    for pid in (child, grandchild):
        received = [life for life in found[pid].lifetimes if life.phase == "inherited"]
        names = {life.name for life in received}
        assert {"WSGIHandler", "settings", "CommonMiddleware"} <= names
        assert any(name.startswith("URLResolver") for name in names)
        for life in received:
            assert life.built_in is None
            if life.id in built:
                assert (life.name, life.cls) == (built[life.id].name, built[life.id].cls)
        again = {life.name for life in found[pid].lifetimes if life.phase != "inherited"}
        assert not again & {"WSGIHandler", "settings", "CommonMiddleware"}
        assert {"WSGIRequest", "HttpResponse"} <= again
    died = {life.id for life in found[parent].lifetimes if life.freed in ("response", "collector")}
    assert died
    assert not died & {life.id for life in found[child].lifetimes}
    resolvers = [life for life in found[child].lifetimes if life.cls.endswith("URLResolver")]
    assert "process" in {life.scope for life in resolvers}


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not yet taken"])
def test_a_quiet_child_reports_none_of_its_parents_requests(tmp_path: Path, taken: bool) -> None:
    """Nobody draws or writes, so the parent's requests still wait when it forks."""
    source = f"""
from tracer import runtime
handler = boot()
ask(handler, "/plain/", "/plain/", "/plain/", "/plain/", "/plain/")
running = runtime.running()
if {taken}:
    running.handle_recorded()
else:
    assert len(running.recorder.finished) == 5
def work():
    ask(handler, "/stream/")
    process = running.process()
    assert [(each.number, each.path) for each in process.requests] == [(1, "/stream/")]
    assert process.served == 1
    inherited = {{life.name for life in process.lifetimes if life.phase == "inherited"}}
    assert "WSGIHandler" in inherited
    assert "HttpResponse" not in inherited, "those were dead when the parent forked"
reap(in_child(work))
assert running.process().served == 5
"""
    program(tmp_path, source, TRACER_JOURNAL="")


def test_the_background_thread_starts_again_in_a_child(tmp_path: Path, journal: Path) -> None:
    """Threads do not survive a fork, so the first request starts one, here as there."""
    source = """
from tests.support.waiting import until
from tracer import runtime
from tracer.runtime import worker
# On a busy machine the thread may need longer to end than a project would have to wait.
worker.FORK_PATIENCE = 120
handler = boot()
ask(handler, "/plain/")
running = runtime.running()
until(lambda: not running.recorder.finished)
first = running.worker.thread
assert first.is_alive()
def work():
    assert running.worker.thread is None
    ask(handler, "/plain/")
    assert running.worker.thread is not first and running.worker.thread.is_alive()
    until(lambda: not running.recorder.finished)
    until(lambda: running.journal.journal is not None and running.journal.journal.path is not None)
reap(in_child(work))
assert not first.is_alive()
ask(handler, "/plain/")
assert running.worker.thread.is_alive()
until(lambda: not running.recorder.finished)
"""
    program(tmp_path, source)
    assert sorted(len(story.load().requests) for story in stories(journal).values()) == [1, 2]


FORKS = 30


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 is the first to warn")
@pytest.mark.parametrize("wakeful", [True, False])
def test_the_background_thread_is_no_reason_to_warn_of_a_fork(
    tmp_path: Path, journal: Path, wakeful: bool
) -> None:
    """Python warns of a fork where there are several threads: none of them is the tracer's.

    Several forks, because the kernel may count an ended thread for a moment longer.
    """
    source = f"""
import warnings
from tests.support.waiting import until
from tracer import runtime
from tracer.runtime import worker
handler = boot()
ask(handler, "/plain/")
running = runtime.running()
assert running.worker.thread.is_alive()
# On a busy machine it may be busy for longer than a project would have to wait.
worker.FORK_PATIENCE = 120
if not {wakeful}:
    until(lambda: not running.worker.polling)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range({FORKS if wakeful else 0}):
        reap(in_child(lambda: None))
        ask(handler, "/plain/")
    reap(in_child(lambda: ask(handler, "/plain/")))
assert caught == [], caught[0].message
"""
    program(tmp_path, source)
    served = [len(story.load().requests) for story in stories(journal).values()]
    assert sorted(filter(None, served)) == [1, 1 + FORKS if wakeful else 1]


def test_an_ended_greenlet_holds_up_no_fork() -> None:
    """Under gevent a thread is a greenlet, and its kernel thread is the one that goes on."""
    source = """
from gevent import monkey
monkey.patch_all()
import threading
from tracer.runtime.kernel_thread import is_gone
thread = threading.Thread(target=int)
thread.start()
thread.join()
assert thread.native_id == threading.get_native_id()
assert is_gone(thread)
"""
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_fork_while_the_tracer_is_busy_leaves_no_lock_behind(
    tmp_path: Path, journal: Path
) -> None:
    """Whatever another thread of the parent was in the middle of, the child is free of it."""
    source = """
import warnings
from tracer import runtime
from tracer.render.formats import terminal
# This program does what Python warns of; from 3.15 on such a warning can be an error.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
handler = boot()
ask(handler, "/plain/")
running = runtime.running()
held, go = threading.Event(), threading.Event()
def busy():
    with running.console.drawing, running.lock, terminal._console()._lock:
        held.set()
        go.wait(120)
thread = threading.Thread(target=busy)
thread.start()
assert held.wait(120)
def work():
    ask(handler, "/plain/", "/plain/")
    running.handle_recorded()
pid = in_child(work)
reap(pid)
go.set()
thread.join()
"""
    program(tmp_path, source, console=True)
    assert sorted(len(story.load().requests) for story in stories(journal).values()) == [1, 2]


def test_a_child_that_is_forked_in_the_middle_of_a_request_serves_its_own(
    tmp_path: Path, journal: Path
) -> None:
    """They are no part of the request that its parent was in."""
    source = """
handler = boot()
from tests.promises import site
pids = []
site.during_request = lambda: pids.append(in_child(lambda: ask(handler, "/plain/")))
ask(handler, "/during/")
reap(*pids)
print(os.getpid())
"""
    parent = int(program(tmp_path, source).stdout)
    found = stories(journal)
    assert [request.path for request in found.pop(parent).load().requests] == ["/during/"]
    (child,) = found.values()
    assert [(each.number, each.path) for each in child.load().requests] == [(1, "/plain/")]
