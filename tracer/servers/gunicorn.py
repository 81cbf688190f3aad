"""gunicorn: a master that forks its workers, in six modes."""

from __future__ import annotations

from tracer.servers.recipe import ASGI, WSGI, Order, Plan, Program, Recipe, wheel

LEAST = (25, 1)
"""The first version with a control socket to switch off, and with an ASGI worker of its own."""
RECYCLING = 5
"""Requests after which a recycled worker is replaced."""


def command(order: Order, bind: str, *words: str, application: str = WSGI) -> tuple[str, ...]:
    """Return gunicorn's command line; `bind` is an address with a port, or unix:PATH."""
    # Without a file of its own it would read a gunicorn.conf.py that the project may have.
    config = order.work / "gunicorn.conf.py"
    config.touch()
    return order.module(
        "gunicorn", "--config", str(config), "--bind", bind, "--workers", str(order.workers),
        # It would open one in the home directory.
        "--no-control-socket",
        *words, *order.options, application,
    )  # fmt: skip


def _row(
    name: str,
    title: str,
    *words: str,
    needs: str = "gunicorn",
    application: str = WSGI,
    threads: int | None = None,
    preload: bool = False,
) -> Recipe:
    def plan(order: Order) -> Plan:
        more = ("--threads", str(order.threads)) if order.threads else ()
        line = command(order, order.bind, *words, *more, application=application)
        return Plan((Program(line, order.port),), loads=1 if preload else order.workers)

    first, *others = needs.split()
    find = wheel(first, *others, least=LEAST)
    return Recipe(name, title, needs, find, plan, workers=2, threads=threads)


RECIPES = (
    _row("gunicorn", "two worker processes, one request at a time in each"),
    _row(
        "gunicorn-gthread", "two worker processes, a pool of threads in each",
        "--worker-class", "gthread", threads=4,
    ),
    _row(
        "gunicorn-gevent", "two worker processes, a greenlet for each request",
        "--worker-class", "gevent", needs="gunicorn gevent",
    ),
    _row(
        "gunicorn-preload", "the application is built in the master, its two workers inherit it",
        "--preload", preload=True,
    ),
    _row(
        "gunicorn-recycling", f"a worker is replaced after {RECYCLING} requests",
        "--max-requests", str(RECYCLING),
    ),
    _row(
        "gunicorn-asgi", "two worker processes, an event loop in each",
        "--worker-class", "asgi", application=ASGI,
    ),
)  # fmt: skip
