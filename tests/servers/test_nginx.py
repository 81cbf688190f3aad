"""nginx in front: requests pass through it unchanged, and so does what the server behind builds."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import small_project
from tests.servers.availability import PYTHON, require_server
from tests.support.waiting import until
from tracer.model import Process
from tracer.servers import ServerFailed, proc, serve

ROWS = ("nginx-gunicorn", "nginx-uwsgi")


def family(work: Path) -> list[proc.LivingProcess]:
    """Returns the living processes of all programs whose command names the work directory."""
    found = []
    for member in proc.living().values():
        try:
            line = Path(f"/proc/{member.pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(work).encode() in line:
            found += proc.family(member.pid)
    return found


def refused(address: Path) -> bool:
    """Tells whether no process listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(address))
        except (ConnectionRefusedError, FileNotFoundError):
            return True
    return False


def served(tmp_path: Path, name: str) -> list[Process]:
    """Sends 20 requests for the demo's menu; both programs must end and leave nothing behind."""
    require_server(name)
    with serve(name, journal=tmp_path / "traces", timeout=60) as server:
        replies = server.load(["/menu/"] * 20, 4)
        assert {reply.headers["Server"].partition("/")[0] for reply in replies} == {"nginx"}
        members = family(server.work)
        work = server.work
    assert {reply.status for reply in replies} == {200}, server.log()
    # nginx and its worker, a master and two workers.
    assert len({member.pid for member in members}) == 5
    assert not proc.alive(members)
    assert not work.exists()
    return server.processes()


def built(process: Process, kind: str) -> int:
    """Counts the objects of a kind that the process built."""
    return sum(row.built for row in process.ledger if row.kind == kind)


def test_behind_nginx_gunicorn_builds_once_in_each_of_its_workers(tmp_path: Path) -> None:
    """It has two workers of one thread, as without nginx."""
    found = served(tmp_path, "nginx-gunicorn")
    assert 1 <= len(found) <= 2
    assert {process.about.server for process in found} == {"gunicorn"}
    assert {built(process, "handler") for process in found} == {1}
    assert {request.thread for process in found for request in process.requests} == {
        found[0].requests[0].thread
    }
    assert all(process.ended for process in found)


def test_behind_nginx_uwsgi_builds_once_in_its_master(tmp_path: Path) -> None:
    """Its workers inherit what the master built, as without nginx."""
    found = [process for process in served(tmp_path, "nginx-uwsgi") if process.served]
    assert 1 <= len(found) <= 2
    assert {process.about.server for process in found} == {"uWSGI"}
    assert all(process.about.inherited for process in found)
    assert all(process.ended for process in found)


@pytest.mark.parametrize("name", ROWS)
def test_the_application_gets_its_environment_and_the_whole_request(name: str) -> None:
    """It sees the client's host and scheme, though the connection comes from nginx."""
    require_server(name)
    with small_project.project() as directory:
        extra = {**small_project.startup_environment(directory), "SECRET": "a secret"}
        with serve(
            name, project=directory, settings="small_settings", environment=extra, timeout=60
        ) as server:
            answer = small_project.ask_about(server, "SECRET", "?q=caf%C3%A9")
    assert answer["value"] == "a secret"
    assert answer["python"] == PYTHON
    assert answer["query"] == "café"
    assert answer["path"] == "/report/SECRET"
    assert answer["host"] == f"127.0.0.1:{server.port}"
    assert answer["scheme"] == "http"


@pytest.mark.parametrize("name", ROWS)
def test_a_path_may_have_any_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's path may, and those of all files that a start makes."""
    require_server(name)
    with small_project.odd_temporary_directory(monkeypatch), small_project.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="small_settings", timeout=60) as server:
            assert small_project.ask_about(server, "PATH", "?q=1")["query"] == "1"


@pytest.mark.parametrize("name", ROWS)
def test_an_option_goes_to_the_server_behind_which_refuses_it(name: str) -> None:
    """The error comes before nginx is started."""
    require_server(name)
    with pytest.raises(ServerFailed, match=r"(?s)ended at its start.*nonsense"):
        serve(name, options=["--nonsense"], timeout=60)


@pytest.mark.parametrize("name", ROWS)
def test_a_project_that_cannot_be_loaded_fails_with_the_reason(name: str) -> None:
    """The reason is in the log of the server behind."""
    require_server(name)
    with (
        small_project.project("raise RuntimeError('closed today')\n") as directory,
        pytest.raises(ServerFailed, match=r"closed today|Worker failed to boot"),
    ):
        serve(name, project=directory, settings="small_settings", timeout=60)


@pytest.mark.parametrize("name", ROWS)
def test_nginx_answers_502_after_the_server_behind_has_died(name: str) -> None:
    """The log says why."""
    require_server(name)
    with small_project.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="small_settings", timeout=60) as server:
            nginx = {member.pid for member in proc.family(server.pid)}
            behind = [each for each in family(server.work) if each.pid not in nginx]
            # The master first, or it would start another worker; its workers may end by themselves.
            for pid in dict.fromkeys(each.pid for each in sorted(behind, key=lambda e: e.started)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until(lambda: not proc.alive(behind))
            # A process counts as dead before its last thread has closed the listening socket.
            until(lambda: refused(server.work / "application.sock"))
            assert server.get("/report/PATH").status == 502
    assert "connect() to unix:" in server.log()
