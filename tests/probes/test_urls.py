"""How `reverse()` is watched: at a request's first link, and while it may find other resolvers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import (
    base,
    clear_url_caches,
    get_resolver,
    include,
    path,
    resolvers,
    reverse,
)

from tests.support.client import environ, serve
from tests.support.programs import run
from tracer import runtime
from tracer.conf import Config
from tracer.recorder.trace import Trace

OTHER = "urls_of_another_site"
Doing = Callable[[], object]


def link(urlconf: str | None = None) -> str:
    """Makes one link to a page of the site."""
    return reverse("page", urlconf=urlconf)


def is_watched() -> bool:
    """Returns whether the wrapper is in place."""
    return base.get_resolver is not resolvers.get_resolver


class Site:
    """A site with one page, which does what a test wants."""

    def __init__(self, tracer: runtime.Tracer) -> None:
        self.tracer = tracer
        self.handler = WSGIHandler()
        self.doing: Doing = link

    def page(self, _request: HttpRequest) -> HttpResponse:
        """Does what the test wants."""
        self.doing()
        return HttpResponse("done")

    def ask(self, doing: Doing) -> Trace:
        """Makes one request that does so, and returns its trace."""
        self.doing = doing
        serve(self.handler, environ("/page/"))
        return self.tracer.recorder.finished[-1]

    def uses(self, trace: Trace, urlconf: str | None = None) -> int:
        """Returns how often the trace says that the request used the resolver of a URLconf."""
        token = self.tracer.recorder.weakrefs.token_of(get_resolver(urlconf))
        assert token is not None
        used = [mark[0] if isinstance(mark, tuple) else mark for mark in trace.seen]
        return used.count(token)


VIEW = 1
"""The use of the site's own resolver by which a request finds its view."""


