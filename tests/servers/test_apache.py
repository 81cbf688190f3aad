"""Apache: how each way to run Python under it uses processes, and what they build."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.servers import fake_servers, small_project
from tests.servers.availability import PYTHON, require_server
from tests.support.waiting import PATIENCE
from tracer.model import Process
from tracer.servers import ServerFailed, proc, serve
from tracer.servers import program as process_module

ROWS = (
    "apache-cgi",
    "apache-mod_wsgi-embedded",
    "apache-mod_wsgi-daemon",
    "apache-mod_python",
    "apache-fcgi",
)
SECRET = """a "quoted" $word, ${HOME} back\\slash, 100 % & 'all'""" + "\nlong" * 100
"""A value that a configuration file or a shell could misread, and too long for mod_fcgid."""


def served(tmp_path: Path, name: str, **options: int) -> list[Process]:
    """Sends 20 requests for the demo's menu, 4 at a time; returns the processes that served.

    Apache must end on its stop signal and leave nothing behind.
    """
    require_server(name)
    with serve(name, journal=tmp_path / "traces", timeout=60, **options) as server:
        replies = server.load(["/menu/"] * 20, 4)
        members = proc.family(server.pid)
        work = server.work
    assert {reply.status for reply in replies} == {200}, server.log()
    assert server.orderly
    assert members
    assert not proc.alive(members)
    assert not work.exists()
    # Other processes may have loaded the application without serving.
    found = [process for process in server.processes() if process.served]
    assert sum(process.served for process in found) == 20
    assert len({process.about.pid for process in found}) == len(found)
    return found


def built(process: Process, kind: str) -> int:
    """Counts the objects of a kind that the process built."""
    return sum(row.built for row in process.ledger if row.kind == kind)


def threads(process: Process) -> int:
    """Counts the threads that it served on."""
    return len({request.thread for request in process.requests})


def test_cgi_builds_everything_anew_in_a_process_for_each_request(tmp_path: Path) -> None:
    """Twenty requests, twenty processes, each ended in order."""
    found = served(tmp_path, "apache-cgi")
    assert [process.served for process in found] == [1] * 20
    assert {process.about.server for process in found} == {"CGI"}
    assert all(process.ended for process in found)
    assert {built(process, "handler") for process in found} == {1}
    assert all(built(process, "middleware") >= 10 for process in found)


def test_embedded_mod_wsgi_builds_once_in_each_of_apaches_processes(tmp_path: Path) -> None:
    """It runs several processes of one thread, which serve a few requests each and end in order."""
    found = served(tmp_path, "apache-mod_wsgi-embedded")
    assert 2 <= len(found) <= 5
    assert {process.about.server for process in found} == {"mod_wsgi"}
    assert all(process.about.mode.startswith("embedded, WSGI, one") for process in found)
    assert {built(process, "handler") for process in found} == {1}
    assert {threads(process) for process in found} == {1}
    assert all(process.ended for process in found)


def test_embedded_mod_wsgi_with_threads_shares_what_it_built_among_them(tmp_path: Path) -> None:
    """In Apache's event model there are fewer processes with several threads each."""
    found = served(tmp_path, "apache-mod_wsgi-embedded", workers=2, threads=4)
    assert 1 <= len(found) <= 2
    assert all(process.about.mode.startswith("embedded, WSGI, threads") for process in found)
    assert {built(process, "handler") for process in found} == {1}
    assert max(map(threads, found)) > 1
    assert all(process.ended for process in found)


def test_a_mod_wsgi_daemon_is_replaced_after_five_requests(tmp_path: Path) -> None:
    """Two run at a time; their successors build everything again."""
    found = served(tmp_path, "apache-mod_wsgi-daemon")
    assert len(found) >= 3
    assert all(process.about.mode.startswith("daemon, WSGI, threads") for process in found)
    # Only the last two may have served fewer; requests under way are finished.
    assert len([process for process in found if process.served < 5]) <= 2
    assert {built(process, "handler") for process in found} == {1}
    assert max(map(threads, found)) > 1
    assert all(process.ended for process in found)


def test_mod_python_builds_once_in_each_of_apaches_processes(tmp_path: Path) -> None:
    """It does what mod_wsgi does, but runs no exit handlers."""
    found = served(tmp_path, "apache-mod_python")
    assert 2 <= len(found) <= 5
    assert {process.about.server for process in found} == {"mod_python"}
    assert {built(process, "handler") for process in found} == {1}
    assert not any(process.ended for process in found)


