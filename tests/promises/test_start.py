"""`INSTALLED_APPS += ["tracer"]` is enough, and nothing else is ever in the way."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.support.programs import PATIENCE, ROOT, environment, run, settings_file
from tests.support.waiting import until
from tracer.journal.reader import processes
from tracer.probes.install import Installation


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def runserver(directory: Path, changes: str, **extra: str) -> Iterator[tuple[int, Path]]:
    """Django's own server on a free port; yields the port and the file that it prints to."""
    settings = settings_file(directory, changes)
    port, printed = free_port(), directory / "printed.txt"
    with printed.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"],
            env=environment(settings, COLUMNS="118", PYTHONUNBUFFERED="1", **extra),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield port, printed
        finally:
            server.send_signal(2)
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def get(port: int, path: str) -> int:
    """One GET request, tried until the server answers; returns the status."""
    deadline = time.monotonic() + PATIENCE
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            answer.read()
            return answer.status
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the server never answered"
            os.sched_yield()
        finally:
            client.close()


def wait_for(printed: Path, text: str) -> str:
    """Return what was printed, once `text` is in it."""
    deadline = time.monotonic() + PATIENCE
    while text not in (found := printed.read_text(errors="replace")):
        assert time.monotonic() < deadline, f"{text!r} never came: {found}"
        os.sched_yield()
    return found


def test_under_debug_the_app_alone_draws_a_timeline_for_each_request(tmp_path: Path) -> None:
    """No setting of the tracer's is needed, and no middleware need be listed."""
    with runserver(tmp_path, "DEBUG = True\ndel TRACER") as (port, printed):
        assert get(port, "/hello/") == 200
        drawn = wait_for(printed, "request_finished")
    assert " GET /hello/ " in drawn
    assert "SecurityMiddleware" in drawn
    after = printed.read_text(errors="replace")
    assert "Lifelines of process" in after
    assert "Ledger of process" in after


def test_without_debug_it_stays_off_unless_the_settings_ask_for_it(tmp_path: Path) -> None:
    """And then it is as quiet as the settings say."""
    journal = tmp_path / "traces"
    changes = f"TRACER = {{'ENABLED': True, 'CONSOLE': False, 'JOURNAL': {str(journal)!r}}}"
    with runserver(tmp_path, changes) as (port, printed):
        assert get(port, "/hello/") == 200
        until(lambda: any(process.served for process in processes(journal)))
    assert "GET /hello/ " not in printed.read_text().replace('"GET /hello/ HTTP', "")
    (process,) = processes(journal)
    assert process.served == 1
    assert process.ended
    done = run(
        "import django; django.setup()\nfrom tracer import runtime\nprint(runtime.running())"
    )
    assert done.stdout == "None\n"


def test_the_environment_overrides_the_settings(tmp_path: Path) -> None:
    """To watch a server once, without a change to any file."""
    journal = tmp_path / "elsewhere"
    extra = {"TRACER_ENABLED": "1", "TRACER_CONSOLE": "0", "TRACER_JOURNAL": str(journal)}
    with runserver(tmp_path, "TRACER = {'ENABLED': False}", **extra) as (port, _):
        assert get(port, "/hello/") == 200
        # Its client has the answer a moment before the server has closed it.
        until(lambda: any(process.served for process in processes(journal)))
    assert [process.served for process in processes(journal)] == [1]


def test_wrong_settings_are_reported_and_never_break_the_start(tmp_path: Path) -> None:
    """Checks tell them with an id and a hint; the server serves."""
    changes = "DEBUG = True\nTRACER = {'CONSOL': 5, 'WATCH': 'x', 'JOURNAL': 7, 'ENABLED': []}"
    with runserver(tmp_path, changes) as (port, printed):
        assert get(port, "/hello/") == 200
    told = printed.read_text(errors="replace")
    assert "tracer.W" in told
    assert "HINT" in told
    assert "CONSOLE" in told


def test_a_fault_as_the_tracer_starts_is_one_line_and_the_project_starts(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is patched then; `conftest` sees to that after every test."""

    def fail(_installation: Installation) -> None:
        raise ZeroDivisionError("broken")

    settings.TRACER = {"ENABLED": True, "CONSOLE": False}
    monkeypatch.setattr(Installation, "install", fail)
    apps.get_app_config("tracer").ready()
    (line,) = [each.getMessage() for each in caplog.records if each.name == "tracer"]
    assert line.startswith("tracer: could not start")


def test_a_management_command_that_serves_nothing_prints_nothing_of_ours(tmp_path: Path) -> None:
    """Its output is what it is with the tracer off, to the letter."""
    settings = settings_file(tmp_path, "DEBUG = True\ndel TRACER")
    printed = []
    for enabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "django", "diffsettings"],
            env=environment(settings, TRACER_ENABLED=enabled),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        printed.append((done.stdout, done.stderr))
    assert printed[0] == printed[1]
