"""The journal of gunicorn's workers: what they inherited, and how they started and ended."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.servers.gunicorn_program import PATIENCE, Gunicorn, gunicorn
from tests.support.command import Run
from tests.support.waiting import until
from tracer.journal.reader import JournalFile, processes, read
from tracer.model.process_tree import build_process_tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="asks /proc who is whose"),
]


def files_by_pid(journal: Path) -> dict[int, JournalFile]:
    """Returns each process's journal file by its pid."""
    return {file.outline.about.pid: file for file in read(journal).files}


def get_until_all_have_served(server: Gunicorn, journal: Path, workers: int) -> None:
    """Sends requests until so many workers have served one."""

    def enough_workers() -> bool:
        server.get("/plain/")
        return len(list(journal.glob("*.jsonl"))) >= workers

    until(enough_workers)


def test_objects_of_a_preloaded_application_are_inherited_and_not_built_again(
    tmp_path: Path,
) -> None:
    """Both workers have the arbiter's handler and middleware; each imports the URLconf itself."""
    journal = tmp_path / "traces"
    with gunicorn(tmp_path, journal, "-w", "2", "--preload") as server:
        get_until_all_have_served(server, journal, 2)
        arbiter = server.process.pid
        server.stop()
    found = {pid: file.load() for pid, file in files_by_pid(journal).items()}
    assert len(found) == 2
    for process in found.values():
        assert (process.about.parent, process.about.inherited) == (arbiter, True)
        lives = {life.name: life for life in process.lifetimes}
        for name in ("WSGIHandler", "CommonMiddleware", "settings"):
            assert lives[name].phase == "inherited"
            assert lives[name].scope == "process"
        (handler,) = [row for row in process.ledger if row.name == "WSGIHandler"]
        assert (handler.built, handler.first_phase) == (1, "inherited")
        resolvers = [life for life in process.lifetimes if life.cls.endswith("URLResolver")]
        assert {life.phase for life in resolvers} == {"request"}
    run = Run("show", journal, "--only", "processes")
    assert f" {arbiter}  not traced · began 2 processes" in run.out
    assert run.out.count("forked, inheriting") == 2
    assert run.out.count("ended in order") >= 2


def test_recycled_workers_follow_each_other(tmp_path: Path) -> None:
    """Each serves five requests and ends in order; the next builds everything anew."""
    journal = tmp_path / "traces"
    with gunicorn(tmp_path, journal, "-w", "1", "--max-requests", "5") as server:
        for _ in range(15):
            server.get("/plain/")
        server.stop()
    served = [process for process in processes(journal) if process.served]
    assert [process.served for process in served] == [5, 5, 5]
    assert all(process.ended for process in served)
    for process in served:
        assert not process.about.inherited
        (handler,) = [life for life in process.lifetimes if life.name == "WSGIHandler"]
        assert handler.phase == "boot"
    ends = [process.moment(process.heard) for process in served]
    assert ends == sorted(ends)
    (root,) = build_process_tree(served)
    assert [member.pid for member in root.children] == [one.about.pid for one in served]


WAITING = """
import pathlib, time
from django.http import HttpResponse
from django.urls import path
def wait(request):
    pathlib.Path(request.GET["here"]).touch()
    time.sleep(120)
    return HttpResponse("too late")
urlpatterns = [path("wait/", wait), path("plain/", lambda request: HttpResponse("there"))]
"""


def kill_a_worker_in_a_request(directory: Path, journal: Path) -> int:
    """Kills the only worker in its fourth request, gets a fifth served, returns the dead pid."""
    here = directory / "here"
    (directory / "program_urls.py").write_text(WAITING)
    changes = '\nROOT_URLCONF = "program_urls"\n'
    failed: list[Exception] = []
    with gunicorn(directory, journal, "-w", "1", "--timeout", "100", changes=changes) as server:

        def client() -> None:
            try:
                server.get(f"/wait/?here={here}")
            except (OSError, http.client.HTTPException) as error:
                failed.append(error)

        for _ in range(3):
            server.get("/plain/")
        (worker,) = server.workers()
        thread = threading.Thread(target=client)
        thread.start()
        until(here.exists)
        (running,) = files_by_pid(journal).values()
        assert running.alive
        assert 4 in running.pending
        os.kill(worker, signal.SIGKILL)
        thread.join(PATIENCE)
        assert failed
        server.get("/plain/")
        server.stop()
    return worker


def test_a_worker_killed_in_a_request_is_reported_with_that_request(tmp_path: Path) -> None:
    """So is the worker that replaced it. No answered request is lost."""
    journal = tmp_path / "traces"
    worker = kill_a_worker_in_a_request(tmp_path, journal)
    found = files_by_pid(journal)
    assert len(found) == 2
    killed = found.pop(worker)
    assert (killed.alive, killed.outline.ended) == (False, False)
    assert [each.number for each in killed.load().requests] == [1, 2, 3, 4]
    last = killed.load().requests[-1]
    assert (last.path, last.status, last.ending) == ("/wait/?here=…", None, "cut off")
    (file,) = found.values()
    assert file.load().ended
    assert [each.path for each in file.load().requests] == ["/plain/"]
    text = Run("show", journal, "--only", "processes").out
    (line,) = [line for line in text.splitlines() if f"─ {worker} " in line]
    assert "gone without a word" in line
    assert "cut off" in line


def test_two_applications_of_one_process_share_a_journal(tmp_path: Path) -> None:
    """Two handlers of one project share only what belongs to the process."""
    journal = tmp_path / "traces"
    changes = '\nMIDDLEWARE = ["django.middleware.common.CommonMiddleware"]\n'
    with gunicorn(tmp_path, journal, "-w", "1", changes=changes, wsgi=TWO) as server:
        for path in ("/plain/", "/second/plain/", "/plain/"):
            server.get(path)
        server.stop()
    (process,) = processes(journal)
    paths = [each.path for each in process.requests]
    assert paths == ["/plain/", "/second/plain/", "/plain/"]
    handlers = [life for life in process.lifetimes if life.name == "WSGIHandler"]
    assert [(life.requests, life.scope) for life in handlers] == [(2, "process"), (1, "process")]
    layers = [life for life in process.lifetimes if life.name == "CommonMiddleware"]
    assert len(layers) == 2
    (settings,) = [life for life in process.lifetimes if life.name == "settings"]
    assert settings.requests == process.served


TWO = """
from django.core.wsgi import get_wsgi_application
first, second = get_wsgi_application(), get_wsgi_application()
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/second/"):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/second", path.removeprefix("/second")
        return second(environ, start_response)
    return first(environ, start_response)
"""
