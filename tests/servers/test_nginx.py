"""nginx in front: what a visitor asks passes through it, and what serves behind it is unchanged."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import little
from tests.servers.presence import HERE, needed
from tests.support.waiting import until
from tracer.model import Process
from tracer.servers import ServerFailed, proc, serve

ROWS = ("nginx-gunicorn", "nginx-uwsgi")


def family(work: Path) -> list[proc.LivingProcess]:
    """The living processes of every program whose command names the work directory."""
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
    """Whether nobody listens there any more."""
    with socket.socket(socket.AF_UNIX) as visitor:
        try:
            visitor.connect(str(address))
        except (ConnectionRefusedError, FileNotFoundError):
            return True
    return False


def served(tmp_path: Path, name: str) -> list[Process]:
    """Serve the demo's menu 20 times, 4 at a time; both programs end, and leave nothing behind."""
    needed(name)
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
    """How many objects of a kind the process built itself."""
    return sum(row.built for row in process.ledger if row.kind == kind)


def test_behind_nginx_gunicorn_builds_once_in_each_of_its_workers(tmp_path: Path) -> None:
    """As without it: two workers, one thread each."""
    found = served(tmp_path, "nginx-gunicorn")
    assert 1 <= len(found) <= 2
    assert {process.about.server for process in found} == {"gunicorn"}
    assert {built(process, "handler") for process in found} == {1}
    assert {request.thread for process in found for request in process.requests} == {
        found[0].requests[0].thread
    }
    assert all(process.ended for process in found)


def test_behind_nginx_uwsgi_builds_once_in_its_master(tmp_path: Path) -> None:
    """As without it: its workers inherit what was built."""
    found = [process for process in served(tmp_path, "nginx-uwsgi") if process.served]
    assert 1 <= len(found) <= 2
    assert {process.about.server for process in found} == {"uWSGI"}
    assert all(process.about.inherited for process in found)
    assert all(process.ended for process in found)


@pytest.mark.parametrize("name", ROWS)
def test_the_application_gets_its_environment_and_the_whole_request(name: str) -> None:
    """The visitor's host and scheme among it, though the connection comes from nginx."""
    needed(name)
    with little.project() as directory:
        extra = {**little.at_start(directory), "SECRET": "a secret"}
        with serve(
            name, project=directory, settings="little_settings", environment=extra, timeout=60
        ) as server:
            answer = little.told(server, "SECRET", "?q=caf%C3%A9")
    assert answer["value"] == "a secret"
    assert answer["python"] == HERE
    assert answer["query"] == "café"
    assert answer["path"] == "/tell/SECRET"
    assert answer["host"] == f"127.0.0.1:{server.port}"
    assert answer["scheme"] == "http"


@pytest.mark.parametrize("name", ROWS)
def test_a_path_may_have_any_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the project, and those of all files that are made for a start."""
    needed(name)
    with little.odd_place(monkeypatch), little.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="little_settings", timeout=60) as server:
            assert little.told(server, "PATH", "?q=1")["query"] == "1"


@pytest.mark.parametrize("name", ROWS)
def test_an_option_goes_to_what_serves_behind_and_fails_with_its_own_words(name: str) -> None:
    """At once; nginx is not even started."""
    needed(name)
    with pytest.raises(ServerFailed, match=r"(?s)ended at its start.*nonsense"):
        serve(name, options=["--nonsense"], timeout=60)


@pytest.mark.parametrize("name", ROWS)
def test_a_project_that_cannot_be_loaded_fails_with_the_reason(name: str) -> None:
    """In the words of the server behind."""
    needed(name)
    with (
        little.project("raise RuntimeError('closed today')\n") as directory,
        pytest.raises(ServerFailed, match=r"closed today|Worker failed to boot"),
    ):
        serve(name, project=directory, settings="little_settings", timeout=60)


@pytest.mark.parametrize("name", ROWS)
def test_when_what_serves_behind_has_died_nginx_says_so(name: str) -> None:
    """The visitor gets an error from it, and the log tells why."""
    needed(name)
    with little.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="little_settings", timeout=60) as server:
            nginx = {member.pid for member in proc.family(server.pid)}
            behind = [each for each in family(server.work) if each.pid not in nginx]
            # The master first, or it would begin another worker; its workers may end by themselves.
            for pid in dict.fromkeys(each.pid for each in sorted(behind, key=lambda e: e.started)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until(lambda: not proc.alive(behind))
            # A process is dead before the last of its threads has let go of what it listened at.
            until(lambda: refused(server.work / "application.sock"))
            assert server.get("/tell/PATH").status == 502
    assert "connect() to unix:" in server.log()
