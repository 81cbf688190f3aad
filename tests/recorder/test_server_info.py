"""Which server runs a process, recognised by marks that only that server leaves."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tracer.recorder import server_info

WSGI = {"protocol": "wsgi", "wsgi.multithread": False, "wsgi.multiprocess": False}

CASES: list[tuple[str, dict[str, Any], set[str]]] = [
    ("uWSGI", WSGI, {"uwsgi"}),
    ("mod_python", WSGI, {"_apache"}),
    ("gunicorn", {**WSGI, "callers": ("gunicorn.workers.sync", "gunicorn.arbiter")}, set()),
    ("gunicorn", {"callers": ("uvicorn.server", "uvicorn_worker", "gunicorn.arbiter")}, set()),
    ("flup", {**WSGI, "callers": ("flup.server.fcgi_base",)}, set()),
    ("granian", {**WSGI, "callers": ("granian.wsgi",)}, set()),
    ("daphne", {"callers": ("asyncio.events", "daphne.server", "daphne.cli")}, set()),
    ("uvicorn", {"callers": ("hypercorn.middleware.proxy_fix", "uvicorn.server")}, set()),
    ("uvicorn", {"callers": ("uvicorn.server", "multiprocessing.process", "gunicorn.app")}, set()),
    ("uvicorn", {"callers": ("asgiref.sync",), "other_threads": {"uvicorn.server"}}, set()),
    ("test client", {**WSGI, "callers": ("django.test.client", "shop.tests")}, set()),
    ("unknown", {**WSGI, "callers": ("wsgiref.handlers", "uvicornish.server")}, set()),
]


@pytest.mark.parametrize(("name", "first", "modules"), CASES)
def test_each_server_is_recognised(name: str, first: dict[str, Any], modules: set[str]) -> None:
    """Its code calls the application, or its program embeds the interpreter."""
    loaded = {module: ModuleType(module) for module in modules}
    assert server_info.server(first, loaded, {})[0] == name


def test_cgi_is_recognised_by_the_processs_own_environment() -> None:
    """Together with the flag of the first request."""
    first = {**WSGI, "wsgi.run_once": True}
    shown = server_info.server(first, {}, {"GATEWAY_INTERFACE": "CGI/1.1"})
    assert shown == ("CGI", "one process per request")


@pytest.mark.parametrize(("cores", "single"), [(1, True), (4, False)])
def test_a_uwsgi_process_of_one_thread_needs_a_single_thread(cores: int, single: bool) -> None:
    """If it has several threads, another one does no harm."""
    uwsgi = ModuleType("uwsgi")
    vars(uwsgi)["cores"] = cores
    assert server_info.needs_single_thread({"uwsgi": uwsgi}) is single
    assert not server_info.needs_single_thread({})


LOADED = {
    name: ModuleType(name)
    for name in (
        "gunicorn.arbiter",
        "daphne.server",
        "uvicorn.server",
        "mod_wsgi",
        "flup",
        "pytest",
    )
}


def test_a_server_being_loaded_does_not_make_it_the_server() -> None:
    """Nor does an environment variable that the process inherited."""
    environ = {"SERVER_SOFTWARE": "gunicorn/23"}
    assert server_info.server(WSGI, LOADED, environ)[0] == "unknown"
    assert server_info.server_before_requests(
        ("django",), False, LOADED, environ, ["a/job.py"]
    ) == (
        "program",
        "job.py",
    )


def test_a_module_called_uwsgi_that_was_imported_is_no_uwsgi() -> None:
    """The server's own module comes from no file."""
    stand_in = ModuleType("uwsgi")
    stand_in.__file__ = "uwsgi.py"
    assert server_info.server(WSGI, {"uwsgi": stand_in}, {})[0] == "unknown"


def test_a_gateway_variable_in_an_environ_does_not_make_it_cgi() -> None:
    """Several servers set it for the application; CGI alone sets it for the process."""
    first = {**WSGI, "wsgi.run_once": False}
    environ = {"GATEWAY_INTERFACE": "CGI/1.1"}
    assert server_info.server(first, {}, environ)[0] == "unknown"


def test_the_mode_says_threads_processes_and_protocol() -> None:
    """Taken from the flags of the first request."""
    uwsgi = {"uwsgi": ModuleType("uwsgi")}
    threads = {**WSGI, "wsgi.multithread": True, "wsgi.multiprocess": True}
    assert server_info.server(threads, uwsgi, {})[1] == "WSGI, threads, one of several processes"
    assert server_info.server(WSGI, uwsgi, {})[1] == "WSGI, one thread"
    assert server_info.server({"protocol": "asgi"}, uwsgi, {})[1] == "ASGI"