def test_fastcgi_uses_its_processes_again(tmp_path: Path) -> None:
    """There are one or two, however many requests: unlike CGI."""
    found = served(tmp_path, "apache-fcgi")
    assert 1 <= len(found) <= 2
    assert {process.about.server for process in found} == {"flup"}
    assert {built(process, "handler") for process in found} == {1}
    assert max(process.served for process in found) >= 10
    assert all(process.ended for process in found)


@pytest.mark.parametrize("name", ROWS)
def test_the_application_gets_its_environment_its_packages_and_the_whole_request(name: str) -> None:
    """Python itself gets its variables, so that a sitecustomize.py runs at its start."""
    require_server(name)
    with small_project.project() as directory:
        extra = {**small_project.startup_environment(directory), "SECRET": SECRET}
        with serve(
            name, project=directory, settings="small_settings", environment=extra, timeout=60
        ) as server:
            answer = small_project.ask_about(server, "SECRET", "?q=caf%C3%A9")
    import django

    assert answer["value"] == SECRET
    assert answer["started"] is True
    assert answer["python"] == PYTHON
    assert answer["django"] == django.__file__
    assert answer["query"] == "café"
    assert answer["path"] == "/report/SECRET"
    assert answer["host"] == f"127.0.0.1:{server.port}"
    assert (answer["uid"] == 0) is False


@pytest.mark.parametrize("name", ROWS)
def test_a_path_may_have_any_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's path may, and those of all files that a start makes."""
    require_server(name)
    with small_project.odd_temporary_directory(monkeypatch), small_project.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="small_settings", timeout=60) as server:
            assert small_project.ask_about(server, "PATH", "?q=1")["query"] == "1"


@pytest.mark.parametrize("name", ROWS)
def test_an_option_that_apache_does_not_know_is_an_error_with_its_log(name: str) -> None:
    """The error comes before the time-out."""
    require_server(name)
    begun = time.monotonic()
    with pytest.raises(ServerFailed, match=r"(?s)ended at its start.*Invalid command 'Nonsense'"):
        serve(name, options=["-c", "Nonsense On"], timeout=PATIENCE)
    assert time.monotonic() - begun < PATIENCE / 2


def test_a_daemon_whose_application_cannot_be_loaded_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A daemon loads the application before the first request."""
    name, said = "apache-mod_wsgi-daemon", "RuntimeError: closed today"
    require_server(name)
    fake_servers.time_out_after(monkeypatch, "did not load the application", said)
    with (
        small_project.project("raise RuntimeError('closed today')\n") as directory,
        pytest.raises(ServerFailed, match=rf"(?s)did not load the app.*{said}"),
    ):
        serve(name, project=directory, settings="small_settings", timeout=PATIENCE)


@pytest.mark.parametrize("name", [name for name in ROWS if name != "apache-mod_wsgi-daemon"])
def test_an_application_that_cannot_be_loaded_is_reported_in_the_log(name: str) -> None:
    """The first request loads it; the answer is an error."""
    require_server(name)
    with small_project.project("raise RuntimeError('closed today')\n") as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="small_settings", timeout=60) as server:
            assert server.get("/report/PATH").status >= 500
    assert "closed today" in server.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Apache switches to another account")
def test_a_project_that_apache_cannot_read_is_named_and_left_as_it_is() -> None:
    """Its permissions do not change."""
    require_server("apache-mod_wsgi-daemon")
    with small_project.project(mode=0o700) as directory:
        with pytest.raises(ServerFailed, match=f"may not enter {directory}"):
            serve("apache-mod_wsgi-daemon", project=directory, settings="small_settings")
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_fastcgi_process_that_hangs_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has left the session and is no longer a child of Apache."""
    require_server("apache-fcgi")
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.5)
    hanging = small_project.SETTINGS + "import signal, threading\nthreading.Event().wait()\n"
    with small_project.project(hanging) as directory:
        server = serve("apache-fcgi", project=directory, settings="small_settings")
        server.timeout = 2.0
        with server, pytest.raises(ServerFailed, match="gave no answer"):
            server.get("/report/PATH")
        members = proc.family(server.pid)
    assert not proc.alive(members)
