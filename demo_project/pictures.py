"""Draws the pictures of the README from requests that the café really served.

    python pictures.py

Two guests, each on a thread of its own, visit a few pages through the real WSGIHandler while the
tracer records; what it recorded becomes `timeline.svg`, `lifelines.svg` and `ledger.svg` in
`pictures/`. The café's data lie in a temporary directory. Exit status: 0, or 1 when a page did not
answer as it should.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

from tracer import conf, live
from tracer.render import Lifelines, Timeline

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "pictures"
WIDTH = 128
DRAWN = "/menu/?page=2"
"""The page whose last visit is drawn as a timeline."""
BEFORE = (
    ("Ben", DRAWN),
    ("Ann", "/archive/"),
    ("Ben", "/archive/"),
    ("Ann", "/surprises/keeper/"),
)
"""Who visits what, before the full collection that tells what waits from what is held."""
AFTER = (("Ann", "/archive/"), ("Ann", DRAWN), ("Ben", "/archive/"))
SINCE = (("Ben", "/surprises/keeper/"),)
"""Visits that no full collection follows: of some of their objects nothing is known yet."""
THEME = TerminalTheme((23, 26, 31), (214, 218, 224), [(90, 96, 106)] * 8, [(150, 156, 166)] * 8)
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def ask(handler: Any, address: str) -> str:
    """One request as a server makes it; return its status."""
    path, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []
    response = handler(environ, lambda status, headers, exc=None: statuses.append(status))
    b"".join(response)
    response.close()
    return statuses[0]


@contextmanager
def thread_of(guest: str) -> Iterator[ThreadPoolExecutor]:
    """A thread with the guest's name, which serves that guest alone."""

    def named() -> None:
        threading.current_thread().name = guest

    with ThreadPoolExecutor(max_workers=1, initializer=named) as thread:
        yield thread


def record() -> list[str]:
    """Serve the guests, draw what the tracer saw; return what went wrong."""
    # With a console, though nobody reads it: without one, old requests are not remembered singly.
    tracer = live.start(conf.Config(enabled=True, query_values=True), io.StringIO())
    handler = WSGIHandler()
    trouble = []
    with thread_of("Ann") as ann, thread_of("Ben") as ben:
        threads = {"Ann": ann, "Ben": ben}
        for visits in (BEFORE, AFTER, SINCE):
            for guest, address in visits:
                status = threads[guest].submit(ask, handler, address).result()
                if status != "200 OK":
                    trouble.append(f"{address} answered {status}")
            if visits is not SINCE:
                tracer.settle()
        draw(tracer)
    return trouble


def draw(tracer: live.Live) -> None:
    """Write both pictures."""
    process = tracer.process()
    menu = next(one for one in reversed(process.requests) if one.path == DRAWN)
    PICTURES.mkdir(exist_ok=True)
    write("timeline", "the timeline of one request", Timeline(process, menu))
    write("lifelines", "the lifelines of one process", Lifelines(process))


def write(name: str, title: str, picture: RenderableType) -> None:
    """Write one picture as SVG that fetches nothing from anywhere."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, _environ={}
    )
    console.print(picture)
    svg = console.export_svg(title=title, theme=THEME, unique_id=name)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]+;", f"font-family: {FONTS};", svg)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
    (PICTURES / f"{name}.svg").write_text(f"{svg.strip()}\n", encoding="utf-8")


def main() -> int:
    """Prepare a café, record, draw."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "cafe_site.settings"
    # This program starts the tracer itself, once the data are there.
    os.environ["TRACER_ENABLED"] = "0"
    os.environ["CAFE_DEBUG"] = "0"
    with tempfile.TemporaryDirectory() as directory:
        os.environ["CAFE_DATABASE"] = f"{directory}/cafe.sqlite3"
        # In a process of its own: migrating leaves much behind that no request has built.
        command = [sys.executable, str(HERE / "manage.py"), "prepare", "--verbosity", "0"]
        subprocess.run(command, check=True)
        django.setup()
        trouble = record()
        live.stop()
    for sentence in trouble:
        print(sentence, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
