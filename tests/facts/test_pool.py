"""A pool of connections: what belongs to the pool, what a request is lent, and who closes it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from tests.facts.databases import added, aliases, backend, collect_backends
from tests.facts.reading import born, every, find, names, on_thread, one, worker
from tests.facts.site import GATE
from tests.support.services.postgresql import PostgreSQL
from tests.support.waiting import until
from tracer import Recording
from tracer.model import stages

ASK = "/step/?backend"


def test_the_pool_opens_its_connections_on_threads_of_its_own(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """A pool opens its connections on threads of its own, when the first request asks for one."""
    postgres.get("/plain/")
    assert born(postgres, "ConnectionPool") == []
    postgres.get("/ask/single/")
    request = postgres.request()
    opened, taken = every(request, stages.CONNECTION)[::-1]
    assert (opened.name, taken.name) == ("open single", "take single")
    assert opened.thread != request.thread == taken.thread
    assert any("worker" in name for name in names(request, stages.THREAD))
    assert opened.object == taken.object
    assert one(postgres, "ConnectionPool single").built_in == 2


def test_a_request_gives_its_connection_back(postgres: Recording, postgresql: PostgreSQL) -> None:
    """A request gives its pooled connection back when it ends; it stays open on the server."""
    backends = collect_backends("single")
    for _ in range(3):
        postgres.get(ASK)
        assert postgresql.connected("single") == [backends[0]]
    assert set(backends) == {backends[0]}
    life = one(postgres, "postgresql connection single")
    assert (life.requests, life.freed) == (3, None)
    assert [
        names(request, stages.CONNECTION)[-1:] for request in postgres.process.requests[1:]
    ] == [["take single"]] * 2


def test_a_pooled_connection_belongs_to_the_pool(postgres: Recording) -> None:
    """A pooled connection belongs to the pool, and the pool to the process."""
    with worker(postgres) as serve:
        for _ in range(2):
            postgres.get("/ask/single/")
            serve("/ask/single/")
        postgres.settle()
        pool = one(postgres, "ConnectionPool single")
        life = one(postgres, "postgresql connection single")
        assert (life.owner, life.scope, life.requests) == (pool.id, "connection", 4)
        assert (pool.scope, pool.threads, pool.requests) == ("process", 2, 4)


def test_the_same_connection_serves_several_threads(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """The same connection serves requests on several threads, each with its own DatabaseWrapper."""
    backends = collect_backends("single")
    for _ in range(3):
        on_thread(lambda: postgres.get(ASK))
    assert postgresql.connected("single") == [backends[0]] == list(set(backends))
    wrappers = born(postgres, "DatabaseWrapper single")
    assert len({wrapper.thread for wrapper in wrappers}) == 3
    assert one(postgres, "postgresql connection single").requests == 3


def test_requests_at_once_have_different_connections(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Two requests at once have two connections of the pool; a third waits for one of theirs."""
    backends: list[int] = []
    both, go = threading.Barrier(3, timeout=120), threading.Event()

    def hold() -> None:
        backends.append(backend("double"))
        both.wait()
        assert go.wait(timeout=120)

    GATE.update(hold=hold, third=lambda: backends.append(backend("double")))
    postgres.get("/ask/double/")
    threads = [threading.Thread(target=postgres.get, args=("/step/?hold",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait()
    threads.append(threading.Thread(target=postgres.get, args=("/step/?third",)))
    threads[-1].start()
    pool = connections["double"]._connection_pools["double"]  # type: ignore[attr-defined]
    until(lambda: pool.get_stats().get("requests_waiting") == 1)
    go.set()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(set(backends)) == sorted(postgresql.connected("double"))
    assert backends[0] != backends[1]
    assert backends[2] in backends[:2]
    assert len(born(postgres, "postgresql connection double")) == 2
    requests = postgres.process.requests[1:]
    taken = [each.begun + every(each, stages.CONNECTION)[-1].end for each in requests]
    closing = [each.begun + find(each, stages.CLOSE).start for each in requests]
    assert max(taken) >= min(closing)


def test_few_connections_serve_many_threads(postgres: Recording, postgresql: PostgreSQL) -> None:
    """However many threads serve, the pool's two connections are enough for all of them."""
    backends = collect_backends("double")
    threads = [
        threading.Thread(target=lambda: [postgres.get(ASK) for _ in range(4)]) for _ in range(5)
    ]
    postgres.get(ASK)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(backends) == 21
    assert set(backends) <= set(postgresql.wait_for_connections("double", 2))
    lives = born(postgres, "postgresql connection double")
    assert len(lives) == 2
    taken = [names(request, stages.CONNECTION)[-1] for request in postgres.process.requests]
    assert set(taken[1:]) == {"take double"}
    assert one(postgres, "ConnectionPool double").requests == 21


def test_the_pool_holds_the_wrapper_that_built_it(postgres: Recording) -> None:
    """The pool outlives the thread that built it, and holds that thread's DatabaseWrapper."""
    on_thread(lambda: postgres.get("/ask/single/"))
    on_thread(lambda: postgres.get("/ask/single/"))
    postgres.get("/plain/")
    postgres.settle()
    builder, other = born(postgres, "DatabaseWrapper single")
    assert (builder.freed, other.freed) == (None, "collector")
    assert one(postgres, "ConnectionPool single").freed is None


def test_under_asgi_the_pool_is_what_requests_share(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """Under ASGI a pool does what CONN_MAX_AGE cannot: requests find a connection that is open."""
    backends = collect_backends("single")
    postgres.agets(ASK, ASK, ASK)
    assert postgresql.connected("single") == [backends[0]] == list(set(backends))
    assert len(born(postgres, "DatabaseWrapper single")) == 3
    assert one(postgres, "postgresql connection single").requests == 3


def test_a_lost_connection_is_replaced(postgres: Recording, postgresql: PostgreSQL) -> None:
    """A pooled connection that the server ended fails one request, and the pool replaces it."""
    backends = collect_backends("single")
    postgres.get(ASK)
    postgresql.close_connection(backends[0])
    assert [postgres.get(ASK).status for _ in range(2)] == [500, 200]
    assert postgresql.connected("single") == [backends[1]] != [backends[0]]
    lost, new = born(postgres, "postgresql connection single")
    assert (lost.freed_in, lost.freed, new.freed) == (2, "owner", None)
    assert lost.owner == new.owner == one(postgres, "ConnectionPool single").id


def test_health_checks_replace_it_before_it_is_lent(
    postgres: Recording, postgresql: PostgreSQL
) -> None:
    """With CONN_HEALTH_CHECKS the pool tries a connection before it lends it."""
    connections.settings["single"]["CONN_HEALTH_CHECKS"] = True
    backends = collect_backends("single")
    postgres.get(ASK)
    postgresql.close_connection(backends[0])
    assert postgres.get(ASK).status == 200
    assert postgresql.connected("single") == [backends[1]] != [backends[0]]
    lost, new = born(postgres, "postgresql connection single")
    gc.collect()
    assert (lost.requests, new.requests) == (1, 1)
    assert born(postgres, "postgresql connection single")[0].freed is not None


def test_close_pool_closes_what_lies_in_it(postgres: Recording, postgresql: PostgreSQL) -> None:
    """close_pool() closes the connections that lie in the pool; the next request builds another."""
    collect_backends("double")
    postgres.get(ASK)
    until(lambda: len(postgresql.connected("double")) == 2)
    connections["double"].close_pool()  # type: ignore[attr-defined]
    postgresql.wait_for_connections("double", 0)
    assert [life.freed for life in born(postgres, "postgresql connection double")] == ["owner"] * 2
    postgres.get(ASK)
    old, new = born(postgres, "ConnectionPool double")
    assert (old.freed is not None, new.freed, new.built_in) == (True, None, 2)


def test_a_pool_may_be_older_than_the_tracer(
    cold: None, postgresql: PostgreSQL, django_db_blocker: Any, record: Callable[[], Recording]
) -> None:
    """A pool that was opened before the first request is used by it, and nothing is opened."""
    with django_db_blocker.unblock(), added(aliases(postgresql)):
        backend("single")
        connections["single"].close()
        with record() as recording:
            recording.get("/ask/single/")
            request = recording.request()
            assert names(request, stages.CONNECTION) == ["take single"]
            (pool,) = recording.lifetimes_of("ConnectionPool single")
            life = recording.lifetime_of("postgresql connection single")
            assert (pool.phase, life.phase, life.owner) == ("before", "before", pool.id)
            assert (life.requests, pool.requests) == (1, 1)
