"""CGI without Apache: our own small server, which starts a script for each request."""

from __future__ import annotations

import platform
import signal

from tracer.servers.recipe import HOST, Availability, Launch, Plan, Program, Recipe


def _find() -> Availability:
    return Availability(True, version=platform.python_version())


def _plan(launch: Launch) -> Plan:
    line = launch.module("tracer.servers.cgi_server", HOST, str(launch.port), *launch.options)
    return Plan((Program(line, launch.port, stop=signal.SIGINT),))


RECIPES = (Recipe("cgi", "a new process for each request", "nothing", _find, _plan),)
