"""Two applications in subinterpreters of one process: one pid, two journals."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.gunicorn_program import PATIENCE, children
from tests.support.command import Run
from tests.support.programs import CHANGES, environment, settings_file
from tests.support.waiting import until
from tracer.journal.reader import processes, read
from tracer.render.layout.theme import TIMES

UWSGI = Path(sys.executable).with_name("pyuwsgi")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UWSGI.exists(), reason="pyuwsgi is not installed"),
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="asks /proc who is whose"),
]
WSGI = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "{name}_settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
NAMES = ("one", "two")


@pytest.fixture
def port(tmp_path: Path, journal: Path) -> Iterator[int]:
    """The port of a uWSGI process that serves two applications."""
    settings = settings_file(tmp_path, CHANGES.format(console=False, journal=str(journal)))
    mounts = []
    for name in NAMES:
        (tmp_path / f"{name}_settings.py").write_text(settings.read_text())
        (tmp_path / f"{name}_wsgi.py").write_text(WSGI.format(name=name))
        mounts.append(f"--mount=/{name}={name}_wsgi.py")
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = int(free.getsockname()[1])
    command = [str(UWSGI), "--http-socket", f"127.0.0.1:{number}", "--need-app", "--enable-threads"]
    command += ["--die-on-term", "--manage-script-name", *mounts]
    with (tmp_path / "uwsgi.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment(settings),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(lambda: process.poll() is not None or answers(number, "/one/plain/"))
        assert process.poll() is None, (tmp_path / "uwsgi.log").read_text(errors="replace")
        yield number
    finally:
        assert not children(process.pid)
        process.kill()
        process.wait(PATIENCE)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The directory that the process writes to."""
    return tmp_path / "traces"


def answers(port: int, path: str) -> bool:
    """Tells whether there is an answer; its status must be 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        response.read()
        connection.close()
        return True
    connection.close()
    return False


def test_two_journals_of_one_process_get_different_names(port: int, journal: Path) -> None:
    """They differ by a letter and by their settings; each has its own lock."""
    for _ in range(3):
        assert answers(port, "/two/plain/")
    until(lambda: sum(process.served for process in processes(journal)) == 4)
    one, two = sorted(read(journal).files, key=lambda file: file.outline.about.application)
    assert one.outline.about.pid == two.outline.about.pid
    pid = one.outline.about.pid
    assert {one.outline.name, two.outline.name} == {f"{pid}a", f"{pid}b"}
    assert (one.outline.about.application, two.outline.about.application) == (
        "one_settings",
        "two_settings",
    )
    assert (one.alive, two.alive) == (True, True)
    assert [each.path for each in one.load().requests] == ["/one/plain/"]
    assert [each.path for each in two.load().requests] == ["/two/plain/"] * 3
    text = Run("show", journal, "--only", "processes").out
    for file in (one, two):
        assert f"─ {file.outline.name} " in text
        assert f"1 {TIMES} uWSGI WSGI, one thread · {file.outline.about.application}" in text
    run = Run("show", journal, "--process", two.outline.name, "--request", "all")
    assert run.out.count("/two/plain/") >= 3
    assert "/one/plain/" not in run.out
