"""uvicorn, daphne and hypercorn: event loops, alone or one in each of several processes."""

from __future__ import annotations

import signal

from tracer.servers.recipe import ASGI, HOST, Launch, Plan, Program, Recipe, package_check


def _uvicorn(launch: Launch) -> Plan:
    workers = ("--workers", str(launch.workers)) if launch.workers else ()
    words = ("--host", HOST, "--port", str(launch.port), *workers, *launch.options, ASGI)
    return _plan(launch, launch.module("uvicorn", *words))


def _daphne(launch: Launch) -> Plan:
    words = ("--bind", HOST, "--port", str(launch.port), *launch.options, ASGI)
    return _plan(launch, launch.module("daphne", *words))


def _hypercorn(launch: Launch) -> Plan:
    words = ("--bind", launch.bind, "--workers", str(launch.workers), *launch.options, ASGI)
    return _plan(launch, launch.module("hypercorn", *words))


def _plan(launch: Launch, command: tuple[str, ...]) -> Plan:
    # After SIGINT uvicorn runs Python's exit handlers, after SIGTERM it does not. Its workers never
    # run them: they obey SIGINT and then the SIGTERM that their parent sends.
    program = Program(command, launch.port, stop=signal.SIGINT, stop_target="group")
    return Plan((program,), loads=launch.workers or 1)


RECIPES = (
    Recipe(
        "uvicorn", "one process, an event loop",
        "uvicorn", package_check("uvicorn"), _uvicorn,
    ),
    Recipe(
        "uvicorn-workers", "two worker processes, an event loop in each",
        "uvicorn", package_check("uvicorn"), _uvicorn, workers=2,
    ),
    Recipe(
        "daphne", "one process, an event loop",
        "daphne", package_check("daphne"), _daphne,
    ),
    Recipe(
        "hypercorn", "two worker processes, an event loop in each",
        "hypercorn", package_check("hypercorn"), _hypercorn, workers=2,
    ),
)  # fmt: skip
