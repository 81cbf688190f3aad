"""runserver: Django's own server for development."""

from __future__ import annotations

import importlib.metadata
import signal

from tracer.servers.recipe import Availability, Order, Plan, Program, Recipe


def _find() -> Availability:
    return Availability(True, version=importlib.metadata.version("django"))


def _row(name: str, title: str, *words: str) -> Recipe:
    def plan(order: Order) -> Plan:
        manage = order.project.manage
        start = (order.python, str(manage)) if manage else order.module("django")
        line = (*start, "runserver", *words, *order.options, order.bind)
        # To the process that serves: the reloader above it kills its child a quarter of a second
        # after an interrupt of its own, and ends in peace when the child does.
        return Plan((Program(line, order.port, stop=signal.SIGINT, whom="leaves"),))

    return Recipe(name, title, "Django itself", _find, plan)


RECIPES = (
    _row("runserver", "a reloader and one process that serves, a thread for each connection"),
    _row(
        "runserver-nothreading", "one process, one thread", "--noreload", "--nothreading"
    ),
)  # fmt: skip
