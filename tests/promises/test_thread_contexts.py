"""Threads belong to the request that starts them, whoever chooses the context that they run in.

From Python 3.14 on a thread runs in a context of its own: empty, a copy of its starter's
(`thread_inherit_context`), or one that it is given (`Thread(context=...)`).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.programs import program
from tracer.journal.reader import read
from tracer.model import Request

CHOOSES = sys.version_info >= (3, 14)
needs_context = pytest.mark.skipif(not CHOOSES, reason="Thread(context=...) is new in Python 3.14")
pytestmark = pytest.mark.parametrize("inherits", ["0", "1"] if CHOOSES else ["0"])

START = """
from contextvars import Context, ContextVar, copy_context
from concurrent.futures import ThreadPoolExecutor

handler = boot()
from django.db import connection
from tests.promises import site
from tracer.recorder.trace import current

def flag():
    return int(getattr(sys.flags, "thread_inherit_context", 0))

assert flag() == int(os.environ["PYTHON_THREAD_INHERIT_CONTEXT"])
mine = ContextVar("mine", default="default")

def ask_once():
    connection.cursor().execute("SELECT 1")

def ends(thread):
    thread.start()
    thread.join()

def during(work):
    site.during_request = work
    ask(handler, "/during/")
"""


def run(tmp_path: Path, inherits: str, source: str, **extra: str) -> tuple[str, str]:
    """Run a program under this setting, and return what it printed."""
    extra["PYTHON_THREAD_INHERIT_CONTEXT"] = inherits
    done = program(tmp_path, START + source, **extra)
    return done.stdout.decode(), re.sub("0x[0-9a-f]+", "0x…", done.stderr.decode())


def requests(tmp_path: Path) -> list[Request]:
    """The requests of the one process, as its journal has them."""
    (story,) = read(tmp_path / "traces").files
    return list(story.load().requests)


def queries(request: Request) -> int:
    """How many statements were run, on threads other than the request's own."""
    return sum(s.stage == "query" and s.thread != request.thread for s in request.spans)


def test_a_thread_belongs_to_the_request_whose_view_starts_it(
    tmp_path: Path, inherits: str
) -> None:
    """Two requests on one thread, each with two threads of its own."""
    source = """
def two():
    ends(threading.Thread(target=ask_once))
    ends(threading.Thread(target=ask_once))
during(two)
during(two)
ends(threading.Thread(target=ask_once))
"""
    run(tmp_path, inherits, source)
    assert [queries(request) for request in requests(tmp_path)] == [2, 2]


@needs_context
@pytest.mark.parametrize(
    "context",
    ["Context()", "copy_context()", "kept", "of_the_first"],
    ids=["empty", "copied", "made before", "copied in another request"],
)
def test_a_thread_with_a_context_given_to_it_belongs_to_its_request(
    tmp_path: Path, inherits: str, context: str
) -> None:
    """Whatever that context says, and afterwards it says that again."""
    source = f"""
kept = copy_context()
def first():
    global of_the_first
    of_the_first = copy_context()
def second():
    context = {context}
    before = dict(context.items())
    ends(threading.Thread(target=ask_once, context=context))
    after = dict(context.items())
    # Django's own variables are set by the query.
    assert after.get(current) is before.get(current)
    assert (current in after) == (current in before)
during(first)
during(second)
during(second)
"""
    run(tmp_path, inherits, source)
    assert [queries(request) for request in requests(tmp_path)] == [0, 1, 1]


SEEN = """
chooses = sys.version_info >= (3, 14)
shared = Context()
shared.run(mine.set, "shared")

class Own(threading.Thread):
    def run(self):
        print("own run", sorted(vars(self)), mine.get())
        mine.set("changed in the thread")

class Failing(threading.Thread):
    def run(self):
        raise KeyError("in the thread")

def threads(**given):
    yield Own(name="own", **given)
    yield Failing(name="failing", **given)
    yield threading.Thread(name="target", target=fail, **given)

def fail():
    raise ValueError("in the target")

def view():
    mine.set("set in the view")
    for thread in threads():
        ends(thread)
    for context in given():
        for thread in threads(context=context):
            before = thread._context
            ends(thread)
            assert thread._context is before is context
        print([(variable.name, context[variable]) for variable in context if variable is mine])
        assert current not in context or current in copy_context()
    print(mine.get())

def given():
    yield from (shared, shared, Context(), copy_context()) if chooses else ()

def entered():
    if chooses:
        shared.run(lambda: ends(threading.Thread(name="late", target=fail, context=shared)))

during(view)
during(entered)
"""


def test_an_application_sees_nothing_of_it(tmp_path: Path, inherits: str) -> None:
    """Its variables, its thread, its tracebacks, and its errors are the same without the tracer."""
    without = run(tmp_path, inherits, SEEN, TRACER_ENABLED="0")
    assert without == run(tmp_path, inherits, SEEN, TRACER_ENABLED="1")
    out, err = without
    assert out.splitlines()[-1].endswith("set in the view")
    assert err.count("Traceback") == (11 if CHOOSES else 2)
    assert err.count("cannot enter context") == int(CHOOSES)


def test_a_pools_thread_belongs_to_no_request(tmp_path: Path, inherits: str) -> None:
    """Even if a request has started it, and has not ended; nor does it keep that request."""
    source = """
pool = ThreadPoolExecutor(1)
mine.set("of the process")
ready, seen = threading.Event(), threading.Event()
found = []
def view():
    pool.submit(ask_once).result()
    ready.set()
    assert seen.wait(120)
def outside():
    assert ready.wait(120)
    pool.submit(ask_once).result()
    found.extend([pool.submit(current.get).result(), pool.submit(mine.get).result()])
    seen.set()
outsider = threading.Thread(target=outside)
outsider.start()
during(view)
outsider.join()
assert found == [None, "of the process" if flag() else "default"], found
(thread,) = pool._threads
assert vars(thread).get("_context", {}).get(current) is None
"""
    run(tmp_path, inherits, source)
    (request,) = requests(tmp_path)
    assert queries(request) == 1


def test_a_thread_that_has_ended_keeps_nothing_of_its_request(
    tmp_path: Path, inherits: str
) -> None:
    """The application may keep the Thread for as long as it likes, and with it its context."""
    source = """
kept = []
def view():
    kept.append(threading.Thread(target=ask_once))
    ends(kept[0])
during(view)
assert all(thread.__dict__.get("_context", {}).get(current) is None for thread in kept)
"""
    run(tmp_path, inherits, source)
    assert [queries(request) for request in requests(tmp_path)] == [1]
