"""runserver: Django's own server for development."""

from __future__ import annotations

import importlib.metadata
import signal

from tracer.servers.recipe import Availability, Launch, Plan, Program, Recipe


def _find() -> Availability:
    return Availability(True, version=importlib.metadata.version("django"))


def _recipe(name: str, title: str, *words: str) -> Recipe:
    def plan(launch: Launch) -> Plan:
        manage = launch.project.manage
        start = (launch.python, str(manage)) if manage else launch.module("django")
        line = (*start, "runserver", *words, *launch.options, launch.bind)
        # To the child that serves: the reloader would kill it a quarter of a second after its own
        # interrupt, but it ends in order when the child does.
        return Plan((Program(line, launch.port, stop=signal.SIGINT, stop_target="leaves"),))

    return Recipe(name, title, "Django itself", _find, plan)


RECIPES = (
    _recipe("runserver", "a reloader and one process that serves, a thread for each connection"),
    _recipe(
        "runserver-nothreading", "one process, one thread", "--noreload", "--nothreading"
    ),
)  # fmt: skip
