"""waitress and cheroot: one process with a pool of threads."""

from __future__ import annotations

import signal

from tracer.servers.recipe import WSGI, Order, Plan, Program, Recipe, wheel


def _waitress(order: Order) -> Plan:
    words = ("--listen", order.bind, "--threads", str(order.threads), *order.options, WSGI)
    return _plan(order, order.module("waitress", *words))


def _cheroot(order: Order) -> Plan:
    words = ("--bind", order.bind, "--threads", str(order.threads), *order.options, WSGI)
    return _plan(order, order.module("cheroot", *words))


def _plan(order: Order, command: tuple[str, ...]) -> Plan:
    # Neither listens to SIGTERM, which would end Python without its exit handlers.
    return Plan((Program(command, order.port, stop=signal.SIGINT),), loads=1)


RECIPES = (
    Recipe(
        "waitress", "one process, a pool of four threads",
        "waitress", wheel("waitress"), _waitress, threads=4,
    ),
    Recipe(
        "cheroot", "one process, a pool of ten threads",
        "cheroot", wheel("cheroot"), _cheroot, threads=10,
    ),
)  # fmt: skip
