"""`python -m tracer settle`: a living process collects and walks when it is asked to."""

from __future__ import annotations

import io
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command import Run
from tests.support.journals import process, request, two_processes
from tests.support.programs import settings_file, started
from tests.support.waiting import until
from tracer.cli import settle
from tracer.journal.flight_record import FlightRecord
from tracer.journal.reader import processes
from tracer.journal.writer import Journal
from tracer.model import Barrier, Built, Fact, Held, Walk
from tracer.render.layout.theme import TIMES

SITE = """
from django.http import HttpResponse
from django.urls import path

KEPT = []

def keep(request):
    KEPT.append(request)
    return HttpResponse("kept")

urlpatterns = [path("keep/", keep)]
"""
PROGRAM = """
import sys
import django
django.setup()
from django.core.handlers.wsgi import WSGIHandler
from tests.support.client import environ, serve
handler = WSGIHandler()
for _ in range(4):
    assert serve(handler, environ("/keep/")).status == 200
print("served", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has served four requests, each of which left something, and waits."""
    (tmp_path / "leaky_site.py").write_text(SITE)
    changes = f"""
ROOT_URLCONF = "leaky_site"
TRACER = {{"ENABLED": True, "CONSOLE": False, "JOURNAL": {str(tmp_path / "traces")!r}}}
"""
    made = started(
        PROGRAM,
        settings_file(tmp_path, changes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert made.stdin is not None
    assert made.stdout is not None
    assert made.stderr is not None
    try:
        assert made.stdout.readline() == b"served\n"
        yield made
        made.stdin.close()
        assert (made.wait(120), made.stderr.read()) == (0, b"")
    finally:
        made.kill()
        made.wait()
        for pipe in (made.stdin, made.stdout, made.stderr):
            pipe.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no lock shows there that a process lives")
def test_a_process_that_serves_says_what_its_requests_left(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """It collects and walks now, once for each time that it is asked."""
    traces = tmp_path / "traces"
    until(lambda: traces.is_dir() and any(traces.glob("*.flight")))
    for times in (1, 2):
        run = Run("settle", traces)
        assert (run.status, run.err) == (0, "")
        assert f"Left behind in process {server.pid} · 4 requests · {times} walk" in run.out
        assert f"KEPT by leaky_site.KEPT[…] · WSGIRequest {TIMES} 4" in run.out
        (process,) = processes(traces)
        forced = [each for each in process.barriers if each.by == "tracer"]
        assert (len(forced), process.walks) == (times, times)


def test_a_journal_of_processes_that_have_ended_has_nobody_to_ask(tmp_path: Path) -> None:
    """The message says what to do."""
    run = Run("settle", two_processes(tmp_path / "traces"))
    assert (run.status, run.out) == (1, "")
    assert run.err == (
        f"No process that lives keeps a journal in {tmp_path / 'traces'}, or none that can be "
        "asked: start a server with this journal, and send it a request.\n"
    )


def test_a_directory_that_is_no_journal_is_an_error(tmp_path: Path) -> None:
    """As for every command."""
    run = Run("settle", tmp_path / "nowhere")
    assert run.status != 0
    assert "nowhere" in run.err


class Asked:
    """Processes that live, as their files show; a test answers for them while it is waited for."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory, self.now = directory, 0.0
        self.dead: set[Path] = set()
        self.steps: list[Callable[[], object]] = []
        monkeypatch.setattr(settle, "is_alive", lambda path: path not in self.dead)

    def process(self, pid: int, flight: bool = True) -> tuple[Journal, FlightRecord | None]:
        """Begins a process, which has served one request."""
        journal = Journal(self.directory, pid=None, clock=lambda: pid)
        journal.append([process(pid), request(1)])
        return journal, journal.open_flight_record() if flight else None

    def settle(self) -> tuple[int, str, str]:
        """Runs the command; a step of the test's is taken in each of its pauses."""
        out, err = io.StringIO(), io.StringIO()
        arguments = Namespace(directory=self.directory, width=100, colour=False)

        def pause() -> None:
            self.now += 1.0
            if self.steps:
                self.steps.pop(0)()

        status = settle.run(arguments, out, err, pause, lambda: self.now)
        return status, out.getvalue(), err.getvalue()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Processes that can be asked."""
    return Asked(tmp_path / "traces", monkeypatch)


BARRIER = Barrier(5, "tracer", 4)
WALK = Walk(6, 7)


def test_the_answer_is_a_walk_after_a_collection_that_the_tracer_ran(asked: Asked) -> None:
    """A collection of Python's own, or a walk that was under way, is none."""
    journal, flight = asked.process(31)
    assert flight is not None
    said: list[Fact] = []

    def say(fact: Fact) -> Callable[[], None]:
        def step() -> None:
            said.append(fact)
            journal.append([fact])

        return step

    facts = [WALK, Barrier(5, "collector", 4), WALK, BARRIER, WALK, Built(())]
    asked.steps = [say(fact) for fact in facts]
    status, out, err = asked.settle()
    journal.close()
    assert (status, err, flight.asked) == (0, "", 0)
    assert said == facts[:5]
    assert "Left behind in process" in out


def test_a_process_that_does_not_answer_in_time_is_named(asked: Asked) -> None:
    """The others' answers are shown."""
    slow, _ = asked.process(31)
    quick, _ = asked.process(32)
    held = Held(1, "shop.ONE", "shop.ONE")
    asked.steps = [lambda: quick.append([BARRIER, Walk(6, 7, (held,))])]
    status, out, err = asked.settle()
    assert status == 1
    assert settle.PATIENCE <= asked.now <= settle.PATIENCE + 1
    assert slow.path is not None
    assert err.startswith(f"{slow.path.name}: no answer within 60 s. ")
    assert "32" in out
    assert "31" not in out
    slow.close()
    quick.close()


def test_a_process_that_ends_meanwhile_is_not_waited_for(asked: Asked) -> None:
    """It cannot answer any more, and that is said."""
    journal, _ = asked.process(31)
    assert journal.path is not None
    path = journal.path
    asked.steps = [lambda: None, lambda: asked.dead.add(path)]
    status, out, err = asked.settle()
    journal.close()
    assert (status, out, asked.now) == (1, "", 2.0)
    assert err == f"{path.name}: the process ended before it answered.\n"


def test_a_process_without_a_flight_record_cannot_be_asked(asked: Asked) -> None:
    """It is passed over; where there is no other, that is said."""
    journal, _ = asked.process(31, flight=False)
    status, out, err = asked.settle()
    journal.close()
    assert (status, out, asked.now) == (1, "", 0.0)
    assert "or none that can be asked" in err


def test_a_process_that_was_killed_is_not_asked(asked: Asked) -> None:
    """Its flight record lies there still."""
    journal, flight = asked.process(31)
    assert flight is not None
    assert journal.path is not None
    asked.dead.add(journal.path)
    status, out, _ = asked.settle()
    assert (status, out, flight.asked) == (1, "", 0)
    journal.close()


def test_the_process_is_asked_once(asked: Asked) -> None:
    """Its flight record counts it."""
    journal, flight = asked.process(31)
    assert flight is not None
    seen: list[int] = []
    asked.steps = [lambda: seen.append(flight.asked), lambda: journal.append([BARRIER, WALK])]
    asked.settle()
    assert seen == [1]
    journal.close()
