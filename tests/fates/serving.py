"""The ways of serving: each serves all parts of the requests, and returns what was recorded."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fates.in_process import THREADS
from tests.fates.pages import AFTERWARDS, PARTS, requests_of
from tests.fates.verdicts import Serving
from tests.support.waiting import until
from tracer.journal.reader import processes
from tracer.journal.tail import Tail
from tracer.model import Process, Walk
from tracer.model.recorded import RecordedRequests
from tracer.servers import RECIPES, serve
from tracer.servers.server import last_lines

ROOT: Final = Path(__file__).resolve().parents[2]
SETTINGS: Final = "tests.fates.settings"
PATIENCE: Final = 90.0
"""Seconds after which waiting for a walk fails."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of serving."""

    name: str
    server: str = ""
    """Name of the recipe; empty: in one process, on threads of our own."""
    traits: Serving = field(default_factory=Serving)
    options: tuple[str, ...] = ()
    workers: int | None = None
    concurrency: int = 1
    """Requests that are sent at once."""

    @property
    def why_not(self) -> str:
        """Why it cannot be tried here; empty if it can."""
        found = RECIPES[self.server].available() if self.server else None
        return "" if found is None or found.ok else found.why


@dataclass(frozen=True, slots=True)
class Served:
    """What the processes of one way of serving recorded."""

    way: Way
    quiet: list[Process]
    """After all requests and a walk, before any collection that the tracer ran."""
    ended: list[Process] = field(default_factory=list)
    """After the orderly end."""


WAYS: Final = (
    *(Way(name, traits=Serving(own_threads=name == "thread-per-request")) for name in THREADS),
    Way("gunicorn", "gunicorn", workers=1),
    Way("gthread", "gunicorn-gthread", workers=1, concurrency=4),
    # One worker, for the requests that two share fall to them by chance.
    Way("preload", "gunicorn-preload", workers=1),
    Way(
        "frozen",
        "gunicorn-preload",
        options=("--config", str(Path(__file__).with_name("gunicorn_freeze.py"))),
        workers=1,
    ),
    Way("runserver", "runserver", traits=Serving(own_threads=True)),
    Way("waitress", "waitress", concurrency=4),
    Way("uvicorn", "uvicorn", traits=Serving(own_threads=True, asgi=True)),
)
"""All of them, in the order of the table's columns."""


def serve_in(way: Way, keep: Path | None = None) -> Served:
    """Serves all requests in one way; copies its journals into the directory `keep`, if given."""
    with tempfile.TemporaryDirectory(prefix="fates-") as name:
        home = Path(name)
        journal = home / "journal"
        database, keys = _prepared()
        (home / "fates.sqlite3").write_bytes(database)
        environment = {"FATES_DATABASE": str(home / "fates.sqlite3")}
        run = _under_a_server if way.server else _in_process
        with run(way, keys, journal, environment):
            quiet = _that_served(journal)
        if keep is not None:
            shutil.copytree(journal, keep)
        return Served(way, quiet, _that_served(journal))


def _that_served(journal: Path) -> list[Process]:
    return [process for process in processes(journal) if process.served]


@functools.cache
def _prepared() -> tuple[bytes, list[str]]:
    """Returns the content of the database, and the keys of the sessions."""
    with tempfile.TemporaryDirectory(prefix="fates-") as name:
        path = Path(name) / "fates.sqlite3"
        command = [sys.executable, "-m", "tests.fates.prepare"]
        variables = _environment({"FATES_DATABASE": str(path), "TRACER_ENABLED": "0"})
        keys = subprocess.check_output(
            command, text=True, cwd=ROOT, env=variables, timeout=PATIENCE
        )
        return path.read_bytes(), keys.split()


def _environment(more: dict[str, str]) -> dict[str, str]:
    usual = {k: v for k, v in os.environ.items() if not k.startswith(("TRACER_", "DJANGO_"))}
    return {**usual, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": SETTINGS, **more}


@contextmanager
def _in_process(
    way: Way, keys: list[str], journal: Path, environment: dict[str, str]
) -> Iterator[None]:
    more = {
        **environment,
        "TRACER_JOURNAL": str(journal),
        "TRACER_CONSOLE": "0",
        "TRACER_WALK": "0",
    }
    log = journal.with_name("log")
    with log.open("w") as errors, subprocess.Popen(
        [sys.executable, "-m", "tests.fates.in_process", way.name, *keys],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
        env=_environment(more),
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            for part in PARTS:
                if part > 1:
                    child.stdin.write("on\n")
                    child.stdin.flush()
                assert child.stdout.readline() == "walked\n", last_lines(log)
            yield
            child.stdin.close()
            assert child.wait(PATIENCE) == 0, last_lines(log)
        finally:
            child.kill()


@contextmanager
def _under_a_server(
    way: Way, keys: list[str], journal: Path, environment: dict[str, str]
) -> Iterator[None]:
    with serve(
        way.server, project=ROOT, settings=SETTINGS, workers=way.workers, journal=journal,
        environment=environment, options=way.options, timeout=PATIENCE,
    ) as server:  # fmt: skip
        have_walked, answered = _watch(journal), 0

        def ask(asked: tuple[str, int]) -> None:
            path, visitor = asked
            reply = server.get(path, cookie=f"sessionid={keys[visitor]}")
            assert reply.status == 200, f"{path} {reply.status}\n{server.log()}"

        for part in PARTS:
            asked = requests_of(part)
            with ThreadPoolExecutor(way.concurrency) as clients:
                for _ in clients.map(ask, asked):
                    pass
            for _ in range(AFTERWARDS):
                ask(("/plain/", 0))
            answered += len(asked) + AFTERWARDS
            until(functools.partial(have_walked, answered), PATIENCE)
        yield


def _watch(journal: Path) -> Callable[[int], bool]:
    """Returns what tells whether every process has walked since its last request."""
    tail, closed, walked = Tail(journal), dict[Path, int](), dict[Path, int]()
    written = 0

    def have_walked(answered: int) -> bool:
        nonlocal written
        for news in tail.read():
            for fact in news.facts:
                if isinstance(fact, RecordedRequests):
                    written += len(fact)
                    closed[news.path] = max(closed.get(news.path, 0), *fact.closed)
                elif isinstance(fact, Walk):
                    walked[news.path] = fact.begun
        return written >= answered and all(walked.get(k, 0) > at for k, at in closed.items())

    return have_walked
