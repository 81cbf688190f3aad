"""PostgreSQL: whose a connection is, as the server itself counts them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps.registry import Apps
from django.db import connections, models
from psycopg import sql

from tests.facts.databases import backend, collect_backends
from tests.facts.reading import born, every, find, inside, names, on_thread, one, worker
from tests.facts.site import GATE, rang
from tests.support.client import environ
from tests.support.services.postgresql import PostgreSQL
from tracer import Recording
from tracer.model import stages

pytestmark = pytest.mark.filterwarnings("ignore:<psycopg.Connection:ResourceWarning")
"""psycopg warns of what is left to the collector; here that is the point."""

ASK = "/step/?backend"


class Setting(models.Model):
    """A table that every server has: its own settings."""

    name = models.CharField(primary_key=True, max_length=63)

    class Meta:
        """Nothing that Django knows of."""

        app_label = "facts"
        apps = Apps()
        db_table = "pg_settings"
        managed = False


def test_conn_max_age_0_has_a_backend_for_each_request(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """With CONN_MAX_AGE=0 each request has a PostgreSQL process of its own, gone with it."""
    backends = collect_backends("brief")
    for _ in range(3):
        postgres.get(ASK)
        postgresql.wait_for_connections("brief", 0)
    assert len(set(backends)) == 3
    lives = born(postgres, "postgresql connection brief")
    assert [(life.built_in, life.scope, life.freed) for life in lives] == [
        (number, "request", "response") for number in (1, 2, 3)
    ]


def test_conn_max_age_60_has_one_backend_for_all(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """With CONN_MAX_AGE=60 the next request of the thread has the same PostgreSQL process."""
    backends = collect_backends("long")
    for _ in range(3):
        postgres.get(ASK)
    assert postgresql.connected("long") == [backends[0]] == list(set(backends))
    life = one(postgres, "postgresql connection long")
    assert (life.requests, life.scope, life.freed) == (3, "connection", None)
    wrapper = postgres.process.lifetime(life.owner)
    assert wrapper is not None
    assert wrapper.name == "DatabaseWrapper long"


def test_each_thread_has_a_backend_of_its_own(postgres: Recording, postgresql: PostgreSQL) -> None:
    """With CONN_MAX_AGE=60 two threads keep two PostgreSQL processes, each its own."""
    backends = collect_backends("long")
    with worker(postgres) as serve:
        for _ in range(2):
            postgres.get(ASK)
            serve(ASK)
        assert backends[:2] == backends[2:]
        assert postgresql.connected("long") == backends[:2]
        lives = born(postgres, "postgresql connection long")
        assert [(life.requests, life.threads) for life in lives] == [(2, 1), (2, 1)]


def test_the_collector_closes_what_a_thread_leaves(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Nobody closes a thread's connection when the thread ends: the collector does it."""
    backends = collect_backends("long")
    on_thread(lambda: postgres.get(ASK))
    assert postgresql.connected("long") == backends
    assert one(postgres, "postgresql connection long").freed is None
    postgres.get("/plain/")
    postgres.settle()
    postgresql.wait_for_connections("long", 0)
    life = one(postgres, "postgresql connection long")
    assert (life.freed, life.scope) == ("collector", "connection")


