"""URLs: how a path finds its view, and which objects of the search stay."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, include, path, reverse

from tests.facts.reading import around, born, every, find, on_thread, one
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def test_the_path_is_resolved_behind_all_middleware(recording: Recording) -> None:
    """The path is resolved after every middleware was entered, and before the view."""
    recording.get("/hello/")
    request = recording.request()
    resolve = find(request, stages.RESOLVE)
    assert around(request, resolve)[-1] == "XFrameOptionsMiddleware"
    assert resolve.end <= find(request, stages.VIEW).start


def test_each_request_gets_a_match_of_its_own(site: Recording) -> None:
    """Each request gets a ResolverMatch of its own, which goes when the request goes."""
    site.get("/plain/")
    site.get("/plain/")
    site.settle()
    matches, requests = born(site, "ResolverMatch"), born(site, "WSGIRequest")
    assert [match.built_in for match in matches] == [1, 2]
    assert [match.died_at for match in matches] == [request.died_at for request in requests]
    assert None not in [match.died_at for match in matches]


def test_the_urlconf_is_imported_by_the_first_request(site: Recording) -> None:
    """The URLconf, with every view it names, is imported by the first request that resolves."""
    for _ in range(2):
        site.get("/plain/")
    first, second = site.requests
    urlconf = find(first, stages.URLCONF)
    resolve = find(first, stages.RESOLVE)
    assert urlconf.name == "tests.facts.urls"
    assert resolve.start <= urlconf.start <= urlconf.end <= resolve.end
    assert stages.URLCONF not in [span.stage for span in second.spans]


def test_resolvers_are_built_on_first_use_and_stay(site: Recording) -> None:
    """Resolvers are built by the first request that needs them, and serve all others."""
    for _ in range(3):
        site.get("/plain/")
    for name in ("URLResolver ^/", "URLPattern plain/"):
        site.assert_built_once(name)
        site.assert_scope(name, "process")
        assert (one(site, name).built_in, one(site, name).requests) == (1, 3)


def test_an_include_is_a_resolver_within(site: Recording) -> None:
    """An include() is a resolver inside the root's resolver; the route is both of theirs."""
    site.get("/inside/within/")
    resolve = find(site.request(), stages.RESOLVE)
    assert "route 'inside/within/' · name inner" in resolve.detail
    assert one(site, "URLResolver inside/").requests == 1
    assert resolve.object == one(site, "URLResolver ^/").id


def test_the_first_match_ends_the_search(site: Recording) -> None:
    """Patterns are tried in order until one matches: an include() further down is not asked."""
    site.get("/inside/within/")
    include = one(site, "URLResolver inside/")
    site.get("/plain/")
    assert one(site, "URLResolver inside/").requests == include.requests
    site.get("/nowhere/")
    assert one(site, "URLResolver inside/").requests == include.requests + 1


def test_a_request_can_have_a_urlconf_of_its_own(layers: Layers) -> None:
    """A middleware can give one request another URLconf; the next has the usual one."""
    site = layers("Switching")
    assert site.get("/plain/?switch=1").body == b"other"
    assert "in tests.facts.other_urls" in find(site.request(), stages.RESOLVE).detail
    assert site.get("/plain/").body == b"plain"
    assert "in tests.facts.urls" in find(site.request(), stages.RESOLVE).detail


def test_no_match_means_no_view(site: Recording) -> None:
    """A path that nothing matches ends in Resolver404, and no view is called."""
    site.get("/nowhere/")
    request = site.request()
    assert find(request, stages.RESOLVE).error == "Resolver404"
    assert every(request, stages.VIEW) == []
    assert request.status == 404


def test_a_missing_slash_is_mended_on_the_way_out(recording: Recording) -> None:
    """A missing slash is mended on the way out, by CommonMiddleware, after nothing was found."""
    recording.get("/hello")
    request = recording.request()
    assert find(request, stages.RESOLVE).error == "Resolver404"
    assert request.status == 301
    assert find(request, stages.MIDDLEWARE, "CommonMiddleware").error == ""


def test_reverse_asks_the_same_resolvers(site: Recording) -> None:
    """reverse() uses the resolvers that exist, and builds none of its own."""
    site.get("/plain/")
    before = born(site, "URLResolver")
    assert site.get("/address/").body == b"/plain/"
    assert [life.id for life in born(site, "URLResolver")] == [life.id for life in before]
    assert one(site, "URLResolver ^/").requests == 2


def test_a_namespace_has_a_resolver_that_reverse_builds_once(
    recording: Recording, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reverse() into a namespace builds its resolver; later ones find it again."""

    def ask(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(reverse("shop:door") + reverse("shop:door"))

    urls = ModuleType("urls_with_a_shop")
    shop = include(([path("door/", ask, name="door")], "shop"))
    urls.urlpatterns = [path("ask/", ask), path("plain/", ask), path("shop/", shop)]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = urls.__name__
    clear_url_caches()
    for _ in range(3):
        assert recording.get("/ask/").body == b"/shop/door/" * 2
    clear_url_caches()
    roots = [life for life in born(recording, "URLResolver") if life.name == "URLResolver ^/"]
    # The URLconf's own, and the one that Django puts in front of the namespace.
    assert [(life.built_in, life.requests) for life in roots] == [(1, 3), (1, 3)]


def test_the_patterns_are_shared_by_all_threads(site: Recording) -> None:
    """Resolvers are shared by all threads of the process."""
    site.get("/plain/")
    on_thread(lambda: site.get("/plain/"))
    site.settle()
    root = one(site, "URLResolver ^/")
    assert (root.threads, root.scope) == (2, "process")
