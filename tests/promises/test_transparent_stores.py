"""Real databases and caches notice nothing: neither the application, nor the servers themselves."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.cache import cache, caches
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction

from tests.facts.databases import added, aliases
from tests.facts.reading import on_thread
from tests.facts.site import GATE
from tests.support.client import Answer, Recording, environ, serve, serve_async
from tests.support.services.postgresql import PostgreSQL
from tests.support.services.redis_server import Redis
from tracer.recorder.recorder import Recorder

pytestmark = [
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:<psycopg.Connection:ResourceWarning"),
]

WAYS = ("brief", "long", "single", "double")


@pytest.fixture
def stores(
    postgresql: PostgreSQL,
    redis_server: Redis,
    settings: Any,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[PostgreSQL, Redis]]:
    """The facts' small site, with PostgreSQL in four ways and its cache in Redis."""
    settings.ROOT_URLCONF = "tests.facts.urls"
    settings.CACHES = {"default": redis_server.settings()}
    settings.MIDDLEWARE = []
    # What is logged is kept for the test, and with its traceback the connection.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    with django_db_blocker.unblock(), added(aliases(postgresql)):
        yield postgresql, redis_server
        GATE.clear()
        _put_away()


def _put_away() -> None:
    """Close what this thread has, so that the next telling begins as the first did."""
    for alias in WAYS:
        connections[alias].close()
        if alias in getattr(connections[alias], "_connection_pools", ()):
            connections[alias].close_pool()  # type: ignore[attr-defined]
        del connections[alias]
    if hasattr(caches._connections, "default"):  # type: ignore[attr-defined]
        del caches["default"]
    gc.collect()


def _gates() -> None:
    """What the views do: ordinary things, failures, and a look at what they were given."""

    def fail(alias: str) -> None:
        with transaction.atomic(using=alias):
            connections[alias].cursor().execute("SELECT 1 / 0")

    def write(alias: str) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE guests (name text)")
            cursor.execute("INSERT INTO guests VALUES (%s)", ["Ada"])
            cursor.executemany("INSERT INTO guests VALUES (%s)", [["Bob"], ["Cy"]])
            cursor.execute("UPDATE guests SET name = name || '!'")
            cursor.execute("SELECT name FROM guests")
            FOUND.append(cursor.fetchall())
            cursor.execute("DROP TABLE guests")

    def look(alias: str) -> None:
        wrapper = connections[alias]
        wrapper.ensure_connection()
        raw, pool = wrapper.connection, getattr(wrapper, "pool", None)
        FOUND.append((type(wrapper), type(raw), sorted(vars(raw)), raw.closed, type(pool)))
        FOUND.append(sorted(vars(pool)) if pool is not None else None)

    def cached() -> None:
        FOUND.append(cache.get_many(["a", "b"]))
        cache.set_many({"a": 1, "b": [2]}, timeout=60)
        FOUND.append((cache.incr("a"), cache.get("b"), cache.touch("b"), cache.delete("b")))
        client = cache._cache  # type: ignore[attr-defined]
        (pool,) = client._pools.values()
        (opened,) = pool._available_connections
        FOUND.append((type(client), sorted(vars(client)), type(pool), sorted(vars(pool))))
        FOUND.append((type(opened), sorted(vars(opened))))
        cache.incr("nothing")

    for alias in WAYS:
        GATE[f"fail-{alias}"] = lambda alias=alias: fail(alias)
        GATE[f"write-{alias}"] = lambda alias=alias: write(alias)
        GATE[f"look-{alias}"] = lambda alias=alias: look(alias)
    GATE["cached"] = cached


FOUND: list[Any] = []
PATHS = [
    *(f"/{what}/{alias}/" for alias in WAYS for what in ("ask", "stream", "ask")),
    *(f"/step/?{what}-{alias}" for alias in WAYS for what in ("look", "fail", "write", "look")),
    "/transfer/", "/transfer/outer/", "/remember/", "/remember/", "/step/?cached",
]  # fmt: skip


