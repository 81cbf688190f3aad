"""The server's name comes from what runs, not from how it was started or what else is loaded."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.servers.availability import require_server
from tests.support.programs import CHANGES, PATIENCE, environment, settings_file
from tests.support.waiting import until
from tracer.journal.reader import processes
from tracer.model import Process

pytestmark = pytest.mark.slow

LOADED = """
INSTALLED_APPS = ["daphne", *INSTALLED_APPS]
ASGI_APPLICATION = "who_app.asgi"
STATIC_URL = "/static/"
import cheroot.wsgi, gunicorn.arbiter, uvicorn.server, waitress.server
"""
"""Settings that load every server's modules without serving with them."""
APP = """
import django
django.setup()
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
wsgi, asgi = WSGIHandler(), ASGIHandler()
"""
MANAGE = """
import sys
from django.core.management import execute_from_command_line
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
PROGRAMS = {
    "uvicorn": "import uvicorn; uvicorn.run('who_app:asgi', port=port)",
    "uvicorn, the WSGI application": (
        "import uvicorn; from asgiref.wsgi import WsgiToAsgi; from who_app import wsgi; "
        "uvicorn.run(WsgiToAsgi(wsgi), port=port)"
    ),
    "waitress": "import waitress, who_app; waitress.serve(who_app.wsgi, port=port)",
    "cheroot": (
        "from cheroot.wsgi import Server; from who_app import wsgi; "
        "Server(('127.0.0.1', port), wsgi).start()"
    ),
    "hypercorn": (
        "import asyncio, hypercorn.config, hypercorn.asyncio, who_app; "
        "config = hypercorn.config.Config(); config.bind = [f'127.0.0.1:{port}']; "
        "asyncio.run(hypercorn.asyncio.serve(who_app.asgi, config))"
    ),
    "daphne": (
        "from daphne.server import Server; from who_app import asgi; "
        "Server(asgi, endpoints=[f'tcp:{port}:interface=127.0.0.1'], signal_handlers=False).run()"
    ),
    "unknown": (
        "from wsgiref.simple_server import make_server; from who_app import wsgi; "
        "make_server('127.0.0.1', port, wsgi).serve_forever()"
    ),
}
"""Code that serves, by the name of the server."""


def port() -> int:
    """Returns a port that is free at this moment, outside the range for clients.

    A client that connects to a port of that range before the server listens may get that port as
    its own, and would be connected to itself.
    """
    while True:
        number = random.SystemRandom().randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number


@contextmanager
def running(directory: Path, *command: str) -> Iterator[Path]:
    """Runs a Python program with a journal in its own session; yields the journal."""
    journal = directory / "traces"
    changes = CHANGES.format(console=False, journal=str(journal)) + LOADED
    settings = settings_file(directory, changes)
    (directory / "who_app.py").write_text(APP)
    (directory / "manage.py").write_text(MANAGE)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment(settings, SERVER_SOFTWARE="gunicorn/23.0"),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield journal
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def served(directory: Path, number: int, *command: str) -> Process:
    """Runs a program until it answers at this port; returns the process that answered."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{number}/plain/", timeout=PATIENCE):
                return True
        except OSError:
            return False

    with running(directory, *command) as journal:
        try:
            until(answers)
        except AssertionError as error:
            raise AssertionError((directory / "log").read_text()) from error
        # That process has written its journal's beginning when its request began.
        (process,) = [each for each in processes(journal) if not each.about.mode.startswith("par")]
    return process


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_calls_a_server_has_that_servers_name(name: str, tmp_path: Path) -> None:
    """Other loaded servers and environment variables do not matter."""
    (tmp_path / "program.py").write_text(f"import sys\nport = int(sys.argv[1])\n{PROGRAMS[name]}\n")
    number = port()
    about = served(tmp_path, number, "program.py", str(number)).about
    assert about.server == name.partition(",")[0]


@pytest.mark.parametrize("name", ["uvicorn", "daphne", "hypercorn", "waitress", "cheroot"])
def test_a_module_run_as_a_program_has_its_name_though_the_project_loads_others(
    name: str, tmp_path: Path
) -> None:
    """A project with daphne among its apps is served by uvicorn under uvicorn."""
    require_server(name)
    number = port()
    bind = {
        "uvicorn": ["--port", str(number), "who_app:asgi"],
        "daphne": ["--port", str(number), "who_app:asgi"],
        "hypercorn": ["--bind", f"127.0.0.1:{number}", "who_app:asgi"],
        "waitress": ["--listen", f"127.0.0.1:{number}", "who_app:wsgi"],
        "cheroot": ["--bind", f"127.0.0.1:{number}", "who_app:wsgi"],
    }
    process = served(tmp_path, number, "-m", name, *bind[name])
    assert process.about.server == name


