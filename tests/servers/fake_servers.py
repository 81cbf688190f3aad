"""Fake servers of a few lines, each with a fault that a real one may have: recipes for `serve`."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Literal

import pytest

from tracer.servers import Availability, Recipe, start
from tracer.servers.recipe import Launch, Plan, Program
from tracer.servers.server import ProgramGroup

PRELUDE = """
import http.server, os, signal, subprocess, sys, time
port, *words = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        for name in ("Accept-Language", "Connection"):
            self.send_header("Seen-" + name, self.headers.get(name, ""))
        self.end_headers()
        self.wfile.write(self.path.encode())
def serve():
    print("serving on", port, flush=True)
    http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
"""The beginning of every program below."""

IGNORES_SIGTERM = PRELUDE + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nserve()"
"""Ignores SIGTERM."""
ORDINARY = PRELUDE + "serve()"
"""Ends at SIGTERM."""
NEVER_LISTENS = "import time\nprint('thinking', flush=True)\ntime.sleep(600)"
"""Never opens a port."""
DIES_AT_START = "import sys\nprint('no paper in the printer')\nsys.exit(3)"
"""Ends at its start."""
DIES_AT_REQUEST = (
    PRELUDE + "Handler.do_GET = lambda self: os.kill(os.getpid(), signal.SIGKILL)\nserve()"
)
"""Dies at the first request."""
HAS_CHILDREN = (
    PRELUDE
    + """
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
for away in (False, True):
    child = subprocess.Popen(sleeper, start_new_session=away)
    print("child", child.pid, flush=True)
"""
)
"""Starts a child in its own session and one in another, and never ends them."""


def recipe(
    source: str,
    *,
    stop: signal.Signals = signal.SIGTERM,
    stop_target: Literal["main", "group", "leaves"] = "main",
    loads: int = 0,
    found: Availability | None = None,
    port: int | None = None,
) -> Recipe:
    """Returns a recipe for the program `source`, which gets its port as an argument."""

    def plan(launch: Launch) -> Plan:
        command = (launch.python, "-c", source, str(port or launch.port), *launch.options)
        return Plan((Program(command, launch.port, stop, stop_target),), loads)

    def find() -> Availability:
        return found or Availability(True, version="1")

    return Recipe("fake", "a few lines", "nothing", find, plan)


def time_out_after(monkeypatch: pytest.MonkeyPatch, what: str, said: str = "") -> None:
    """Makes a start that waits for `what` time out once its log contains `said`, and not before.

    So the test does not depend on the machine's speed.
    """
    original = start._check_start

    def check(name: str, programs: ProgramGroup, deadline: float, trouble: str) -> None:
        late = trouble == what and said in programs.log()
        original(name, programs, time.monotonic() if late else deadline, trouble)

    monkeypatch.setattr(start, "_check_start", check)


def project(directory: Path) -> Path:
    """Makes a directory that counts as a project; no fake server loads Django."""
    (directory / "manage.py").write_text(
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "made.settings")\n'
    )
    return directory