def test_under_asgi_each_request_has_a_backend_of_its_own(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Under ASGI each request opens a connection of its own, whatever CONN_MAX_AGE says."""
    for alias in ("brief", "long"):
        backends = collect_backends(alias)
        postgres.agets(ASK, ASK)
        first, second = born(postgres, f"postgresql connection {alias}")
        assert backends[0] != backends[1]
        assert first.thread != second.thread
        assert (first.requests, second.requests) == (1, 1)


def test_under_asgi_persistent_connections_pile_up(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Under ASGI CONN_MAX_AGE=60 leaves a connection behind with each request, for a collection."""
    backends = collect_backends("long")
    postgres.agets(*[ASK] * 4)
    assert postgresql.connected("long") == backends
    postgres.settle()
    postgresql.wait_for_connections("long", 0)
    assert "response" not in {life.freed for life in born(postgres, "postgresql connection long")}


def test_under_asgi_conn_max_age_0_leaves_nothing(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Under ASGI CONN_MAX_AGE=0 closes each request's connection with its response."""
    collect_backends("brief")
    postgres.agets(ASK, ASK)
    postgresql.wait_for_connections("brief", 0)
    assert {life.freed for life in born(postgres, "postgresql connection brief")} == {"response"}


def test_a_lost_connection_costs_one_request(postgres: Recording, postgresql: PostgreSQL) -> None:
    """A connection that the server ended fails the next request; the one after it has a new one."""
    backends = collect_backends("long")
    postgres.get(ASK)
    postgresql.close_connection(backends[0])
    answers = [postgres.get(ASK).status for _ in range(2)]
    assert answers == [500, 200]
    assert postgresql.connected("long") == [backends[1]] != [backends[0]]
    lost, new = born(postgres, "postgresql connection long")
    assert (lost.freed, lost.freed_in, lost.requests) == ("owner", 2, 2)
    assert (new.built_in, new.freed) == (3, None)


def test_health_checks_spare_that_request(postgres: Recording, postgresql: PostgreSQL) -> None:
    """With CONN_HEALTH_CHECKS a lost connection is replaced before the request's first query."""
    connections["long"].settings_dict["CONN_HEALTH_CHECKS"] = True
    backends = collect_backends("long")
    postgres.get(ASK)
    postgresql.close_connection(backends[0])
    assert postgres.get(ASK).status == 200
    assert postgresql.connected("long") == [backends[1]] != [backends[0]]
    lost, new = born(postgres, "postgresql connection long")
    assert (lost.freed_in, new.built_in) == (2, 2)
    request = postgres.request()
    assert find(request, stages.CONNECTION).end <= find(request, stages.QUERY).start


def test_a_view_in_a_transaction_keeps_it_open_on_the_server(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """With ATOMIC_REQUESTS the server waits inside a transaction as long as the view runs."""
    states: list[str] = []

    def steps() -> None:
        pid = backend("brief")
        states.append(
            postgresql.ask("SELECT state FROM pg_stat_activity WHERE pid = %s", pid)[0][0]
        )

    GATE["steps"] = steps
    postgres.get("/step/?steps")
    assert names(postgres.request(), stages.TRANSACTION) == []
    connections["brief"].settings_dict["ATOMIC_REQUESTS"] = True
    postgres.get("/step/?steps")
    request = postgres.request()
    assert names(request, stages.TRANSACTION) == ["BEGIN", "COMMIT"]
    assert states == ["idle", "idle in transaction"]


def test_what_an_exception_undoes_never_was(postgres: Recording, postgresql: PostgreSQL) -> None:
    """With ATOMIC_REQUESTS what a view wrote before it raised was never there for the server."""
    postgresql.ask("CREATE TABLE IF NOT EXISTS guests (name text)")
    connections["brief"].settings_dict["ATOMIC_REQUESTS"] = True

    def write() -> None:
        with connections["brief"].cursor() as cursor:
            cursor.execute("INSERT INTO guests VALUES ('Ada')")

    def write_and_fail() -> None:
        write()
        raise LookupError

    GATE.update(write=write, fail=write_and_fail)
    assert postgres.get("/step/?fail").status == 500
    assert names(postgres.request(), stages.TRANSACTION) == ["BEGIN", "ROLLBACK"]
    assert postgresql.ask("SELECT name FROM guests") == []
    postgres.get("/step/?write")
    assert postgresql.ask("DELETE FROM guests RETURNING name") == [("Ada",)]


def test_iterator_reads_through_a_cursor_on_the_server(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """iterator() opens a cursor on the server, and closes it with the last row."""
    seen: list[int] = []

    def open_cursors() -> int:
        with connections["brief"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django_curs_%%'")
            return int(cursor.fetchone()[0])

    def read() -> None:
        rows = iter(Setting.objects.using("brief").iterator(chunk_size=10))
        next(rows)
        seen.append(open_cursors())
        assert len(list(rows)) > 100
        seen.append(open_cursors())

    GATE["read"] = read
    postgres.get("/step/?read")
    assert seen == [1, 0]
    request = postgres.request()
    assert find(request, stages.QUERY, "SELECT pg_settings")
    assert len({span.object for span in every(request, stages.QUERY)}) == 1


def statements(recording: Recording) -> list[tuple[str, str]]:
    """Name and detail of each statement of the newest request."""
    return [(span.name, span.detail) for span in every(recording.request(), stages.QUERY)]


def test_a_composed_statement_is_a_statement(postgres: Recording) -> None:
    """A statement can be composed of parts, which only the driver joins."""
    composed = sql.SQL("SELECT {} FROM {} WHERE name = {} OR name = {}").format(
        sql.Identifier("name"),
        sql.Identifier("pg_catalog", "pg_settings"),
        sql.Literal("secret"),
        sql.Placeholder(),
    )

    def ask() -> None:
        with connections["brief"].cursor() as cursor:
            cursor.execute(composed, ["work_mem"])
            cursor.execute(sql.SQL("SELECT 1"))
            cursor.execute(b"SELECT count(*) FROM pg_settings")

    GATE["ask"] = ask
    assert postgres.get("/step/?ask").status == 200
    assert statements(postgres) == [
        ("SELECT pg_catalog.pg_settings", "brief · 1 row"),
        ("SELECT", "brief · 1 row"),
        ("SELECT pg_settings", "brief · 1 row"),
    ]


def test_a_procedure_is_called_by_name(postgres: Recording) -> None:
    """callproc() calls a procedure by its name."""

    def call() -> None:
        with connections["brief"].cursor() as cursor:
            cursor.callproc("upper", ["word"])
            assert cursor.fetchone() == ("WORD",)

    GATE["call"] = call
    assert postgres.get("/step/?call").status == 200
    assert statements(postgres) == [("CALL upper", "brief · 1 row")]


@pytest.mark.parametrize("debug", [False, True])
def test_copy_lasts_until_its_last_row(
    postgres: Recording, postgresql: PostgreSQL, debug: bool
) -> None:
    """A COPY is one statement, which lasts until its last row was read or written."""
    postgresql.ask("CREATE TABLE IF NOT EXISTS guests (name text)")

    def copy() -> None:
        connections["brief"].force_debug_cursor = debug
        with connections["brief"].cursor() as cursor:
            with cursor.copy("COPY guests FROM STDIN") as rows:
                rows.write_row(["Ada"])
                rows.write_row(["Grace"])
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier("guests"))) as rows:
                assert list(rows.rows()) == [("Ada",), ("Grace",)]
                rang.send(sender="site")
            cursor.execute("DELETE FROM guests")

    def hears(**kwargs: object) -> None:
        """A receiver."""

    rang.connect(hears)
    GATE["copy"] = copy
    assert postgres.get("/step/?copy").status == 200
    assert statements(postgres) == [
        ("COPY guests", "brief · 2 rows"),
        ("COPY guests", "brief · 2 rows"),
        ("DELETE guests", "brief · 2 rows"),
    ]
    request = postgres.request()
    copied = every(request, stages.QUERY)[1]
    assert inside(request, find(request, stages.SIGNAL, "rang"), copied)
    assert copied.object == find(request, stages.QUERY, "DELETE").object


def test_a_copy_that_fails_says_so(postgres: Recording) -> None:
    """A COPY of a table that is not there raises as it begins."""

    def copy() -> None:
        with connections["brief"].cursor() as cursor, cursor.copy("COPY nothing TO STDOUT"):
            pass

    GATE["copy"] = copy
    assert postgres.get("/step/?copy").status == 500
    assert find(postgres.request(), stages.QUERY).error == "UndefinedTable"


def test_a_streamed_body_keeps_its_connection(postgres: Recording, postgresql: PostgreSQL) -> None:
    """A streamed body has its connection until it is closed, long after every middleware."""
    response = postgres.handler(environ("/stream/brief/"), lambda *args: None)
    body: Iterator[bytes] = iter(response)
    next(body)
    (pid,) = postgresql.connected("brief")
    assert list(body) == [b"two"]
    assert postgresql.connected("brief") == [pid]
    response.close()
    postgresql.wait_for_connections("brief", 0)
    request = postgres.request()
    opened = find(request, stages.CONNECTION)
    assert inside(request, opened, find(request, stages.BODY))
    assert all(span.end <= opened.start for span in every(request, stages.MIDDLEWARE))
    assert one(postgres, "postgresql connection brief").scope == "request"
