"""Database connections opened before tracing starts, and shared by a fork among processes.

Engineers search for one socket that several processes use, so the journal must show it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.servers.gunicorn_program import gunicorn
from tests.support.programs import program
from tests.support.services.postgresql import PostgreSQL
from tests.support.waiting import until
from tracer.journal.reader import processes
from tracer.model import Lifetime, Process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

EARLY = """
from django.apps import AppConfig
class Early(AppConfig):
    name = "early"
    def ready(self):
        from django.db import connection
        connection.ensure_connection()
"""
URLS = """
import os
from django.db import connection
from django.http import HttpResponse
from django.urls import path
def ask(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse(str(os.getpid()))
def close(request):
    connection.close()
    return HttpResponse("closed")
urlpatterns = [path("plain/", ask), path("close/", close)]
"""
CHANGES = """
ROOT_URLCONF = "early_urls"
INSTALLED_APPS = ["early", *INSTALLED_APPS]
DATABASES = {{"default": {database!r}}}
"""


def project(directory: Path, **database: object) -> str:
    """Writes an app that opens a connection in its `ready`; returns the settings that it needs."""
    (directory / "early").mkdir()
    (directory / "early" / "__init__.py").touch()
    (directory / "early" / "apps.py").write_text(EARLY)
    (directory / "early_urls.py").write_text(URLS)
    return CHANGES.format(database={"CONN_MAX_AGE": None, **database})


def sqlite(directory: Path) -> str:
    """Writes the project with a SQLite database in a file."""
    return project(
        directory, ENGINE="django.db.backends.sqlite3", NAME=str(directory / "early.sqlite3")
    )


def connections(process: Process) -> list[Lifetime]:
    """Returns the raw connections that a process recorded."""
    return [life for life in process.lifetimes if life.kind == "connection"]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The directory that the processes write to."""
    return tmp_path / "traces"


SERVE = """
handler = boot()
ask(handler, "/plain/", "/plain/")
"""


def test_a_connection_opened_before_tracing_has_the_phase_before(
    tmp_path: Path, journal: Path
) -> None:
    """An earlier app opens it; requests use it, and its wrapper owns it."""
    program(tmp_path, f"{SERVE}\nask(handler, '/close/', '/plain/')", changes=sqlite(tmp_path))
    (process,) = processes(journal)
    first, second = connections(process)
    assert (first.name, first.phase) == ("sqlite connection default", "before")
    assert (first.requests, first.freed, first.freed_in) == (2, "owner", 3)
    wrapper = process.lifetime(first.owner)
    assert wrapper is not None
    assert (wrapper.name, wrapper.phase) == ("DatabaseWrapper default", "before")
    assert (second.built_in, second.freed) == (4, "process")


def test_the_connection_of_another_thread_is_found_too(tmp_path: Path, journal: Path) -> None:
    """The tracer reads it from its wrapper, whose methods other threads may not call."""
    source = """
import django
django.setup()
from django.db import connection
from tracer import runtime
opened, go = threading.Event(), threading.Event()
runtime.stop()
def hold():
    connection.ensure_connection()
    opened.set()
    go.wait(120)
    connection.close()
thread = threading.Thread(target=hold)
thread.start()
assert opened.wait(120)
from django.apps import apps
apps.get_app_config("tracer").ready()
from django.core.handlers.wsgi import WSGIHandler
handler = WSGIHandler()
ask(handler, "/plain/")
go.set()
thread.join()
ask(handler, "/plain/")
"""
    program(tmp_path, source, changes=sqlite(tmp_path))
    (process,) = [each for each in processes(journal) if each.served]
    early = [life for life in connections(process) if life.phase == "before"]
    assert sorted(life.requests for life in early) == [0, 2]
    assert [life.freed_in for life in early if not life.requests] == [1]


def test_a_plain_fork_shares_the_connection_and_each_child_ends_its_own_copy(
    tmp_path: Path, journal: Path
) -> None:
    """The children inherit, use and close it; the parent's stays open and in use."""
    source = f"""{SERVE}
def work():
    ask(handler, "/plain/", "/close/", "/plain/")
reap(in_child(work), in_child(work))
ask(handler, "/plain/")
print(os.getpid())
"""
    parent = int(program(tmp_path, source, changes=sqlite(tmp_path)).stdout)
    found = {process.about.pid: process for process in processes(journal)}
    (kept,) = connections(found.pop(parent))
    assert (kept.phase, kept.requests, kept.freed) == ("before", 3, "process")
    assert len(found) == 2
    for process in found.values():
        received, opened = connections(process)
        assert (received.id, received.phase) == (kept.id, "inherited")
        assert (received.requests, received.freed, received.freed_in) == (1, "owner", 2)
        assert (opened.built_in, opened.freed) == (3, "process")


def serve_twice(directory: Path, changes: str) -> list[Process]:
    """Gets requests served by two workers of a preloaded application; returns both processes."""
    journal = directory / "traces"
    with gunicorn(directory, journal, "-w", "2", "--preload", changes=changes) as server:
        seen: set[bytes] = set()

        def ask() -> bool:
            seen.add(server.get("/plain/"))
            return len(seen) == 2

        until(ask)
        server.stop()
    return [process for process in processes(journal) if process.served]


@pytest.mark.slow
def test_the_workers_of_a_preloaded_application_share_its_connection(
    tmp_path: Path,
) -> None:
    """Both inherit one connection and use it for their requests."""
    first, second = serve_twice(tmp_path, sqlite(tmp_path))
    (one,), (other,) = connections(first), connections(second)
    assert one.id == other.id
    for process, life in ((first, one), (second, other)):
        assert (life.phase, life.requests) == ("inherited", process.served)


@pytest.mark.slow
def test_the_workers_share_a_session_of_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """PostgreSQL has one process for both, so it may mix up their queries and answers."""
    changes = project(tmp_path, **postgresql.settings("early"))
    first, second = serve_twice(tmp_path, changes)
    (one,), (other,) = connections(first), connections(second)
    assert (one.id, one.name) == (other.id, "postgresql connection default")
    assert {one.phase, other.phase} == {"inherited"}
    assert min(one.requests, other.requests) >= 1


@pytest.mark.slow
def test_the_idle_connections_of_a_pool_are_found(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """The pool owns them, and the connection in use too."""
    pool = {"min_size": 3, "max_size": 3, "timeout": 120}
    settings = postgresql.settings("early", OPTIONS={"pool": pool})
    source = """
from django.db import connection
from tests.support.waiting import until
import django
django.setup()
from tracer import runtime
runtime.stop()
connection.ensure_connection()
until(lambda: len(vars(connection.pool)["_pool"]) == 2)
from django.apps import apps
apps.get_app_config("tracer").ready()
from django.core.handlers.wsgi import WSGIHandler
ask(WSGIHandler(), "/plain/")
connection.close()
connection.close_pool()
"""
    program(tmp_path, source, changes=project(tmp_path, **settings, CONN_MAX_AGE=0))
    (process,) = [each for each in processes(tmp_path / "traces") if each.served]
    (owner,) = [life for life in process.lifetimes if life.kind == "pool"]
    lives = connections(process)
    assert [(life.phase, life.owner) for life in lives] == [("before", owner.id)] * 3
    assert sum(life.requests for life in lives) == 1
