"""uvicorn, daphne and hypercorn: event loops, alone or one in each of several processes."""

from __future__ import annotations

import signal

from tracer.servers.recipe import ASGI, HOST, Order, Plan, Program, Recipe, wheel


def _uvicorn(order: Order) -> Plan:
    workers = ("--workers", str(order.workers)) if order.workers else ()
    words = ("--host", HOST, "--port", str(order.port), *workers, *order.options, ASGI)
    return _plan(order, order.module("uvicorn", *words))


def _daphne(order: Order) -> Plan:
    words = ("--bind", HOST, "--port", str(order.port), *order.options, ASGI)
    return _plan(order, order.module("daphne", *words))


def _hypercorn(order: Order) -> Plan:
    words = ("--bind", order.bind, "--workers", str(order.workers), *order.options, ASGI)
    return _plan(order, order.module("hypercorn", *words))


def _plan(order: Order, command: tuple[str, ...]) -> Plan:
    # Interrupted, uvicorn goes on to Python's exit handlers; terminated, it does not. Its workers
    # never do: the process above them sends SIGTERM after the interrupt, and they obey both.
    program = Program(command, order.port, stop=signal.SIGINT, whom="group")
    return Plan((program,), loads=order.workers or 1)


RECIPES = (
    Recipe(
        "uvicorn", "one process, an event loop",
        "uvicorn", wheel("uvicorn"), _uvicorn,
    ),
    Recipe(
        "uvicorn-workers", "two worker processes, an event loop in each",
        "uvicorn", wheel("uvicorn"), _uvicorn, workers=2,
    ),
    Recipe(
        "daphne", "one process, an event loop",
        "daphne", wheel("daphne"), _daphne,
    ),
    Recipe(
        "hypercorn", "two worker processes, an event loop in each",
        "hypercorn", wheel("hypercorn"), _hypercorn, workers=2,
    ),
)  # fmt: skip
