"""What the system sends to a process is for the threads that the project has."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.programs import PATIENCE, program

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "pthread_sigmask"), reason="no thread can block signals here"
)

BOOTED = """
import faulthandler, signal
from tracer import runtime

def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())

handler, heard, before = boot(), [], blocked()
"""
SERVED = f"""{BOOTED}
ask(handler, "/plain/")
thread = runtime.running().worker.thread
assert thread.is_alive()
"""
"""A page was served, and the background thread is there."""


def test_a_signal_that_no_thread_of_the_project_takes_waits_to_be_fetched(tmp_path: Path) -> None:
    """As `sigwait` needs it; and no handler runs because a thread is there that nobody began."""
    source = f"""{SERVED}
signal.signal(signal.SIGUSR1, lambda *_: heard.append("handler"))
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
os.kill(os.getpid(), signal.SIGUSR1)
runtime.stop()
thread.join({PATIENCE})
assert not thread.is_alive()  # had it taken the signal, that was before its end
assert signal.sigpending() == {{signal.SIGUSR1}}
assert signal.sigwait({{signal.SIGUSR1}}) == signal.SIGUSR1
assert heard == []
"""
    program(tmp_path, source)


def test_every_signal_is_taken_by_the_thread_that_serves_as_ever(tmp_path: Path) -> None:
    """It began a thread that is deaf, and is not deaf itself."""
    source = f"""{SERVED}
assert blocked() == before
signal.signal(signal.SIGUSR1, lambda *_: heard.append("handler"))
os.kill(os.getpid(), signal.SIGUSR1)
assert heard == ["handler"]
"""
    program(tmp_path, source)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT"])
def test_a_report_of_what_a_thread_did_itself_comes_from_any_thread(
    tmp_path: Path, name: str
) -> None:
    """faulthandler could not say where a process died, if its thread blocked such a signal."""
    source = f"""{SERVED}
faulthandler.enable()
signal.pthread_kill(thread.ident, signal.{name})
threading.Event().wait({PATIENCE})
"""
    done = program(tmp_path, source, status=-getattr(signal, name))
    error = done.stderr.decode()
    assert 'File "' in error
    assert "worker.py" in error


def test_a_thread_that_cannot_be_started_leaves_its_starter_as_it_was(tmp_path: Path) -> None:
    """There may be no more threads just then."""
    source = f"""{BOOTED}
def start(thread):
    heard.append(signal.SIGTERM in blocked())
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
ask(handler, "/plain/")
assert heard == [True]
assert blocked() == before
"""
    assert program(tmp_path, source).stderr.count(b"RuntimeError") == 1


def test_a_signal_that_comes_meanwhile_is_heard_at_once_afterwards(tmp_path: Path) -> None:
    """Ctrl-C while the thread is being started: what had been changed is undone all the same."""
    source = f"""{BOOTED}
signal.signal(signal.SIGINT, signal.default_int_handler)
begin = threading.Thread.start
def start(thread):
    begin(thread)
    os.kill(os.getpid(), signal.SIGINT)
    heard.append("not yet")
threading.Thread.start = start
try:
    ask(handler, "/plain/")
except KeyboardInterrupt:
    heard.append("now")
assert heard == ["not yet", "now"]
assert blocked() == before
"""
    program(tmp_path, source)
