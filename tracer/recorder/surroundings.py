"""Who serves: the server and its mode, as far as a process can tell them from inside.

Several servers imitate each other's marks; each line below rests on one that only its server sets.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType
from typing import Any

_MODULES = (
    ("gunicorn.arbiter", "gunicorn"),
    ("mod_wsgi", "mod_wsgi"),
    ("_apache", "mod_python"),
    ("flup.server.fcgi_base", "flup"),
    ("granian", "granian"),
    ("daphne.server", "daphne"),
    ("hypercorn", "hypercorn"),
    ("uvicorn.server", "uvicorn"),
    ("waitress.server", "waitress"),
    ("cheroot.wsgi", "cheroot"),
)


def server(
    first: Mapping[str, Any],
    modules: Collection[str],
    environ: Mapping[str, str],
    argv: Sequence[str],
) -> tuple[str, str]:
    """Return (server, mode) from the first request's marks; "unknown" where nothing tells.

    `first` holds the flags that the entry probe kept, `modules` the names in `sys.modules`.
    """
    if environ.get("GATEWAY_INTERFACE") and first.get("wsgi.run_once"):
        return "CGI", "one process per request"
    if "uwsgi" in modules:
        return "uWSGI", _flags(first)
    for module, name in _MODULES:
        if module in modules and (name != "gunicorn" or "SERVER_SOFTWARE" in environ):
            # Its gevent worker sets the flag for threads, and has one.
            greenlets = "gunicorn.workers.ggevent" in modules and name == "gunicorn"
            return name, _flags(first, "greenlets" if greenlets else "threads")
    if str(first.get("SERVER_SOFTWARE", "")).startswith("WSGIServer/"):
        words = [word for word in ("--noreload", "--nothreading") if word in argv]
        return "runserver", " ".join(words) or "with reloader"
    if "pytest" in modules or "test" in argv[1:2]:
        return "test client", ""
    return "unknown", _flags(first)


def stays_alone(modules: Mapping[str, ModuleType]) -> bool:
    """Whether a second thread could keep this process from ending: uWSGI's with one thread each.

    uWSGI ends a worker with all of `exit` from within its signal handler. As long as there was
    never a second thread, the C library takes no lock for its memory; after that, a signal that
    comes in the midst of `free` waits for ever for the lock that its own thread holds. `modules`
    is `sys.modules`. Under gevent, or with threads of its own, a process has more than one core.
    """
    return getattr(modules.get("uwsgi"), "cores", 0) == 1


def before_requests(
    modules: Collection[str], environ: Mapping[str, str], argv: Sequence[str]
) -> tuple[str, str]:
    """Return (server, mode) of a process that has served nothing yet, as far as it shows."""
    command = argv[1] if len(argv) > 1 else ""
    if environ.get("GATEWAY_INTERFACE"):
        return "CGI", ""
    if "uwsgi" in modules:
        return "uWSGI", ""
    for module, name in _MODULES:
        if module in modules and (name != "gunicorn" or "SERVER_SOFTWARE" in environ):
            return name, ""
    if command == "runserver":
        reloads = "--noreload" not in argv and environ.get("RUN_MAIN") != "true"
        return "runserver", "parent, which reloads" if reloads else "about to serve"
    if "pytest" in modules or command == "test":
        return "test client", ""
    if "django.core.management" in modules and command and not command.startswith("-"):
        return "command", command
    return "unknown", ""


def _flags(first: Mapping[str, Any], many: str = "threads") -> str:
    if first.get("protocol") == "asgi":
        return "ASGI"
    threads = many if first.get("wsgi.multithread") else "one thread"
    processes = ", one of several processes" if first.get("wsgi.multiprocess") else ""
    return f"{_place(first)}WSGI, {threads}{processes}"


def _place(first: Mapping[str, Any]) -> str:
    """Whose process it is: under mod_wsgi Apache's own, where no group of daemons is named."""
    if "mod_wsgi.process_group" not in first:
        return ""
    return "daemon, " if first["mod_wsgi.process_group"] else "embedded, "


def process_started() -> float:
    """When this process began, in seconds since the epoch; now, where the system does not tell."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
        # With no file between them: a process may have to wait for its turn at any moment.
        now, up = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - up + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.time()