@pytest.fixture
def site(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that is recorded. Another URLconf exists, whose resolver is not built yet."""
    pages: list[Any] = []
    for name in ("urls_of_a_site", OTHER):
        urls = ModuleType(name)
        urls.urlpatterns = pages  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, urls)
    settings.ROOT_URLCONF = "urls_of_a_site"
    clear_url_caches()
    tracer = runtime.start(Config(enabled=True, console=False))
    made = Site(tracer)
    pages.append(path("page/", made.page, name="page"))
    # The first request builds the resolvers.
    made.ask(lambda: None)
    yield made
    runtime.stop(settle=False)
    clear_url_caches()
    assert not is_watched()


def test_a_list_of_links_is_recorded_as_one_use_of_the_resolver(site: Site) -> None:
    """However many links there are."""
    none, one, many = (
        site.ask(lambda count=count: [link() for _ in range(count)])  # type: ignore[misc]
        for count in (0, 1, 40)
    )
    assert [site.uses(trace) for trace in (none, one, many)] == [VIEW, VIEW + 1, VIEW + 1]


def test_the_other_links_of_a_request_run_no_code_of_the_tracer(site: Site) -> None:
    """Django's own function is back until the request is over."""
    was: list[bool] = []

    def links() -> None:
        was.append(is_watched())
        for _ in range(3):
            link()
            was.append(is_watched())

    for _ in range(2):
        assert site.ask(links).repeated_lookups == 0
        assert is_watched()
    assert was == 2 * [True, False, False, False]


def test_a_cached_resolver_of_another_urlconf_is_recorded_too(site: Site) -> None:
    """With two cached resolvers, each link may use either."""
    link(OTHER)
    trace = site.ask(lambda: [link(), link(), link(OTHER), link(OTHER), link()])
    assert site.uses(trace) == VIEW + 2
    assert site.uses(trace, OTHER) == 1


def test_a_resolver_that_is_built_after_a_requests_first_link_is_recorded_too(site: Site) -> None:
    """The other URLconf was not used before."""
    trace = site.ask(lambda: [link(), link(OTHER), link(OTHER)])
    assert site.uses(trace) == VIEW + 1
    assert site.uses(trace, OTHER) == 1


def test_a_resolver_that_another_thread_builds_meanwhile_is_recorded_when_used(
    site: Site,
) -> None:
    """That thread belongs to no request."""
    go, gone = threading.Event(), threading.Event()

    def build() -> None:
        go.wait(60)
        link(OTHER)
        gone.set()

    def links() -> None:
        link()
        go.set()
        assert gone.wait(60)
        link(OTHER)

    thread = threading.Thread(target=build)
    thread.start()
    trace = site.ask(links)
    thread.join()
    assert site.uses(trace, OTHER) == 1


def test_when_djangos_caches_are_cleared_the_next_resolver_is_recorded(site: Site) -> None:
    """A site may do this when it adds URLs while it runs."""
    trace = site.ask(lambda: [link(), clear_url_caches(), link(), link()])
    # The new resolver has found no view. Its use by the link that built it is its birth.
    assert site.uses(trace) == 1


def test_links_of_two_requests_at_once_are_recorded(site: Site) -> None:
    """The wrapper is off when the second request begins, and is put back for it."""
    go, gone = threading.Event(), threading.Event()
    was: list[bool] = []

    def first() -> None:
        link()
        was.append(is_watched())
        go.set()
        assert gone.wait(60)
        link()
        was.append(is_watched())

    def second() -> None:
        for _ in range(3):
            link()
            was.append(is_watched())

    thread = threading.Thread(target=site.ask, args=(first,))
    thread.start()
    assert go.wait(60)
    trace = site.ask(second)
    gone.set()
    thread.join()
    assert site.uses(trace) == VIEW + 1
    assert trace.repeated_lookups == 2
    assert was == [False, True, True, True, True]
    assert is_watched()


def links(count: int = 40) -> None:
    """Makes so many links, one after the other."""
    for _ in range(count):
        link()


def links_of_a_thread() -> None:
    """Makes links on a thread of the request's own."""
    thread = threading.Thread(target=links)
    thread.start()
    thread.join()


@pytest.mark.parametrize("before", [0, 1, 40])
def test_the_resolver_of_links_is_recorded_once_for_each_thread_that_makes_them(
    site: Site, before: int
) -> None:
    """Whichever thread begins. With a second thread, the wrapper stays on."""
    trace = site.ask(lambda: [links(before), links_of_a_thread(), links()])
    assert trace.repeated_lookups == 39 + 39
    resolver = site.tracer.recorder.weakrefs.token_of(get_resolver())
    assert site.uses(trace) == VIEW + (before > 0) + 2
    threads = [mark[1] for mark in trace.seen if type(mark) is tuple and mark[0] == resolver]
    assert len(threads) == len(set(threads)) == 2


def test_links_of_a_process_forked_after_a_link_are_recorded() -> None:
    """The parent's request is not in flight in the child."""
    done = run(
        """
import os
import django
django.setup()
from django.urls import base, resolvers, reverse
from tracer import runtime
from tracer.conf import Config
from tracer.recorder.trace import current
recorder = runtime.start(Config(enabled=True, console=False)).recorder
current.set(recorder.begin(("GET", "", "/", "")))
reverse("plain")
assert base.get_resolver is not resolvers.get_resolver  # the resolver was built just now
recorder.finish(current.get())
current.set(recorder.begin(("GET", "", "/", "")))
reverse("plain")
assert base.get_resolver is resolvers.get_resolver
pid = os.fork()
if not pid:
    current.set(recorder.begin(("GET", "", "/", "")))
    os._exit(base.get_resolver is resolvers.get_resolver)
assert os.waitpid(pid, 0)[1] == 0
assert base.get_resolver is resolvers.get_resolver
print("done")
""",
        'ROOT_URLCONF = "tests.facts.urls"',
    )
    assert done.stdout == "done\n"


def test_a_tracer_that_is_stopped_between_two_links_does_not_come_back(site: Site) -> None:
    """The request goes on unrecorded."""
    site.doing = lambda: [link(), runtime.stop(settle=False), link()]
    serve(site.handler, environ("/page/"))
    assert not is_watched()


def test_what_a_test_puts_in_the_place_of_djangos_function_stays_there(site: Site) -> None:
    """It stays between two links and when the request ends; then links are watched again."""
    patch = mock.patch.object(base, "get_resolver", wraps=get_resolver)

    def links() -> None:
        link()
        put = patch.start()
        link()
        assert put.call_count == 1

    site.ask(links)
    assert base.get_resolver.call_count == 1  # type: ignore[attr-defined]
    patch.stop()
    assert not is_watched()
    site.ask(lambda: None)
    assert is_watched()


def test_the_resolver_of_a_namespace_is_recorded_once_for_links_in_a_row(
    site: Site,
) -> None:
    """Each link of a list in a namespace, such as the admin's, uses it."""
    shop = include(([path("door/", site.page, name="door")], "shop"))
    get_resolver().url_patterns.append(path("shop/", shop))
    clear_url_caches()

    def door() -> str:
        return reverse("shop:door")

    site.ask(door)
    few, many = (site.ask(lambda count=count: [door() for _ in range(count)]) for count in (1, 40))  # type: ignore[misc]
    assert few.seen == many.seen
    assert len(few.seen) > len(site.ask(link).seen)
