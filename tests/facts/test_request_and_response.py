"""Request and response: who holds them, and what ends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.facts.reading import born, find, inside, names, one
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]

SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"


def test_a_request_waits_for_the_collector(site: Recording) -> None:
    """A request dies only when the collector runs, because of request.user."""
    for _ in range(3):
        site.get("/plain/")
    assert {life.freed for life in born(site, "WSGIRequest")} == {None}
    site.settle()
    lives = born(site, "WSGIRequest")
    assert [life.built_in for life in lives] == [1, 2, 3]
    assert {(life.scope, life.freed) for life in lives} == {("request", "collector")}


def test_without_user_and_messages_a_request_dies_at_once(layers: Layers) -> None:
    """Without the auth and messages middleware a request dies with its response."""
    site = layers("Outer", SESSION)
    site.get("/plain/")
    site.assert_freed_with_response("WSGIRequest")
    site.assert_scope("WSGIRequest", "request")


@pytest.mark.parametrize("path", [AUTH, MESSAGES])
def test_user_and_messages_each_suffice(layers: Layers, path: str) -> None:
    """request.user and the request's messages each suffice to make it wait for the collector."""
    site = layers(SESSION, path)
    site.get("/plain/")
    assert one(site, "WSGIRequest").freed is None
    site.settle()
    assert one(site, "WSGIRequest").freed == "collector"


def test_a_response_dies_when_it_is_closed(site: Recording) -> None:
    """A response dies by reference count as soon as the server has closed it and lets go."""
    for _ in range(3):
        site.get("/plain/")
    site.assert_built_per_request("HttpResponse")
    site.assert_freed_with_response("HttpResponse")


def test_the_response_lives_as_long_as_the_server_holds_it(site: Recording) -> None:
    """A response lives until it is closed: the request has left all middleware by then."""
    site.get("/plain/")
    request = site.request()
    response = find(request, stages.RESPONSE)
    closed = find(request, stages.CLOSE)
    died = one(site, "HttpResponse").died_at
    assert died is not None
    assert response.end <= closed.start < died - request.begun


def test_each_request_has_a_session_of_its_own(site: Recording) -> None:
    """Each request gets a session object of its own, though the client has one session."""
    cookie = site.get("/visit/").cookies["sessionid"]
    assert site.get("/visit/", cookie=f"sessionid={cookie}").body == b"2"
    site.assert_built_per_request("SessionStore")


def test_a_session_is_read_when_it_is_touched(site: Recording) -> None:
    """A session is read from the database where it is first touched, and not before."""
    cookie = site.get("/visit/").cookies["sessionid"]
    site.get("/plain/", cookie=f"sessionid={cookie}")
    assert names(site.request(), stages.QUERY) == []
    site.get("/visit/", cookie=f"sessionid={cookie}")
    request = site.request()
    read = find(request, stages.QUERY, "SELECT django_session")
    assert inside(request, read, find(request, stages.VIEW))


def test_a_session_is_saved_on_the_way_out(site: Recording) -> None:
    """A changed session is saved on the way out, by SessionMiddleware, after the view."""
    site.get("/visit/")
    request = site.request()
    saved = find(request, stages.QUERY, "INSERT django_session")
    assert inside(request, saved, find(request, stages.MIDDLEWARE, "SessionMiddleware"))
    assert not inside(request, saved, find(request, stages.MIDDLEWARE, "CommonMiddleware"))
    assert find(request, stages.VIEW).end <= saved.start


def test_the_user_is_fetched_when_it_is_touched(site: Recording, client: Any) -> None:
    """request.user is lazy: session and user are fetched where the view first touches it."""
    cookie = _logged_in(client)
    site.get("/plain/", cookie=cookie)
    assert names(site.request(), stages.QUERY) == []
    site.get("/who/", cookie=cookie)
    request = site.request()
    view = find(request, stages.VIEW)
    asked = [span for span in request.spans if span.stage == stages.QUERY]
    assert [span.name for span in asked] == ["SELECT django_session", "SELECT auth_user"]
    assert all(inside(request, span, view) for span in asked)


def test_an_unknown_client_costs_no_query(site: Recording) -> None:
    """request.user of a client without a session cookie costs no query at all."""
    assert site.get("/who/").body == b"nobody"
    assert find(site.request(), stages.VIEW).name == "tests.facts.site.who"
    assert names(site.request(), stages.QUERY) == []


def test_the_lazy_user_is_built_whether_wanted_or_not(site: Recording) -> None:
    """The lazy user is built for each request, wanted or not, and goes when the request goes."""
    site.get("/plain/")
    site.settle()
    lazy, request = one(site, "SimpleLazyObject"), one(site, "WSGIRequest")
    assert lazy.built_in == request.built_in == 1
    assert lazy.died_at == request.died_at is not None


def test_messages_have_a_storage_for_each_request(site: Recording) -> None:
    """Messages have a storage object for each request; what they say travels in between."""
    site.get("/plain/")
    site.get("/plain/")
    site.assert_built_per_request("FallbackStorage")


def _logged_in(client: Any) -> str:
    """Returns the cookie of a user who has logged in."""
    client.force_login(get_user_model().objects.create_user("mira"))
    return f"sessionid={client.cookies['sessionid'].value}"
