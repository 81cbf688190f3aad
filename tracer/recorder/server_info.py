"""Who serves: the server and its mode, as far as a process can tell them from inside.

Told by whose code runs, never by what is loaded or stands in the process's environment: any project
may load a server's modules, and any process below a server inherits its variables.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import get_ident
from types import FrameType, ModuleType
from typing import Any, Final

_OURS: Final = "tracer"
_RUNSERVER: Final = "runserver"
_TESTS: Final = "test client"
_SERVERS: Final = (
    # Its workers may run another server's code.
    ("gunicorn", "gunicorn"),
    ("granian", "granian"),
    # It brings a runserver of its own, which is Django's command, too.
    ("daphne", "daphne"),
    ("hypercorn", "hypercorn"),
    ("uvicorn", "uvicorn"),
    ("waitress", "waitress"),
    ("cheroot", "cheroot"),
    ("flup", "flup"),
    ("mod_python", "mod_python"),
    ("django.core.management.commands.runserver", _RUNSERVER),
)
"""Package, and the server that serves where its code calls the application."""
_TESTING: Final = ("django.test", "unittest", "_pytest")
_START_METHODS: Final = (
    # The first calls the second, too.
    ("multiprocessing.forkserver", "forkserver"),
    ("multiprocessing.spawn", "spawn"),
    ("multiprocessing.popen_fork", "fork"),
)


def callers() -> tuple[str, ...]:
    """Return the names of the modules whose code called this, the nearest first; none of ours."""
    return (*_names(sys._getframe()),)


def beside() -> frozenset[str]:
    """Return the names of the modules whose code runs in the other threads just now."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        # Without the interpreter's lock their frames are not there to be walked.
        return frozenset()
    here = get_ident()
    # Held by no name here: a frame that reaches itself would keep all below it, the request too.
    return frozenset(
        name
        for thread, frame in sys._current_frames().items()
        if thread != here
        for name in _names(frame)
    )


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if type(name) is str and name.partition(".")[0] != _OURS:
            yield name
        frame = frame.f_back


def server(
    first: Mapping[str, Any],
    modules: Mapping[str, ModuleType],
    environ: Mapping[str, str],
) -> tuple[str, str]:
    """Return (server, mode) from the first request's marks; "unknown" where nothing tells.

    `first` holds what the entry probe kept, `modules` is `sys.modules`, `environ` the process's.
    """
    if environ.get("GATEWAY_INTERFACE") and first.get("wsgi.run_once"):
        return "CGI", "one process per request"
    called_by: Sequence[str] = first.get("callers", ())
    others: Collection[str] = first.get("beside", ())
    name = _named(_own(called_by)) or _embedding(modules) or _named(others)
    if name == _RUNSERVER:
        # With threads, a request is on none of those that run the command.
        alone = any(each.endswith(".commands.runserver") for each in called_by)
        reloads = "django.utils.autoreload" in {*called_by, *others}
        words = ["--noreload"] * (not reloads) + ["--nothreading"] * alone
        return name, " ".join(words) or "with reloader"
    if not name and (_tests(called_by) or _tests(others)):
        return _TESTS, ""
    # gunicorn's gevent worker sets the flag for threads, and has one.
    greenlets = "gunicorn.workers.ggevent" in called_by
    return name or "unknown", _flags(first, "greenlets" if greenlets else "threads")


def stays_alone(modules: Mapping[str, ModuleType]) -> bool:
    """Whether a second thread could keep this process from ending: uWSGI's with one thread each.

    uWSGI ends a worker with all of `exit` from within its signal handler. As long as there was
    never a second thread, the C library takes no lock for its memory; after that, a signal that
    comes in the midst of `free` waits for ever for the lock that its own thread holds. `modules`
    is `sys.modules`. Under gevent, or with threads of its own, a process has more than one core.
    """
    return getattr(modules.get("uwsgi"), "cores", 0) == 1


def before_requests(
    called_by: Sequence[str],
    forked: bool,
    modules: Mapping[str, ModuleType],
    environ: Mapping[str, str],
    argv: Sequence[str],
) -> tuple[str, str]:
    """Return (server, mode) of a process that has served nothing yet, as far as it shows.

    `called_by` is what `callers` said when the tracer began in it, or when it was `forked`.
    """
    # What the one that forked was doing otherwise is not what the child does.
    name = _named(called_by[:1] if forked else _own(called_by)) or (
        "" if forked and called_by else _embedding(modules)
    )
    if name:
        return name, ""
    for module, method in _START_METHODS:
        if module in (called_by[:1] if forked else called_by):
            return "multiprocessing", method
    if forked:
        return "child", f"forked by {called_by[0]}" if called_by else "forked"
    if _tests(called_by):
        return _TESTS, ""
    if "django.core.management" in called_by:
        return _command(argv, environ)
    return _program(modules, argv)


def _command(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    command = argv[1] if len(argv) > 1 else ""
    if command == _RUNSERVER:
        reloads = "--noreload" not in argv and environ.get("RUN_MAIN") != "true"
        return _RUNSERVER, "parent, which reloads" if reloads else "about to serve"
    return (_TESTS, "") if command == "test" else ("command", command)


def _program(modules: Mapping[str, ModuleType], argv: Sequence[str]) -> tuple[str, str]:
    """What was started: a module with `python -m`, or a file."""
    main = modules.get("__main__")
    spec = vars(main).get("__spec__") if isinstance(main, ModuleType) else None
    if spec is not None:
        return "program", f"-m {spec.name.removesuffix('.__main__')}"
    name = os.path.basename(argv[0]) if argv else ""
    return ("program", name) if name else ("unknown", "")


def _own(called_by: Sequence[str]) -> Sequence[str]:
    """Of those that called, those that this process began with: a fork copies the others."""
    names = list(called_by)
    begun = names.index("multiprocessing.process") if "multiprocessing.process" in names else None
    return names[:begun]


def _named(running: Collection[str]) -> str:
    """The server among modules whose code runs; empty if there is none."""
    return next((name for package, name in _SERVERS if _runs(package, running)), "")


def _tests(running: Collection[str]) -> bool:
    return any(_runs(package, running) for package in _TESTING)


def _runs(package: str, running: Collection[str]) -> bool:
    """Whether code of this package runs. Its middleware may do so under any server."""
    middleware = f"{package}.middleware"
    return any(
        f"{name}.".startswith(f"{package}.") and not name.startswith(middleware) for name in running
    )


def _embedding(modules: Mapping[str, ModuleType]) -> str:
    """The server whose program runs this interpreter, by a module that no import can bring."""
    uwsgi, mod_wsgi = modules.get("uwsgi"), modules.get("mod_wsgi")
    if isinstance(uwsgi, ModuleType) and "__file__" not in vars(uwsgi):
        return "uWSGI"
    if isinstance(mod_wsgi, ModuleType) and "process_group" in vars(mod_wsgi):
        return "mod_wsgi"
    return "mod_python" if "_apache" in modules else ""


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