@pytest.mark.parametrize(("group", "place"), [("", "embedded"), ("café", "daemon")])
def test_mod_wsgi_serves_in_a_process_of_apache_or_in_one_of_its_own(
    group: str, place: str
) -> None:
    """The group's name shows which, and is not printed."""
    mod_wsgi = ModuleType("mod_wsgi")
    vars(mod_wsgi)["process_group"] = group
    first = {**WSGI, "mod_wsgi.process_group": group}
    shown = server_info.server(first, {"mod_wsgi": mod_wsgi}, {})
    assert shown == ("mod_wsgi", f"{place}, WSGI, one thread")


def test_gunicorns_greenlets_are_not_called_threads() -> None:
    """Its gevent worker sets the flag for threads, and runs all requests on one thread."""
    first = {**WSGI, "wsgi.multithread": True, "wsgi.multiprocess": True}
    first["callers"] = ("gunicorn.workers.base_async", "gunicorn.workers.ggevent")
    name, mode = server_info.server(first, {}, {})
    assert (name, mode) == ("gunicorn", "WSGI, greenlets, one of several processes")


MANAGEMENT = ("django", "django.core.management", "__main__")
BEGINNINGS: list[tuple[tuple[str, ...], bool, list[str], tuple[str, str]]] = [
    (("gunicorn.arbiter", "__main__"), False, [], ("gunicorn", "")),
    (("gunicorn.arbiter", "__main__"), True, [], ("gunicorn", "")),
    (("shop.views", "gunicorn.workers.sync"), True, [], ("child", "forked by shop.views")),
    (("granian.server.mp", "multiprocessing.process"), False, [], ("granian", "")),
    (("django", "multiprocessing.spawn"), False, [], ("multiprocessing", "spawn")),
    (("multiprocessing.popen_fork", "gunicorn"), True, [], ("multiprocessing", "fork")),
    (MANAGEMENT, False, ["m", "migrate"], ("command", "migrate")),
    (MANAGEMENT, False, ["m", "test"], ("test client", "")),
    (("_pytest.python",), False, ["pytest"], ("test client", "")),
    (MANAGEMENT, False, ["m", "runserver"], ("runserver", "parent, which reloads")),
    (("django",), False, [""], ("unknown", "")),
]


@pytest.mark.parametrize(("called_by", "forked", "argv", "shown"), BEGINNINGS)
def test_a_process_that_served_nothing_is_recognised_by_how_it_began(
    called_by: tuple[str, ...], forked: bool, argv: list[str], shown: tuple[str, str]
) -> None:
    """By whose code ran when the tracer began in it, or when it was forked."""
    assert server_info.server_before_requests(called_by, forked, {}, {}, argv) == shown


def test_callers_are_the_nearest_first_without_the_tracers_own() -> None:
    """This test's module, then pytest's."""
    found = server_info.callers()
    assert found[0] == __name__
    assert not any(name.startswith("tracer.") for name in found)
    assert any(name.startswith("_pytest.") for name in found)


def test_reading_the_callers_keeps_nothing_alive() -> None:
    """Neither here nor in another thread, and without the collector's help."""

    class Local:
        """An object in a frame."""

    def look() -> weakref.ref[Local]:
        local = Local()
        server_info.callers()
        assert "threading" in server_info.modules_of_other_threads()
        return weakref.ref(local)

    go = threading.Event()
    thread = threading.Thread(target=go.wait, args=[120])
    thread.start()
    gc.disable()
    try:
        assert look()() is None
    finally:
        gc.enable()
        go.set()
        thread.join()


def test_a_process_began_before_now_and_after_the_machine() -> None:
    """Reads from the system, within a second."""
    assert 0 < server_info.process_start_time() <= time.time() + 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc when it began")
def test_a_process_that_has_to_wait_did_not_begin_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine time passes wherever a file is opened."""
    passed = 0.0

    def slowly(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 100.0
        return really(*args, **kwargs)

    really, booted = open, 1_700_000_000.0
    clock = SimpleNamespace(
        CLOCK_BOOTTIME=7, time=lambda: booted + passed, clock_gettime=lambda _: passed
    )
    monkeypatch.setattr(server_info, "time", clock)
    monkeypatch.setattr("builtins.open", slowly)
    found = server_info.process_start_time()
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert found == pytest.approx(booted + ticks / os.sysconf("SC_CLK_TCK"))


def test_without_proc_a_process_begins_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not every system has /proc."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("builtins.open", refuse)
    before = time.time()
    assert before <= server_info.process_start_time() <= time.time()
