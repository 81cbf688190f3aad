"""Middleware stays what it is: its type, its place, its world, and what it is given to call."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings as django_settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers import base
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template import Template
from django.test import override_settings
from django.urls import URLResolver

from tests.promises import layers
from tests.promises.comparing import Ask, assert_all_same, pairs
from tests.support.client import Answer, Recording, environ, serve, serve_async
from tracer.middleware import TracerMiddleware

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"], transaction=True),
    pytest.mark.usefixtures("no_faults"),
    # A worker thread's connection to a database in memory stays open until it is collected.
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _collect() -> Iterator[None]:
    yield
    gc.collect()


OWN = "tracer.middleware.TracerMiddleware"
KINDS = (
    "function",
    "sync_only",
    "async_only",
    "both_ways",
    "same",
    "Plain",
    "Slotted",
    "Mixed",
    "HiddenAsync",
    "AsyncCall",
    "AsyncHooks",
    "Unused",
)


def _paths(*names: str) -> list[str]:
    return [f"tests.promises.layers.{name}" for name in names]


def _ask(chain: list[str], path: str, is_async: bool) -> Ask:
    # Not the fixture: it lays each change over the last, and hundreds are too many to look through.
    def ask(_handler: Any) -> Answer:
        with override_settings(MIDDLEWARE=chain):
            if is_async:
                return asyncio.run(serve_async(ASGIHandler(), path))
            return serve(WSGIHandler(), environ(path))

    return ask


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_middleware_of_every_kind_answers_the_same(site: Any, is_async: bool) -> None:
    """Alone, beside every other, and all together; before sync views and async ones."""
    chains = [[kind] for kind in KINDS]
    chains += [list(pair) for pair in itertools.permutations(KINDS, 2)][:: 5 if is_async else 3]
    chains += [list(KINDS), list(reversed(KINDS))]
    asks = {
        f"{chain} {path}": _ask(_paths(*chain), path, is_async)
        for chain in chains
        for path in ("/plain/", "/plain/async/")
    }
    found = pairs(asks)
    assert_all_same(found)
    assert {bare.error for bare, _ in found.values()} == {None}


def test_a_middleware_is_not_replaced_by_a_stand_in(site: Any) -> None:
    """`isinstance`, `type` and class attributes of what stands in the chain are its own."""
    site.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        *_paths("Plain", "Slotted"),
    ]
    with Recording() as recording:
        assert recording.get("/plain/").status == 200
        chain = _unwrapped(recording.handler)
    assert [type(each) for each in chain] == [
        TracerMiddleware,
        SessionMiddleware,
        layers.Plain,
        layers.Slotted,
    ]
    assert chain[2].marker == "a class attribute"


def _unwrapped(handler: Any) -> list[Any]:
    """The middleware of a chain, outermost first, as `__wrapped__` and `get_response` lead on."""
    found = []
    layer = handler._middleware_chain
    while True:
        middleware = layer.__wrapped__
        if inspect.ismethod(middleware):
            return found
        found.append(middleware)
        layer = middleware.get_response


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_a_middleware_is_given_a_callable_of_the_kind_that_django_gives_it(
    site: Any, is_async: bool
) -> None:
    """A function, and a coroutine function exactly where it would be one."""

    def build(*chain: str) -> list[tuple[str, bool]]:
        layers.SEEN.clear()
        with override_settings(MIDDLEWARE=_paths(*chain)):
            (ASGIHandler if is_async else WSGIHandler)()
        return list(layers.SEEN)

    chains = [("Curious",), *(("Curious", kind) for kind in KINDS)]
    bare = [build(*chain) for chain in chains]
    assert all(bare)
    with Recording():
        assert [build(*chain) for chain in chains] == bare


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_the_chain_is_of_the_servers_kind(site: Any, is_async: bool) -> None:
    """The outermost callable is a coroutine function under ASGI, and none under WSGI."""
    for chain in ([], *([kind] for kind in KINDS)):
        site.MIDDLEWARE = _paths(*chain)
        with Recording() as recording:
            handler = recording.asgi_handler if is_async else recording.handler
            assert iscoroutinefunction(handler._middleware_chain) is is_async, chain


def test_the_setting_is_left_as_it_was(site: Any) -> None:
    """The tracer's layer is put around the chain, not into the project's list."""
    listed = site.MIDDLEWARE = _paths("Plain")
    with Recording() as recording:
        recording.get("/plain/")
        assert django_settings.MIDDLEWARE is listed
        assert listed == _paths("Plain")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_tracer_middleware_that_the_project_lists_is_not_put_twice(site: Any, place: int) -> None:
    """Wherever it stands, the project's word counts."""
    chain = _paths("Plain", "function")
    site.MIDDLEWARE = [*chain[:place], OWN, *chain[place:]]
    with Recording() as recording:
        answer = recording.get("/plain/")
        assert (answer.status, answer.body) == (200, b"A short text.")
        names = [span.name for span in recording.spans("middleware")]
        assert names == ["Plain", "function"]
        born = [life for life in recording.lives("WSGIRequest") if life.built_in == 1]
        assert len(born) == 1
        outermost = recording.handler._middleware_chain.__wrapped__
        assert isinstance(outermost, TracerMiddleware) is (place == 0)


