"""Draws the pictures of the README from requests that the café really served.

    python pictures.py

Two guests, each on a thread of its own, visit a few pages through the real WSGIHandler while the
tracer records; what it recorded becomes `timeline.svg` and `lifelines.svg` in `pictures/`. The
café's data lie in a temporary directory. Exit status: 0, or 1 when a page did not answer as it
should.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from rich.console import RenderableType

from tracer import Recording, record
from tracer.render import to_svg

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


def visit() -> list[str]:
    """Serve the guests and draw what was recorded; return what went wrong."""
    trouble = []
    # No collection at the end: of some of the last guests' objects nothing shall be known yet.
    with record(query_values=True, settle=False) as recording:
        for visits in (BEFORE, AFTER, SINCE):
            for guest, address in visits:
                answer = recording.get(address, thread=guest)
                if answer.status != 200:
                    trouble.append(f"{address} answered {answer.status}")
            if visits is not SINCE:
                recording.settle()
    draw(recording)
    return trouble


def draw(recording: Recording) -> None:
    """Write both pictures."""
    menu = next(one for one in reversed(recording.requests) if one.path == DRAWN)
    PICTURES.mkdir(exist_ok=True)
    write("timeline", "The timeline of one request", recording.timeline(menu.number))
    write("lifelines", "The lifelines of one process", recording.lifelines())


def write(name: str, title: str, picture: RenderableType) -> None:
    """Write one picture as SVG."""
    (PICTURES / f"{name}.svg").write_text(to_svg(picture, WIDTH, title), encoding="utf-8")


def main() -> int:
    """Prepare a café, record, draw."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "cafe_site.settings"
    # This program records for itself, once the data are there.
    os.environ["TRACER_ENABLED"] = "0"
    os.environ["CAFE_DEBUG"] = "0"
    with tempfile.TemporaryDirectory() as directory:
        os.environ["CAFE_DATABASE"] = f"{directory}/cafe.sqlite3"
        # In a process of its own: migrating leaves much behind that no request has built.
        command = [sys.executable, str(HERE / "manage.py"), "prepare", "--verbosity", "0"]
        subprocess.run(command, check=True)
        django.setup()
        trouble = visit()
    for sentence in trouble:
        print(sentence, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