@pytest.mark.parametrize("words", [[], ["--noreload"]])
def test_runserver_from_daphne_is_daphne(words: list[str], tmp_path: Path) -> None:
    """daphne's command has the same name as Django's."""
    number = port()
    process = served(tmp_path, number, "manage.py", "runserver", *words, str(number))
    assert (process.about.server, process.about.mode) == ("daphne", "ASGI")


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["--nothreading"], "--nothreading"),
        (["--noreload"], "--noreload"),
        (["--noreload", "--nothreading"], "--noreload --nothreading"),
        ([], "with reloader"),
    ],
)
def test_djangos_own_runserver_has_its_mode(words: list[str], mode: str, tmp_path: Path) -> None:
    """The mode is the one that runs."""
    (tmp_path / "plain_settings.py").write_text(
        "from program_settings import *\nINSTALLED_APPS.remove('daphne')\n"
    )
    number = port()
    command = ["manage.py", "runserver", "--settings", "plain_settings", *words, str(number)]
    about = served(tmp_path, number, *command).about
    assert (about.server, about.mode) == ("runserver", mode)


REPORTING = """
import sys
def report(word):
    from tracer import runtime
    about = runtime.running().introduction.identity.about()
    with open(f"reported-{word}", "w") as file:
        file.write(f"{about.server}|{about.mode}")
if __name__ == "__main__":
    import django, multiprocessing
    django.setup()
    for method in sys.argv[1:]:
        child = multiprocessing.get_context(method).Process(target=report, args=[method])
        child.start()
        child.join()
    report("program")
"""


def reported(directory: Path, *command: str, words: tuple[str, ...]) -> dict[str, str]:
    """Runs a program to its end; returns what its processes report, by word."""
    with running(directory, *command):
        files = {word: directory / f"reported-{word}" for word in words}
        until(lambda: all(file.exists() and "|" in file.read_text() for file in files.values()))
        return {word: file.read_text() for word, file in files.items()}


def test_programs_and_children_started_under_gunicorn_have_their_own_names(tmp_path: Path) -> None:
    """A multiprocessing child and a script inherit gunicorn's environment, but are not gunicorn."""
    head, body = REPORTING.split("if __name__", 1)
    source = f"import django\ndjango.setup()\n{head}if __name__{body}"
    (tmp_path / "job.py").write_text(source)
    methods = ("spawn", "fork", "forkserver")
    found = reported(tmp_path, "job.py", *methods, words=(*methods, "program"))
    assert found == {
        **{method: f"multiprocessing|{method}" for method in methods},
        "program": "program|job.py",
    }


def test_a_management_command_has_its_name(tmp_path: Path) -> None:
    """It does under gunicorn too."""
    (tmp_path / "job.py").write_text(REPORTING)
    source = "from job import report; report('command')"
    found = reported(tmp_path, "manage.py", "shell", "-c", source, words=("command",))
    assert found == {"command": "command|shell"}


def test_a_child_that_a_view_forks_is_not_a_server(tmp_path: Path) -> None:
    """It has the parent's memory, environment and stack, but serves nothing."""
    view = """
import os
from django.http import HttpResponse
from django.urls import path
from job import report
def plain(request):
    pid = os.fork()
    if not pid:
        report("child")
        os._exit(0)
    os.waitpid(pid, 0)
    return HttpResponse("done")
urlpatterns = [path("plain/", plain)]
"""
    (tmp_path / "job.py").write_text(REPORTING)
    (tmp_path / "forking.py").write_text(view)
    (tmp_path / "forking_settings.py").write_text(
        "from program_settings import *\nROOT_URLCONF = 'forking'\n"
    )
    (tmp_path / "program.py").write_text(
        "import os, sys, waitress\nos.environ['DJANGO_SETTINGS_MODULE'] = 'forking_settings'\n"
        "import who_app\nwaitress.serve(who_app.wsgi, port=int(sys.argv[1]))\n"
    )
    number = port()
    process = served(tmp_path, number, "program.py", str(number))
    assert process.about.server == "waitress"
    assert (tmp_path / "reported-child").read_text() == "child|forked by forking"
