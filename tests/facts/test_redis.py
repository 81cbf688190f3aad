"""Redis as a cache: whose client, pool and connection are, as the server counts them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from tests.facts.reading import born, every, find, inside, names, on_thread, one, worker
from tests.support.services.redis_server import Redis
from tracer import Recording
from tracer.model import Lifetime, stages

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""Python warns of a socket that the collector happens to reach before the connection around it."""

KINDS = ("RedisCache default", "RedisCacheClient default", "ConnectionPool default")


def chain(recording: Recording) -> list[list[Lifetime]]:
    """Caches, clients, pools and connections, each in order of birth."""
    return [born(recording, name) for name in (*KINDS, "redis connection default")]


def test_nothing_is_opened_before_the_first_operation(
    redis: Recording, redis_server: Redis
) -> None:
    """No connection to Redis is opened before the first operation; that one builds everything."""
    redis.get("/plain/")
    assert redis_server.connected() == []
    redis.get("/remember/")
    assert len(redis_server.connected()) == 1
    assert [life.built_in for (life,) in chain(redis)] == [2, 2, 2, 2]
    request = redis.request()
    opened = find(request, stages.CONNECTION)
    assert inside(request, opened, every(request, stages.CACHE)[0])


def test_request_finished_leaves_it_open(redis: Recording, redis_server: Redis) -> None:
    """close() of the cache, which request_finished calls, does nothing to a Redis connection."""
    redis.get("/remember/")
    (number,) = redis_server.connected()
    assert "close_caches" in find(redis.request(), stages.REQUEST_FINISHED).detail
    redis.get("/remember/")
    assert redis_server.connected() == [number]
    life = one(redis, "redis connection default")
    assert (life.requests, life.scope, life.freed) == (2, "connection", None)
    assert names(redis.request(), stages.CONNECTION) == []


def test_a_connection_belongs_to_its_pool(redis: Recording) -> None:
    """The connection belongs to the client's own pool, and all of them to the thread."""
    with worker(redis) as serve:
        for _ in range(2):
            redis.get("/remember/")
            serve("/remember/")
        redis.settle()
        caches, clients, pools, opened = chain(redis)
        assert [life.owner for life in opened] == [pool.id for pool in pools]
        assert {life.scope for life in opened} == {"connection"}
        for lives in (caches, clients, pools):
            assert [(life.scope, life.requests, life.threads) for life in lives] == [
                ("thread", 2, 1)
            ] * 2


def test_each_thread_has_a_connection_of_its_own(redis: Recording, redis_server: Redis) -> None:
    """Each thread has a client, a pool and a connection to Redis of its own."""
    with worker(redis) as serve:
        redis.get("/remember/")
        (mine,) = redis_server.connected()
        serve("/remember/")
        serve("/remember/")
        both = redis_server.connected()
        assert len(both) == 2
        assert mine in both
        assert [len(lives) for lives in chain(redis)] == [2, 2, 2, 2]


def test_the_values_belong_to_the_server(redis: Recording) -> None:
    """What is stored belongs to the server: another thread's own client finds it."""
    redis.get("/remember/")
    on_thread(lambda: redis.get("/remember/"))
    assert [span.detail for span in every(redis.request(), stages.CACHE)] == ["hit"]


def test_a_thread_s_connection_goes_with_the_collector(
    redis: Recording, redis_server: Redis
) -> None:
    """The connection of a thread that has ended stays open until the collector runs."""
    on_thread(lambda: redis.get("/remember/"))
    assert len(redis_server.connected()) == 1
    redis.get("/plain/")
    redis.settle()
    redis_server.wait_for_connections(0)
    assert one(redis, "redis connection default").freed == "collector"


def test_under_asgi_each_request_opens_a_connection(redis: Recording, redis_server: Redis) -> None:
    """Under ASGI each request has a cache object of its own, and opens its own connection."""
    on_thread(lambda: redis.agets(*["/remember/"] * 3))
    assert len(redis_server.connected()) == 3
    for lives in chain(redis):
        assert [life.built_in for life in lives] == [1, 2, 3]
        assert {life.requests for life in lives} == {1}
    redis.settle()
    redis_server.wait_for_connections(0)
    assert None not in {life.freed for life in born(redis, "redis connection default")}


def test_under_asgi_an_older_cache_object_is_shared(redis: Recording, redis_server: Redis) -> None:
    """A cache that was used before the event loop began is shared by all of its requests."""

    def serve() -> None:
        cache.get("word")
        redis.agets(*["/remember/"] * 3)

    on_thread(serve)
    assert len(redis_server.connected()) == 1
    life = one(redis, "redis connection default")
    assert (life.built_in, life.requests) == (None, 3)
    redis.settle()
    redis_server.wait_for_connections(0)


def test_a_lost_connection_is_opened_again(redis: Recording, redis_server: Redis) -> None:
    """A connection that the server ended is opened again by the next operation, unnoticed."""
    redis.get("/remember/")
    (number,) = redis_server.connected()
    redis_server.close_connection(number)
    assert redis.get("/remember/").body == b"known"
    (again,) = redis_server.connected()
    assert again != number
    lost, new = born(redis, "redis connection default")
    assert (lost.freed, lost.freed_in, new.built_in, new.freed) == ("owner", 2, 2, None)
    assert lost.owner == new.owner == one(redis, "ConnectionPool default").id


def test_another_kind_of_pool_is_a_pool_too(
    redis: Recording, redis_server: Redis, settings: Any
) -> None:
    """With a BlockingConnectionPool each thread still has a pool and a connection of its own."""
    options = {"pool_class": "redis.BlockingConnectionPool"}
    settings.CACHES = {"default": redis_server.settings(OPTIONS=options)}
    redis.get("/remember/")
    redis.get("/remember/")
    on_thread(lambda: redis.get("/remember/"))
    assert len(redis_server.connected()) == 2
    mine, other = born(redis, "BlockingConnectionPool default")
    opened = born(redis, "redis connection default")
    assert [(life.owner, life.requests) for life in opened] == [(mine.id, 2), (other.id, 1)]
