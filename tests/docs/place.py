"""A place to run the documentation's commands in: a project of the reader's, and a journal.

The project is what `django-admin startproject mysite` makes, with one app, `shop`. The journal in
`traces` is what the café wrote under a gunicorn with two workers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.docs.markdown import ROOT
from tests.support.programs import environment
from tracer.journal.reader import processes
from tracer.servers import serve
from tracer.servers.start import free_port

PATIENCE = 60
"""Seconds that any command may take."""
SHOP = {
    "__init__.py": "",
    "models.py": """
class Basket:
    def add(self, dish: str) -> None:
        self.dish = dish
""",
    "views.py": """
from django.http import HttpResponse
from shop.models import Basket

def front(request):
    Basket().add("tea")
    return HttpResponse("Welcome.")
""",
    "tests.py": """
from django.test import TestCase

class Front(TestCase):
    def test_it_answers(self):
        self.assertEqual(self.client.get("/shop/").status_code, 200)
""",
}
URLS = """
from django.urls import path
from shop.views import front

urlpatterns = [path("shop/", front)]
"""


def make_template(directory: Path) -> Path:
    """Makes the place that every page gets a copy of."""
    startproject = [sys.executable, "-m", "django", "startproject", "mysite", str(directory)]
    subprocess.run(startproject, check=True, timeout=PATIENCE, env=environment())
    (directory / "mysite" / "urls.py").write_text(URLS)
    (directory / "shop").mkdir()
    for name, text in SHOP.items():
        (directory / "shop" / name).write_text(text)
    with serve("gunicorn-preload", workers=2, journal=directory / "traces") as server:
        server.load(["/menu/"] * 28 + ["/surprises/keeper/"] * 3)
    return directory


TRACED = ["python", "-m", "tracer", "run", "--no-console", "--journal"]


class Place:
    """A copy of the template in which one page's commands run, with the servers that they start."""

    def __init__(self, template: Path, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(template, directory, dirs_exist_ok=True)
        # The process with a request 12, which the command line's reference asks for.
        served = {process.served: process for process in processes(directory / "traces")}
        self.pid = served[max(served)].about.pid
        self.output = ""
        self.servers: list[subprocess.Popen[str]] = []

    def env(self, **extra: str) -> dict[str, str]:
        """Returns the environment of a plain shell with the right Python in front."""
        made = environment(COLUMNS="150", CAFE_DATABASE=str(self.directory / "cafe.sqlite3"))
        del made["DJANGO_SETTINGS_MODULE"]
        made["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), made["PATH"]])
        made["PYTHONPATH"] = str(ROOT)
        return made | extra

    def run(self, *command: str, text: str = "", cwd: Path | None = None, **extra: str) -> None:
        """Runs a command to its end, which must be a good one, and keeps what it printed."""
        done = subprocess.run(
            command,
            cwd=cwd or self.directory,
            env=self.env(**extra),
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        self.output += done.stdout

    def watch(self, command: list[str]) -> None:
        """Runs a command that goes on until Ctrl-C, and ends it once it has begun."""
        process = self.start(command)
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("Watching")
        finally:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        self.output += said

    def settle(self, command: list[str]) -> None:
        """Runs a command that asks a living process of the journal, beside one."""
        self.serve([*TRACED, command[4], "--", "gunicorn", "mysite.wsgi"])
        self.run(*command)

    def serve(self, command: list[str]) -> None:
        """Starts a server on a free port, asks it for three pages, and leaves it running."""
        address = f"127.0.0.1:{free_port()}"
        bound = ["--bind", address] if "gunicorn" in command else [address]
        with (self.directory / "server.log").open("w") as log:
            process = self.start([*command, *bound], stdout=log, stderr=subprocess.STDOUT)
        self.servers.append(process)
        for _ in range(3):
            ask(address, process)

    def start(self, command: list[str], **popen: object) -> subprocess.Popen[str]:
        """Starts a command in a session of its own."""
        streams: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command,
            cwd=self.directory,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **(streams | popen),
        )

    def end(self, how: int = signal.SIGINT) -> None:
        """Ends the servers, each with the processes that it started."""
        for process in self.servers:
            send(process, how)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                send(process, signal.SIGKILL)
                process.wait(timeout=20)
        self.servers.clear()


def send(process: subprocess.Popen[str], number: int) -> None:
    """Sends a signal to the session that a command began."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def ask(address: str, process: subprocess.Popen[str]) -> None:
    """Asks for the shop's page, as soon as the server answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection(address, timeout=PATIENCE)
        try:
            connection.request("GET", "/shop/")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError(f"{process.args} does not answer")
