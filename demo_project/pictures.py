"""Draws the pictures of README and docs from requests that the café really served.

    python pictures.py [--into DIRECTORY]

- `timeline.svg` and `lifelines.svg`: two guests, each on a thread of their own, visit a few pages.
- `kept.svg`: three visits to a page that keeps its requests.
- `rooms.svg`: the packages of the tracer, each above those that it imports.
- `boot.svg` and `processes.svg`: the café under gunicorn, preloaded, with recycled workers.

Each group is recorded in a process of its own, because what one builds the next would find built.
The café's data lie in a temporary directory. `comparison.svg` takes minutes and every server;
`python -m tracer compare --format svg` draws it. Exit status: 0, or 1 when a page did not answer as
it should.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import django
from rich.console import RenderableType
from rich.text import Text

from tracer import Recording, record
from tracer.model.process_tree import build_process_tree
from tracer.render import BootTree, to_svg
from tracer.render.pictures.processes import Processes
from tracer.servers import serve

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "pictures"
WIDTH = 128
ROOMS_WIDTH = 88
PAGE = "/menu/?page=2"
"""The page whose last visit is drawn as a timeline."""
KEEPER = "/surprises/keeper/"
BEFORE = (("Ben", PAGE), ("Ann", "/archive/"), ("Ben", KEEPER), ("Ann", KEEPER))
"""Visits before the first full collection."""
AFTER = (("Ann", "/archive/"), ("Ann", PAGE), ("Ben", KEEPER))
SINCE = (("Ben", KEEPER),)
"""Visits since the last walk: nobody has looked yet for what holds their objects."""
SERVED = 12
"""Requests to gunicorn; a worker is replaced after `RECYCLED`."""
RECYCLED = 5


ROOMS = """\
   in the traced process                                  in any process

   pytest_plugin   middleware · apps                      cli
        │             │                                    │
   recording          │      bootstrap                  compare
        │             │          │                       │    │
        └──────── runtime ───────┘                       │  servers ── application
                      │                                  │    │
      ┌───────────────┼──────────────┬─────────────┐     │    │
   probes             │           journal        render ─┘    │
      │               │              │             │          │
    heap              │              └──────┬──────┴──────────┘
      │               │                     │
   recorder ──────────┴─────────────────  model
                                            │
                                          conf
"""


class Trouble(Exception):
    """A page that did not answer as it should; the message names it."""


def get(recording: Recording, address: str, guest: str | None = None) -> None:
    """Asks for a page on the guest's thread. Raises Trouble unless the status is 200."""
    answer = recording.get(address, thread=guest)
    if answer.status != 200:
        raise Trouble(f"{address} answered {answer.status}")


def draw_guests(into: Path) -> None:
    """Draws one timeline, and the lifelines of eight requests."""
    with record(query_values=True, settle=False) as recording:
        for visits in (BEFORE, AFTER, SINCE):
            for guest, address in visits:
                get(recording, address, guest)
            if visits is not SINCE:
                recording.settle()
    menu = next(one for one in reversed(recording.requests) if one.path == PAGE)
    timeline = recording.timeline(menu.number)
    write(into, "timeline", "The timeline of one request", timeline)
    write(into, "lifelines", "The lifelines of one process", recording.lifelines())


def draw_kept(into: Path) -> None:
    """Draws the lifelines of three requests that a list keeps."""
    with record() as recording:
        for _ in range(3):
            get(recording, KEEPER)
    write(into, "kept", "Three requests that a list keeps", recording.lifelines())


def draw_processes(into: Path) -> None:
    """Draws the processes of a gunicorn, and how its master booted."""
    with tempfile.TemporaryDirectory() as journal:
        options = ("--max-requests", str(RECYCLED))
        with serve("gunicorn-preload", journal=Path(journal), options=options) as server:
            for number in range(SERVED):
                reply = server.get("/menu/")
                if reply.status != 200:
                    raise Trouble(f"Request {number + 1} of gunicorn answered {reply.status}")
        processes = server.processes()
    master = next(process for process in processes if not process.about.inherited)
    write(into, "boot", "The boot of one process", BootTree(master))
    write(into, "processes", "The processes of a server", Processes(build_process_tree(processes)))


def draw_rooms(into: Path) -> None:
    """Draws the packages of the tracer."""
    picture = Text(ROOMS.rstrip())
    picture.highlight_regex(r"[a-z_]{3,}", "bold")
    picture.highlight_regex(r"[─-╿]+", "dim")
    picture.highlight_regex(r"in the traced process|in any process", "not bold italic")
    write(into, "rooms", "The rooms of the tracer", picture, ROOMS_WIDTH)


GROUPS: dict[str, Callable[[Path], None]] = {
    "rooms": draw_rooms,
    "guests": draw_guests,
    "kept": draw_kept,
    "processes": draw_processes,
}


def write(into: Path, name: str, title: str, picture: RenderableType, width: int = WIDTH) -> None:
    """Writes one picture as SVG, so many columns wide."""
    (into / f"{name}.svg").write_text(to_svg(picture, width, title), encoding="utf-8")


def draw(group: str, into: Path) -> int:
    """Draws one group in this process and returns the exit status."""
    django.setup()
    try:
        GROUPS[group](into)
    except Trouble as trouble:
        print(f"{trouble}.", file=sys.stderr)
        return 1
    return 0


def draw_each(groups: Iterable[str], into: Path) -> int:
    """Prepares a café, draws each group in a process of its own, and returns the exit status."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
            "CAFE_DATABASE": f"{directory}/cafe.sqlite3",
            "CAFE_DEBUG": "0",
            # These programs record for themselves.
            "TRACER_ENABLED": "0",
        }
        prepare = [sys.executable, str(HERE / "manage.py"), "prepare", "--verbosity", "0"]
        subprocess.run(prepare, env=environment, check=True)
        for group in groups:
            command = [sys.executable, __file__, "--into", str(into), "--group", group]
            status = subprocess.run(command, env=environment).returncode
            if status:
                return status
    return 0


def main() -> int:
    """Draws all pictures, or one group of them."""
    parser = argparse.ArgumentParser(description="Draw the pictures of README and docs.")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the pictures' directory")
    parser.add_argument("--group", choices=GROUPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    into = options.into.absolute()
    return draw(options.group, into) if options.group else draw_each(GROUPS, into)


if __name__ == "__main__":
    sys.exit(main())