def _under_wsgi() -> list[Answer]:
    handler = WSGIHandler()
    return [serve(handler, environ(path)) for path in PATHS]


def _under_asgi() -> list[Answer]:
    handler = ASGIHandler()

    async def all_of_them() -> list[Answer]:
        return [await asyncio.create_task(serve_async(handler, path)) for path in PATHS]

    return asyncio.run(all_of_them())


def _telling(
    tell: Callable[[], list[Answer]], postgresql: PostgreSQL, redis: Redis
) -> dict[str, Any]:
    """Everything that came of it: for the visitors, for the views and for both servers."""
    redis.ask("FLUSHALL")
    FOUND.clear()
    _gates()
    answers: list[Answer] = []
    before, commands = (
        {alias: len(postgresql.statements(alias)) for alias in WAYS},
        redis.commands(),
    )
    on_thread(lambda: answers.extend(tell()))
    _put_away()
    for alias in WAYS:
        postgresql.wait_for_connections(alias, 0)
    # Savepoints are named after their thread.
    heard = {
        alias: [re.sub(r'"s\d+_x', '"s_x', line) for line in postgresql.statements(alias)[since:]]
        for alias, since in before.items()
    }
    return {
        "answers": [(answer.status, answer.headers, answer.body) for answer in answers],
        "found": list(FOUND),
        "statements": heard,
        "commands": dict(Counter(redis.commands()) - Counter(commands)),
    }


@pytest.mark.usefixtures("no_faults")
@pytest.mark.parametrize("tell", [_under_wsgi, _under_asgi])
def test_nobody_can_tell(
    tell: Callable[[], list[Answer]], stores: tuple[PostgreSQL, Redis]
) -> None:
    """Answers, objects, failures, each statement and each command are what they are without it."""
    _telling(tell, *stores)
    bare = _telling(tell, *stores)
    with Recording() as recording:
        traced = _telling(tell, *stores)
        process = recording.process
    for what, told in bare.items():
        assert traced[what] == told, what
    assert process.served == len(PATHS)
    kinds = {life.kind for life in process.lifetimes}
    assert {"connection", "pool", "client", "cache connection"} <= kinds
    statuses = Counter(status for status, _, _ in bare["answers"])
    # Four divisions by zero, one transfer that fails, one counter that is not there.
    assert statuses == {200: len(PATHS) - 6, 500: 6}
    assert all(bare["statements"].values())
    assert bare["commands"]["mget"] == 1


@pytest.mark.parametrize(
    "broken",
    [Recorder.born, Recorder.resource_born, Recorder.resource_closed, Recorder.seen],
    ids=lambda method: method.__name__,
)
def test_a_fault_of_the_tracer_s_own_is_a_line_in_its_log(
    broken: Any,
    stores: tuple[PostgreSQL, Redis],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong while it watches, the application and the servers notice nothing."""
    bare = _telling(_under_wsgi, *stores)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Recorder, broken.__name__, fail)
    with Recording():
        traced = _telling(_under_wsgi, *stores)
    assert traced == bare
    told = [record.getMessage() for record in caplog.records if record.name == "tracer"]
    assert told
    assert all("ZeroDivisionError" in line for line in told)
    assert len(told) == len(set(told))


@pytest.mark.usefixtures("no_faults")
def test_uninstalling_leaves_what_was_built_meanwhile_as_it_is(
    stores: tuple[PostgreSQL, Redis],
) -> None:
    """A pool, a connection and a client that were watched go on without the tracer."""
    handler = WSGIHandler()
    with Recording():
        assert serve(handler, environ("/ask/single/")).status == 200
        assert serve(handler, environ("/remember/")).status == 200
    assert serve(handler, environ("/ask/single/")).status == 200
    assert serve(handler, environ("/remember/")).body == b"known"
    pool = connections["single"]._connection_pools["single"]  # type: ignore[attr-defined]
    with pool.connection() as raw:
        assert type(raw) is psycopg.Connection
        assert raw.execute("SELECT 1").fetchone() == (1,)
    stores[1].ask("FLUSHALL")
