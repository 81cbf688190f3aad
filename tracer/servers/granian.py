"""granian: a server in Rust that calls Python, over WSGI or ASGI."""

from __future__ import annotations

from tracer.servers.recipe import ASGI, HOST, WSGI, Order, Plan, Program, Recipe, wheel


def _row(name: str, title: str, interface: str, application: str) -> Recipe:
    def plan(order: Order) -> Plan:
        line = order.module(
            "granian", "--interface", interface, "--host", HOST, "--port", str(order.port),
            "--workers", str(order.workers), *order.options, application,
        )  # fmt: skip
        return Plan((Program(line, order.port),), loads=order.workers)

    return Recipe(name, title, "granian", wheel("granian"), plan, workers=2)


RECIPES = (
    _row("granian-wsgi", "two worker processes, a pool of threads in each", "wsgi", WSGI),
    _row("granian-asgi", "two worker processes, an event loop in each", "asgi", ASGI),
)
