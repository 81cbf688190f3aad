"""Who serves: told from marks that only that server leaves."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tracer.recorder import surroundings

WSGI = {"protocol": "wsgi", "wsgi.multithread": False, "wsgi.multiprocess": False}

CASES: list[tuple[str, dict[str, Any], set[str], dict[str, str], list[str]]] = [
    ("CGI", {**WSGI, "wsgi.run_once": True}, set(), {"GATEWAY_INTERFACE": "CGI/1.1"}, []),
    ("uWSGI", WSGI, {"uwsgi"}, {}, []),
    ("gunicorn", WSGI, {"gunicorn.arbiter"}, {"SERVER_SOFTWARE": "gunicorn/23"}, []),
    ("mod_wsgi", WSGI, {"mod_wsgi"}, {}, []),
    ("mod_python", WSGI, {"_apache"}, {}, []),
    ("flup", WSGI, {"flup.server.fcgi_base"}, {}, []),
    ("granian", WSGI, {"granian"}, {}, []),
    ("daphne", {"protocol": "asgi"}, {"daphne.server"}, {}, []),
    ("uvicorn", {"protocol": "asgi"}, {"uvicorn.server"}, {}, []),
    ("waitress", WSGI, {"waitress.server"}, {}, []),
    ("cheroot", WSGI, {"cheroot.wsgi"}, {}, []),
    ("runserver", {**WSGI, "SERVER_SOFTWARE": "WSGIServer/0.2"}, set(), {}, ["manage.py"]),
    ("test client", WSGI, {"pytest"}, {}, []),
    ("unknown", WSGI, {"wsgiref.simple_server"}, {}, []),
]


@pytest.mark.parametrize(("name", "first", "modules", "environ", "argv"), CASES)
def test_each_server_is_known_by_a_mark_of_its_own(
    name: str,
    first: dict[str, Any],
    modules: set[str],
    environ: dict[str, str],
    argv: list[str],
) -> None:
    """A module, a flag or a variable that no other server sets."""
    assert surroundings.server(first, modules, environ, argv)[0] == name


@pytest.mark.parametrize(("cores", "alone"), [(1, True), (4, False)])
def test_a_uwsgi_process_of_one_thread_stays_alone(cores: int, alone: bool) -> None:
    """With more than one it is no harm to add another."""
    uwsgi = ModuleType("uwsgi")
    vars(uwsgi)["cores"] = cores
    assert surroundings.stays_alone({"uwsgi": uwsgi}) is alone
    assert not surroundings.stays_alone({})


def test_gunicorn_being_installed_does_not_make_it_the_server() -> None:
    """Its module alone proves nothing: it also says so in the environment."""
    assert surroundings.server(WSGI, {"gunicorn.arbiter"}, {}, [])[0] == "unknown"


def test_a_gateway_variable_in_an_environ_does_not_make_it_cgi() -> None:
    """Several servers set it for the application; CGI alone sets it for the process."""
    first = {**WSGI, "wsgi.run_once": False}
    environ = {"GATEWAY_INTERFACE": "CGI/1.1"}
    assert surroundings.server(first, set(), environ, [])[0] == "unknown"


def test_the_mode_says_threads_processes_and_protocol() -> None:
    """As the first request's own flags tell."""
    threads = {**WSGI, "wsgi.multithread": True, "wsgi.multiprocess": True}
    assert surroundings.server(threads, {"uwsgi"}, {}, [])[1] == (
        "WSGI, threads, one of several processes"
    )
    assert surroundings.server(WSGI, {"uwsgi"}, {}, [])[1] == "WSGI, one thread"
    assert surroundings.server({"protocol": "asgi"}, {"uwsgi"}, {}, [])[1] == "ASGI"
    runserver = {**WSGI, "SERVER_SOFTWARE": "WSGIServer/0.2"}
    assert surroundings.server(runserver, set(), {}, ["x", "--noreload"])[1] == "--noreload"
    assert surroundings.server(runserver, set(), {}, ["x"])[1] == "with reloader"


@pytest.mark.parametrize(("group", "place"), [("", "embedded"), ("café", "daemon")])
def test_mod_wsgi_serves_in_a_process_of_apache_or_in_one_of_its_own(
    group: str, place: str
) -> None:
    """The name of the group tells which, and is not shown."""
    first = {**WSGI, "mod_wsgi.process_group": group}
    shown = surroundings.server(first, {"mod_wsgi"}, {}, [])
    assert shown == ("mod_wsgi", f"{place}, WSGI, one thread")


def test_gunicorns_greenlets_are_not_called_threads() -> None:
    """Its gevent worker says multithread, and runs them all on one thread."""
    modules = {"gunicorn.arbiter", "gunicorn.workers.ggevent"}
    first = {**WSGI, "wsgi.multithread": True, "wsgi.multiprocess": True}
    name, mode = surroundings.server(first, modules, {"SERVER_SOFTWARE": "gunicorn/27"}, [])
    assert (name, mode) == ("gunicorn", "WSGI, greenlets, one of several processes")


def test_a_process_began_before_now_and_after_the_machine() -> None:
    """Read from the system, within a second."""
    assert 0 < surroundings.process_started() <= time.time() + 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc when it began")
def test_a_process_that_has_to_wait_did_not_begin_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine time passes wherever a file is opened."""
    passed = 0.0

    def slowly(*told: Any, **more: Any) -> Any:
        nonlocal passed
        passed += 100.0
        return really(*told, **more)

    really, booted = open, 1_700_000_000.0
    clock = SimpleNamespace(
        CLOCK_BOOTTIME=7, time=lambda: booted + passed, clock_gettime=lambda _: passed
    )
    monkeypatch.setattr(surroundings, "time", clock)
    monkeypatch.setattr("builtins.open", slowly)
    found = surroundings.process_started()
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert found == pytest.approx(booted + ticks / os.sysconf("SC_CLK_TCK"))


def test_where_the_system_does_not_tell_a_process_begins_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not every system has /proc."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("builtins.open", refuse)
    before = time.time()
    assert before <= surroundings.process_started() <= time.time()