def test_a_listed_tracer_middleware_takes_itself_out_where_the_tracer_is_off(site: Any) -> None:
    """A project may leave it in its list for good."""
    site.MIDDLEWARE = [OWN, *_paths("Plain")]
    answer = serve(WSGIHandler(), environ("/plain/"))
    assert ("X-Plain", "a class attribute") in answer.headers
    handler = WSGIHandler()
    assert isinstance(handler._middleware_chain.__wrapped__, layers.Plain)


def test_a_request_within_a_request_is_a_part_of_it(site: Any) -> None:
    """A view may call a handler: the outer request goes on, and ends when it ends."""
    asks = {path: (lambda h, path=path: serve(h, environ(path))) for path in ("/nested/",)}
    assert_all_same(pairs(asks))
    with Recording() as recording:
        assert recording.get("/nested/").body.startswith(b"inside: ")
        (request,) = recording.process.requests
        assert (request.path, request.status, request.ending) == ("/nested/", 200, "closed")
        assert request.size == len(recording.get("/nested/").body)
        assert len([span for span in request.spans if span.stage == "query"]) == 2
        assert [span.name for span in request.spans if span.stage == "view"] == [
            "tests.promises.site.nested",
            "tests.promises.site.listing",
        ]
        assert recording.tracer.recorder.in_flight == {}


class Handler(WSGIHandler):
    """A project's own handler."""

    calls = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Count, and do as Django does."""
        self.calls += 1
        return super().__call__(environ, start_response)

    def get_response(self, request: HttpRequest) -> HttpResponse:
        """Add a header."""
        response = super().get_response(request)
        response["X-Handler"] = str(self.calls)
        return response


def test_a_handler_of_the_projects_own_is_watched_like_any_other(site: Any) -> None:
    """So is runserver's, which serves static files around it."""
    for make in (Handler, lambda: StaticFilesHandler(WSGIHandler())):
        asks = {
            path: (lambda handler, path=path: serve(handler, environ(path)))
            for path in ("/plain/", "/nowhere/", "/static/nothing.css")
        }
        assert_all_same(pairs(asks, handler=make))
    with Recording() as recording:
        serve(Handler(), environ("/plain/"))
        assert [request.path for request in recording.process.requests] == ["/plain/"]


def test_a_server_may_name_the_arguments(site: Any) -> None:
    """The handler's signature is what it was, and so is what it takes."""
    told: list[str] = []
    with Recording() as recording:
        response = recording.handler(
            environ=environ("/plain/"), start_response=lambda status, headers: told.append(status)
        )
        assert b"".join(response) == b"A short text."
        response.close()
        assert told == ["200 OK"]
        assert recording.request().status == 200


METHODS = (
    (WSGIHandler, "__call__"),
    (ASGIHandler, "__call__"),
    (base.BaseHandler, "load_middleware"),
    (base.BaseHandler, "adapt_method_mode"),
    (base.BaseHandler, "resolve_request"),
    (base.BaseHandler, "get_response"),
    (CursorWrapper, "execute"),
    (Model, "__init__"),
    (HttpResponse, "__init__"),
    (HttpResponse, "close"),
    (Template, "render"),
    (URLResolver, "resolve"),
    (request_started, "send"),
    (request_started, "asend"),
)


def test_the_signatures_of_what_is_wrapped_are_unchanged() -> None:
    """For those who look, as type checkers, documentation and dependency injection do."""

    def told() -> list[Any]:
        methods = [getattr(owner, name) for owner, name in METHODS]
        return [
            (str(inspect.signature(m)), m.__name__, m.__doc__, iscoroutinefunction(m))
            for m in methods
        ]

    bare = told()
    with Recording():
        assert told() == bare


def test_every_wrapper_of_a_method_leads_to_what_it_wraps() -> None:
    """`inspect.unwrap` finds Django's own function behind each patch."""
    with Recording() as recording:
        found = list(recording.tracer.installation.patches)
        assert len(found) > 50
        for owner, name, original in found:
            wrapper = vars(owner)[name]
            if inspect.isfunction(original):
                assert inspect.unwrap(wrapper).__code__ is inspect.unwrap(original).__code__, name
