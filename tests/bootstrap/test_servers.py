"""`tracer run` with servers, on a project that does not use the tracer."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bootstrap.projects import PATIENCE, ROOT, plain, stages, startproject
from tests.promises.test_start import free_port, get
from tests.support.waiting import until
from tracer.journal.reader import processes
from tracer.model import Process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals a group of processes")


@contextmanager
def serving(project: Path, *words: str, console: bool = False) -> Iterator[Path]:
    """Runs a traced server and stops it like Ctrl-C. Yields the file with its output."""
    options = ["--journal", str(project / "traces"), *([] if console else ["--no-console"])]
    command = [sys.executable, "-m", "tracer", "run", *options, "--", sys.executable, *words]
    printed = project / "printed.txt"
    with printed.open("wb") as out:
        server = subprocess.Popen(
            command,
            cwd=project,
            env=plain(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield printed
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def written_processes(project: Path) -> list[Process]:
    """Returns the processes of the journal, oldest first."""
    return processes(project / "traces")


def test_runservers_parent_boots_as_its_child_does_and_serves_nothing(tmp_path: Path) -> None:
    """Both load the settings and all apps; only the child builds the handler and middleware."""
    project, port = startproject(tmp_path / "project"), free_port()
    with serving(project, "manage.py", "runserver", f"127.0.0.1:{port}"):
        assert get(port, "/") == 200
        until(lambda: any(process.served for process in written_processes(project)))
    parent, child = written_processes(project)
    assert child.about.parent == parent.about.pid
    assert (parent.about.server, parent.about.mode) == ("runserver", "parent, which reloads")
    assert (parent.served, child.served) == (0, 1)
    for process in (parent, child):
        assert {"interpreter", "settings", "setup", "app", "models", "ready"} <= {
            stage for stage, _ in stages(process.boot)
        }
    assert "handler" not in [stage for stage, _ in stages(parent.boot)]
    assert [stage for stage, _ in stages(child.boot)].count("middleware") == 7
    # Its checks import the URLconf before the first request comes.
    assert ("urlconf", "mysite.urls") in stages(child.boot)


@pytest.mark.skipif(not importlib.util.find_spec("gunicorn"), reason="needs gunicorn")
def test_under_preload_the_master_boots_and_the_worker_imports_the_urlconf(tmp_path: Path) -> None:
    """The worker's console shows the inherited boot before the first timeline."""
    project, port = startproject(tmp_path / "project"), free_port()
    words = ("--preload", "-b", f"127.0.0.1:{port}", "--no-control-socket", "mysite.wsgi")
    with serving(project, "-m", "gunicorn", *words, console=True) as printed:
        assert get(port, "/") == 200
        until(lambda: any(process.served for process in written_processes(project)))
    master, worker = written_processes(project)
    assert (master.served, worker.served) == (0, 1)
    assert ("handler", "WSGIHandler") in stages(master.boot)
    assert worker.about.inherited
    assert worker.boot is None or not stages(worker.boot)
    (urlconf,) = [span for span in worker.requests[0].spans if span.stage == "urlconf"]
    assert urlconf.name == "mysite.urls"
    text = printed.read_text(errors="replace")
    assert "GET /  200 OK" in text
    assert "handed down by fork" in text


def test_without_preload_the_console_shows_the_boot_before_the_first_timeline(
    tmp_path: Path,
) -> None:
    """In a few lines; `show --only boot` shows the whole tree."""
    project, port = startproject(tmp_path / "project"), free_port()
    words = ("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
    with serving(project, *words, console=True) as printed:
        assert get(port, "/") == 200
        until(lambda: any(process.served for process in written_processes(project)))
    text = printed.read_text(errors="replace")
    (process,) = written_processes(project)
    assert text.index(f"How process {process.about.pid} booted") < text.index("GET /  200 OK")
    assert text.count("booted") == 1
    assert "django.setup" in text
