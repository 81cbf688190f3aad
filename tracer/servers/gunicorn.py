"""gunicorn: a master that forks its workers, in six modes."""

from __future__ import annotations

from tracer.servers.recipe import ASGI, WSGI, Launch, Plan, Program, Recipe, package_check

LEAST = (25, 1)
"""The first version with a control socket to switch off, and with its own ASGI worker."""
RECYCLING = 5
"""Requests after which a recycled worker is replaced."""


def command(launch: Launch, bind: str, *words: str, application: str = WSGI) -> tuple[str, ...]:
    """Returns gunicorn's command line; `bind` is an address with a port, or unix:PATH."""
    # An empty file: otherwise it would read the project's gunicorn.conf.py, if there is one.
    config = launch.work / "gunicorn.conf.py"
    config.touch()
    return launch.module(
        "gunicorn", "--config", str(config), "--bind", bind, "--workers", str(launch.workers),
        # gunicorn would open one in the home directory.
        "--no-control-socket",
        *words, *launch.options, application,
    )  # fmt: skip


def _recipe(
    name: str,
    title: str,
    *words: str,
    needs: str = "gunicorn",
    application: str = WSGI,
    threads: int | None = None,
    preload: bool = False,
) -> Recipe:
    def plan(launch: Launch) -> Plan:
        more = ("--threads", str(launch.threads)) if launch.threads else ()
        line = command(launch, launch.bind, *words, *more, application=application)
        return Plan((Program(line, launch.port),), loads=1 if preload else launch.workers)

    first, *others = needs.split()
    find = package_check(first, *others, least=LEAST)
    return Recipe(name, title, needs, find, plan, workers=2, threads=threads)


RECIPES = (
    _recipe("gunicorn", "two worker processes, one request at a time in each"),
    _recipe(
        "gunicorn-gthread", "two worker processes, a pool of threads in each",
        "--worker-class", "gthread", threads=4,
    ),
    _recipe(
        "gunicorn-gevent", "two worker processes, a greenlet for each request",
        "--worker-class", "gevent", needs="gunicorn gevent",
    ),
    _recipe(
        "gunicorn-preload", "the application is built in the master, its two workers inherit it",
        "--preload", preload=True,
    ),
    _recipe(
        "gunicorn-recycling", f"a worker is replaced after {RECYCLING} requests",
        "--max-requests", str(RECYCLING),
    ),
    _recipe(
        "gunicorn-asgi", "two worker processes, an event loop in each",
        "--worker-class", "asgi", application=ASGI,
    ),
)  # fmt: skip
