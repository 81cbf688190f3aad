"""Which server runs this process and in which mode, as far as the process can find out.

The server is recognised by whose code runs. What is loaded or stands in the process's environment
says nothing: any project may load a server's modules, and any process below a server inherits its
variables.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import get_ident
from types import FrameType, ModuleType
from typing import Any, Final

_OWN_PACKAGE: Final = "tracer"
_RUNSERVER: Final = "runserver"
_TESTS: Final = "test client"
_SERVERS: Final = (
    # First, as its workers may run another server's code.
    ("gunicorn", "gunicorn"),
    ("granian", "granian"),
    # It brings a runserver of its own, which runs Django's command too.
    ("daphne", "daphne"),
    ("hypercorn", "hypercorn"),
    ("uvicorn", "uvicorn"),
    ("waitress", "waitress"),
    ("cheroot", "cheroot"),
    ("flup", "flup"),
    ("mod_python", "mod_python"),
    ("django.core.management.commands.runserver", _RUNSERVER),
)
"""(package, server): the server that serves when code of this package calls the application."""
_TESTING: Final = ("django.test", "unittest", "_pytest")
_START_METHODS: Final = (
    # The first calls the second, too.
    ("multiprocessing.forkserver", "forkserver"),
    ("multiprocessing.spawn", "spawn"),
    ("multiprocessing.popen_fork", "fork"),
)


def callers() -> tuple[str, ...]:
    """Returns the names of the modules whose code called this, the nearest first, without ours."""
    return (*_names(sys._getframe()),)


def modules_of_other_threads() -> frozenset[str]:
    """Returns the names of the modules whose code runs in the other threads just now."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        # Without the interpreter's lock their frames cannot be walked.
        return frozenset()
    here = get_ident()
    # No variable here holds a frame: a frame that reaches itself would keep everything below it
    # alive, the request too.
    return frozenset(
        name
        for thread, frame in sys._current_frames().items()
        if thread != here
        for name in _names(frame)
    )


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if type(name) is str and name.partition(".")[0] != _OWN_PACKAGE:
            yield name
        frame = frame.f_back


def server(
    first: Mapping[str, Any],
    modules: Mapping[str, ModuleType],
    environ: Mapping[str, str],
) -> tuple[str, str]:
    """Returns (server, mode) as seen in the first request; "unknown" if nothing shows it.

    `first` is what the handlers' probe kept of that request, `modules` is `sys.modules`, `environ`
    the process's environment.
    """
    if environ.get("GATEWAY_INTERFACE") and first.get("wsgi.run_once"):
        return "CGI", "one process per request"
    called_by: Sequence[str] = first.get("callers", ())
    others: Collection[str] = first.get("other_threads", ())
    name = (
        _server_among(_own_callers(called_by))
        or _embedding_server(modules)
        or _server_among(others)
    )
    if name == _RUNSERVER:
        # With threads, requests run on other threads than the command.
        alone = any(each.endswith(".commands.runserver") for each in called_by)
        reloads = "django.utils.autoreload" in {*called_by, *others}
        words = ["--noreload"] * (not reloads) + ["--nothreading"] * alone
        return name, " ".join(words) or "with reloader"
    if not name and (_runs_tests(called_by) or _runs_tests(others)):
        return _TESTS, ""
    # gunicorn's gevent worker sets the flag for several threads, and has one.
    greenlets = "gunicorn.workers.ggevent" in called_by
    return name or "unknown", _mode(first, "greenlets" if greenlets else "threads")


def needs_single_thread(modules: Mapping[str, ModuleType]) -> bool:
    """Returns whether a second thread could keep this process from ending.

    That is so in uWSGI's workers of one thread. uWSGI ends a worker by a full `exit` within its
    signal handler. As long as there was never a second thread, the C library takes no lock for its
    memory. After that, a signal in the middle of `free` waits for ever for the lock that its own
    thread holds. Under gevent, or with several threads, uWSGI counts more than one core.
    `modules` is `sys.modules`.
    """
    return getattr(modules.get("uwsgi"), "cores", 0) == 1


