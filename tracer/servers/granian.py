"""granian: a server in Rust that calls Python, over WSGI or ASGI."""

from __future__ import annotations

from tracer.servers.recipe import ASGI, HOST, WSGI, Launch, Plan, Program, Recipe, package_check


def _recipe(name: str, title: str, interface: str, application: str) -> Recipe:
    def plan(launch: Launch) -> Plan:
        line = launch.module(
            "granian", "--interface", interface, "--host", HOST, "--port", str(launch.port),
            "--workers", str(launch.workers), *launch.options, application,
        )  # fmt: skip
        return Plan((Program(line, launch.port),), loads=launch.workers)

    return Recipe(name, title, "granian", package_check("granian"), plan, workers=2)


RECIPES = (
    _recipe("granian-wsgi", "two worker processes, a pool of threads in each", "wsgi", WSGI),
    _recipe("granian-asgi", "two worker processes, an event loop in each", "asgi", ASGI),
)
