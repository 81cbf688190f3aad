"""CGI, anywhere: a small server of our own that starts a script for each request."""

from __future__ import annotations

import platform
import signal

from tracer.servers.recipe import HOST, Availability, Order, Plan, Program, Recipe


def _find() -> Availability:
    return Availability(True, version=platform.python_version())


def _plan(order: Order) -> Plan:
    line = order.module("tracer.servers.cgi_server", HOST, str(order.port), *order.options)
    return Plan((Program(line, order.port, stop=signal.SIGINT),))


RECIPES = (Recipe("cgi", "a new process for each request", "nothing", _find, _plan),)