def server_before_requests(
    called_by: Sequence[str],
    forked: bool,
    modules: Mapping[str, ModuleType],
    environ: Mapping[str, str],
    argv: Sequence[str],
) -> tuple[str, str]:
    """Returns (server, mode) of a process that has served nothing yet, as far as it shows.

    `called_by` is what `callers` returned when the tracer began in it, or when it was `forked`.
    """
    # In a forked child only the nearest caller counts: the others belong to the parent's work.
    name = _server_among(called_by[:1] if forked else _own_callers(called_by)) or (
        "" if forked and called_by else _embedding_server(modules)
    )
    if name:
        return name, ""
    for module, method in _START_METHODS:
        if module in (called_by[:1] if forked else called_by):
            return "multiprocessing", method
    if forked:
        return "child", f"forked by {called_by[0]}" if called_by else "forked"
    if _runs_tests(called_by):
        return _TESTS, ""
    if "django.core.management" in called_by:
        return _management_command(argv, environ)
    return _program(modules, argv)


def _management_command(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    command = argv[1] if len(argv) > 1 else ""
    if command == _RUNSERVER:
        reloads = "--noreload" not in argv and environ.get("RUN_MAIN") != "true"
        return _RUNSERVER, "parent, which reloads" if reloads else "about to serve"
    return (_TESTS, "") if command == "test" else ("command", command)


def _program(modules: Mapping[str, ModuleType], argv: Sequence[str]) -> tuple[str, str]:
    """Returns what was started: a module with `python -m`, or a file."""
    main = modules.get("__main__")
    spec = vars(main).get("__spec__") if isinstance(main, ModuleType) else None
    if spec is not None:
        return "program", f"-m {spec.name.removesuffix('.__main__')}"
    name = os.path.basename(argv[0]) if argv else ""
    return ("program", name) if name else ("unknown", "")


def _own_callers(called_by: Sequence[str]) -> Sequence[str]:
    """Returns the callers up to where this process began; the others are copies from its parent."""
    names = list(called_by)
    end = names.index("multiprocessing.process") if "multiprocessing.process" in names else None
    return names[:end]


def _server_among(running: Collection[str]) -> str:
    """Returns the server among modules whose code runs; empty if there is none."""
    return next((name for package, name in _SERVERS if _runs(package, running)), "")


def _runs_tests(running: Collection[str]) -> bool:
    return any(_runs(package, running) for package in _TESTING)


def _runs(package: str, running: Collection[str]) -> bool:
    """Returns whether code of this package runs, besides middleware: any server may run that."""
    middleware = f"{package}.middleware"
    return any(
        f"{name}.".startswith(f"{package}.") and not name.startswith(middleware) for name in running
    )


def _embedding_server(modules: Mapping[str, ModuleType]) -> str:
    """Returns the server that embeds this interpreter, by a module that no import can bring."""
    uwsgi, mod_wsgi = modules.get("uwsgi"), modules.get("mod_wsgi")
    if isinstance(uwsgi, ModuleType) and "__file__" not in vars(uwsgi):
        return "uWSGI"
    if isinstance(mod_wsgi, ModuleType) and "process_group" in vars(mod_wsgi):
        return "mod_wsgi"
    return "mod_python" if "_apache" in modules else ""


def _mode(first: Mapping[str, Any], many: str = "threads") -> str:
    if first.get("protocol") == "asgi":
        return "ASGI"
    threads = many if first.get("wsgi.multithread") else "one thread"
    processes = ", one of several processes" if first.get("wsgi.multiprocess") else ""
    return f"{_mod_wsgi_place(first)}WSGI, {threads}{processes}"


def _mod_wsgi_place(first: Mapping[str, Any]) -> str:
    """Returns whose process it is. mod_wsgi names a group of daemons, or runs in Apache's own."""
    if "mod_wsgi.process_group" not in first:
        return ""
    return "daemon, " if first["mod_wsgi.process_group"] else "embedded, "


def process_start_time() -> float:
    """Returns when this process began, in seconds since the epoch; if that is unknown, now."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
        # Read both clocks after the file: the process may have to wait for its turn while it reads.
        now, up = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - up + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.time()
