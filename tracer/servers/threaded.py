"""waitress and cheroot: one process with a pool of threads."""

from __future__ import annotations

import signal

from tracer.servers.recipe import WSGI, Launch, Plan, Program, Recipe, package_check


def _waitress(launch: Launch) -> Plan:
    words = ("--listen", launch.bind, "--threads", str(launch.threads), *launch.options, WSGI)
    return _plan(launch, launch.module("waitress", *words))


def _cheroot(launch: Launch) -> Plan:
    words = ("--bind", launch.bind, "--threads", str(launch.threads), *launch.options, WSGI)
    return _plan(launch, launch.module("cheroot", *words))


def _plan(launch: Launch, command: tuple[str, ...]) -> Plan:
    # Neither handles SIGTERM, which would end Python without its exit handlers.
    return Plan((Program(command, launch.port, stop=signal.SIGINT),), loads=1)


RECIPES = (
    Recipe(
        "waitress", "one process, a pool of four threads",
        "waitress", package_check("waitress"), _waitress, threads=4,
    ),
    Recipe(
        "cheroot", "one process, a pool of ten threads",
        "cheroot", package_check("cheroot"), _cheroot, threads=10,
    ),
)  # fmt: skip
