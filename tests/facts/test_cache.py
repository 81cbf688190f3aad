"""The cache: whose the object is, whose the values are, and what a hit spares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from tests.facts.reading import born, every, find, inside, names, on_thread, one, worker
from tests.facts.site import GATE
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def outcomes(recording: Recording, number: int = -1) -> list[tuple[str, str]]:
    """Operation and outcome of each cache operation of a request."""
    return [(span.name, span.detail) for span in every(recording.request(number), stages.CACHE)]


def test_a_miss_then_a_hit(site: Recording) -> None:
    """What one request puts into the cache, the next one finds."""
    assert site.get("/remember/").body == b"unknown"
    assert outcomes(site) == [("get", "miss"), ("set", "")]
    assert site.get("/remember/").body == b"known"
    assert outcomes(site) == [("get", "hit")]


@pytest.mark.parametrize("value", [3, "", True, ["a list"], lambda: 3])
def test_get_or_set_looks_again_what_it_added(site: Recording, value: Any) -> None:
    """get_or_set looks up what it has just added, and this second lookup is no miss."""
    GATE["look"] = lambda: cache.get_or_set("word", value)
    site.get("/step/?look")
    (first, *lookups) = outcomes(site)
    assert first == ("get_or_set", "miss")
    assert lookups[:2] == [("get", "miss"), ("add", "")]
    assert lookups[2] in (("get", "hit"), ("get", ""))
    site.get("/step/?look")
    assert outcomes(site) == [("get_or_set", "hit"), ("get", "hit")]


def test_get_or_set_in_an_async_view_tells_the_same(site: Recording) -> None:
    """aget_or_set does the same by the synchronous operations, each on a thread."""
    GATE["look"] = lambda: async_to_sync(cache.aget_or_set)("word", 3)
    site.get("/step/?look")
    assert outcomes(site) == [("get", "miss"), ("add", ""), ("get", "")]
    site.get("/step/?look")
    assert outcomes(site) == [("get", "hit")]


def test_the_cache_object_is_built_on_first_use(site: Recording) -> None:
    """The cache object of an alias is built when a thread first asks for it, and kept by it."""
    site.get("/plain/")
    assert born(site, "LocMemCache") == []
    site.get("/remember/")
    site.get("/remember/")
    cache = one(site, "LocMemCache")
    assert (cache.built_in, cache.requests, cache.freed) == (2, 2, None)


def test_each_thread_has_a_cache_object_of_its_own(site: Recording) -> None:
    """Each thread has a cache object of its own."""
    with worker(site) as serve:
        for _ in range(2):
            site.get("/remember/")
            serve("/remember/")
        site.settle()
        mine, other = born(site, "LocMemCache")
        assert mine.thread != other.thread
        assert (mine.threads, other.threads) == (1, 1)
        assert (mine.scope, other.scope) == ("thread", "thread")


def test_the_values_belong_to_the_process(site: Recording) -> None:
    """What a local-memory cache holds belongs to the process: another thread finds it."""
    site.get("/remember/")
    on_thread(lambda: site.get("/remember/"))
    assert outcomes(site) == [("get", "hit")]
    assert len(born(site, "LocMemCache")) == 2


def test_a_cache_object_goes_with_its_thread(site: Recording) -> None:
    """A cache object goes with its thread; what was stored stays."""
    on_thread(lambda: site.get("/remember/"))
    site.get("/plain/")
    site.settle()
    assert one(site, "LocMemCache").freed is not None
    site.get("/remember/")
    assert outcomes(site) == [("get", "hit")]


def test_under_asgi_each_request_has_a_cache_object(site: Recording) -> None:
    """Under ASGI each request has a cache object of its own, and finds the process's values."""
    on_thread(lambda: site.agets("/remember/", "/remember/"))
    assert [life.built_in for life in born(site, "LocMemCache")] == [1, 2]
    assert outcomes(site) == [("get", "hit")]


def test_a_cached_fragment_spares_the_query(site: Recording, dishes: None) -> None:
    """A cached fragment of a template spares the query that its lazy QuerySet would have made."""
    site.get("/page/fragment.html")
    first = site.request()
    assert names(first, stages.QUERY) == ["SELECT cafe_dish"]
    assert inside(first, find(first, stages.CACHE, "get"), find(first, stages.TEMPLATE))
    site.get("/page/fragment.html")
    assert names(site.request(), stages.QUERY) == []
    assert outcomes(site) == [("get", "hit")]


def test_cache_page_spares_the_view(site: Recording) -> None:
    """A page cached by cache_page is answered from the cache, by the decorator around the view."""
    site.get("/cached/")
    site.get("/cached/")
    first, second = site.process.requests
    assert "set" in names(first, stages.CACHE)
    assert names(second, stages.CACHE) == ["get", "get"]
    assert {span.detail for span in every(second, stages.CACHE)} == {"hit"}
    view = find(second, stages.VIEW)
    assert all(inside(second, span, view) for span in every(second, stages.CACHE))


def test_the_cache_middleware_spares_everything(layers: Layers) -> None:
    """With the cache's middleware a hit ends the way in: no URL is resolved, no view is called."""
    site = layers(
        "django.middleware.cache.UpdateCacheMiddleware",
        "Inner",
        "django.middleware.cache.FetchFromCacheMiddleware",
    )
    site.get("/plain/")
    assert site.get("/plain/").body == b"plain"
    first, second = site.process.requests
    assert find(first, stages.VIEW)
    assert every(second, stages.RESOLVE) == every(second, stages.VIEW) == []
    assert find(second, stages.MIDDLEWARE, "Inner")


def test_a_dummy_cache_never_hits(site: Recording, settings: Any) -> None:
    """A dummy cache takes everything and never hits."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    site.get("/remember/")
    site.get("/remember/")
    assert outcomes(site, 1) == outcomes(site, 2) == [("get", "miss"), ("set", "")]


def test_a_session_can_live_in_the_cache(site: Recording, settings: Any) -> None:
    """With sessions in the cache, reading one is a cache operation, and no query."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    cookie = site.get("/visit/").cookies["sessionid"]
    assert site.get("/visit/", cookie=f"sessionid={cookie}").body == b"2"
    assert ("get", "hit") in outcomes(site)
    assert names(site.request(), stages.QUERY) == []
