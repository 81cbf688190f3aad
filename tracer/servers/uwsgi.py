"""uWSGI: a master that loads the application and forks, in four modes.

The wheel pyuwsgi and the package uWSGI are the same program under two names.
"""

from __future__ import annotations

import importlib.metadata
import sysconfig
from pathlib import Path

from tracer.servers.recipe import WSGI, Availability, Launch, Plan, Program, Recipe

RECYCLING = 5
"""Requests after which a recycled worker is replaced."""


def find() -> Availability:
    """Checks whether uWSGI is installed in the environment of this interpreter."""
    for name in ("pyuwsgi", "uWSGI"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if _program() is not None:
            return Availability(True, version=version)
    return Availability(False, "uWSGI is not installed: pip install pyuwsgi")


def _program() -> Path | None:
    directory = Path(sysconfig.get_path("scripts"))
    return next((directory / n for n in ("pyuwsgi", "uwsgi") if (directory / n).exists()), None)


def command(launch: Launch, *words: str) -> tuple[str, ...]:
    """Returns uWSGI's command line; `words` must name what it listens on."""
    module, _, name = WSGI.partition(":")
    return (
        str(_program()), "--master", "--need-app",
        # Otherwise SIGTERM reloads.
        "--die-on-term",
        # Otherwise Python's threads never run: the project's own and, with more than one thread in
        # a worker, the tracer's.
        "--enable-threads",
        "--processes", str(launch.workers), "--module", module, "--callable", name,
        "--pythonpath", str(launch.project.directory),
        *words, *launch.options,
    )  # fmt: skip


def _recipe(name: str, title: str, *words: str, threads: int | None = None, lazy: bool) -> Recipe:
    def plan(launch: Launch) -> Plan:
        more = ("--threads", str(launch.threads)) if launch.threads else ()
        line = command(launch, "--http-socket", launch.bind, *words, *more)
        return Plan((Program(line, launch.port),), loads=launch.workers if lazy else 1)

    return Recipe(name, title, "pyuwsgi", find, plan, workers=2, threads=threads)


RECIPES = (
    _recipe(
        "uwsgi", "the application is built in the master, its two workers inherit it", lazy=False
    ),
    _recipe(
        "uwsgi-lazy-apps", "two worker processes, each builds the application", "--lazy-apps",
        lazy=True,
    ),
    _recipe(
        "uwsgi-threads", "two workers inherit the application, four threads in each",
        threads=4, lazy=False,
    ),
    _recipe(
        "uwsgi-recycling", f"a worker that inherited the application is replaced after {RECYCLING} "
        "requests", "--max-requests", str(RECYCLING), "--min-worker-lifetime", "0",
        # Otherwise the master sleeps between two replacements. A SIGTERM meanwhile ends no worker
        # that it starts afterwards.
        "--forkbomb-delay", "0", lazy=False,
    ),
)  # fmt: skip
