"""uWSGI: a master that loads the application and forks, in four modes.

The wheel pyuwsgi and the package uWSGI are the same program under two names.
"""

from __future__ import annotations

import importlib.metadata
import sysconfig
from pathlib import Path

from tracer.servers.recipe import WSGI, Availability, Order, Plan, Program, Recipe

RECYCLING = 5
"""Requests after which a recycled worker is replaced."""


def find() -> Availability:
    """Look for the program in the environment of this interpreter."""
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


def command(order: Order, *words: str) -> tuple[str, ...]:
    """Return uWSGI's command line but for what it listens on, which `words` must say."""
    module, _, name = WSGI.partition(":")
    return (
        str(_program()), "--master", "--need-app",
        # Else SIGTERM means: reload.
        "--die-on-term",
        # Python's threads sleep for ever without it: the project's own, and, with more than one
        # thread in a worker, the tracer's.
        "--enable-threads",
        "--processes", str(order.workers), "--module", module, "--callable", name,
        "--pythonpath", str(order.project.directory),
        *words, *order.options,
    )  # fmt: skip


def _row(name: str, title: str, *words: str, threads: int | None = None, lazy: bool) -> Recipe:
    def plan(order: Order) -> Plan:
        more = ("--threads", str(order.threads)) if order.threads else ()
        line = command(order, "--http-socket", order.bind, *words, *more)
        return Plan((Program(line, order.port),), loads=order.workers if lazy else 1)

    return Recipe(name, title, "pyuwsgi", find, plan, workers=2, threads=threads)


RECIPES = (
    _row(
        "uwsgi", "the application is built in the master, its two workers inherit it", lazy=False
    ),
    _row(
        "uwsgi-lazy-apps", "two worker processes, each builds the application", "--lazy-apps",
        lazy=True,
    ),
    _row(
        "uwsgi-threads", "two workers inherit the application, four threads in each",
        threads=4, lazy=False,
    ),
    _row(
        "uwsgi-recycling", f"a worker that inherited the application is replaced after {RECYCLING} "
        "requests", "--max-requests", str(RECYCLING), "--min-worker-lifetime", "0",
        # Else the master naps between two replacements; told to stop meanwhile, it would begin
        # another worker afterwards, which never hears of it.
        "--forkbomb-delay", "0", lazy=False,
    ),
)  # fmt: skip
