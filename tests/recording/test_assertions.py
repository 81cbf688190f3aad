"""Assertions hold where they should, and fail with the picture that explains them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View

from tracer import Recording, RecordingError, record
from tracer.recording.view import Reading

pytestmark = pytest.mark.django_db(databases=["default", "archive"])
HELD: list[Any] = []
BY_NUMBER: dict[int, Any] = {}


class Page(View):
    """A class-based view, which waits for the collector."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its GET."""
        return HttpResponse("page")


def keep(request: HttpRequest) -> HttpResponse:
    """Keeps its request."""
    HELD.append(request)
    return HttpResponse("kept")


def last(request: HttpRequest) -> HttpResponse:
    """Keeps its response until the next one comes."""
    HELD[:] = [HttpResponse("last")]
    return HELD[0]  # type: ignore[no-any-return]


def number(request: HttpRequest) -> HttpResponse:
    """Keeps its request under a new key."""
    BY_NUMBER[len(BY_NUMBER)] = request
    return HttpResponse("kept")


def many(request: HttpRequest) -> HttpResponse:
    """Asks the same three times, and another thing once."""
    for _ in range(3):
        list(Session.objects.all())
    return HttpResponse(str(Session.objects.filter(pk="x").exists()))


urlpatterns = [
    path("page/", Page.as_view()),
    path("keep/", keep),
    path("last/", last),
    path("number/", number),
    path("many/", many),
    path("", include("cafe_site.urls")),
]


@pytest.fixture(autouse=True)
def _site(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ]
    yield
    HELD.clear()
    BY_NUMBER.clear()


@pytest.fixture(params=["inside", "after"])
def recorded(request: pytest.FixtureRequest) -> Iterator[Callable[..., Recording]]:
    """`recorded("/page/", …)`: a recording of these pages, running still or over."""
    running: list[Recording] = []

    def pages(*paths: str) -> Recording:
        recording = record()
        recording.__enter__()
        for path_ in paths:
            recording.get(path_)
        if request.param == "inside":
            running.append(recording)
        else:
            recording.__exit__(None, None, None)
        return recording

    yield pages
    for each in running:
        each.__exit__(None, None, None)


Recorded = Callable[..., Recording]


def message_of(assertion: Callable[..., None], *arguments: Any) -> str:
    """What a failing assertion says."""
    with pytest.raises(AssertionError) as failed:
        assertion(*arguments)
    return str(failed.value)


def test_built_once(recorded: Recorded) -> None:
    """A middleware is; a view and a request are not; one request proves nothing."""
    recording = recorded("/page/", "/page/")
    recording.assert_built_once("SessionMiddleware")
    told = message_of(recording.assert_built_once, Page)
    assert told.startswith("Page was built 2 times: in #1, in #2.\n\n Lifelines of process")


def test_built_once_needs_two_requests(recorded: Recorded) -> None:
    """Or it could not fail."""
    told = message_of(recorded("/page/").assert_built_once, "SessionMiddleware")
    assert "1 request cannot tell that from once per request: record at least two." in told


def test_built_per_request(recorded: Recorded) -> None:
    """A view is; a middleware is not; one request proves nothing."""
    recording = recorded("/page/", "/page/")
    recording.assert_built_per_request(Page)
    told = message_of(recording.assert_built_per_request, "SessionMiddleware")
    assert told.startswith(
        "SessionMiddleware is not built per request: one, built at boot, was used by 2 requests."
    )


def test_built_per_request_needs_two_requests(recorded: Recorded) -> None:
    """Or it could not fail."""
    told = message_of(recorded("/page/").assert_built_per_request, Page)
    assert "record at least two that need it" in told


def test_scope(recorded: Recorded) -> None:
    """As observed; a full collection is run first where it still can be."""
    recording = recorded("/page/", "/keep/", "/keep/", "/keep/", "/page/")
    recording.assert_scope("SessionMiddleware", "process")
    recording.assert_scope(Page, "request")
    told = message_of(recording.assert_scope, "WSGIRequest", "request")
    assert told.startswith("WSGIRequest should live for the scope 'request': seen were ")
    assert "2 request, 3 kept" in told
    assert "Lifelines of process" in told
    with pytest.raises(ValueError, match="There is no scope 'singleton'; the scopes are 'process'"):
        recording.assert_scope(Page, "singleton")


def test_freed_with_the_response(recorded: Recorded) -> None:
    """A response is; a class-based view waits for the collector."""
    recording = recorded("/page/")
    recording.assert_freed_with_response("HttpResponse")
    told = message_of(recording.assert_freed_with_response, Page)
    assert told.startswith("Page was not freed with its response: the one of #1 ")


def test_nothing_kept(recorded: Recorded) -> None:
    """What caches hold since its first use does not count."""
    recorded("/page/", "/hello/").assert_nothing_kept()


def test_something_kept(recorded: Recorded) -> None:
    """It is named, with what holds it, and drawn."""
    told = message_of(recorded(*["/keep/"] * 3, "/page/").assert_nothing_kept)
    for number in range(3):
        assert f"WSGIRequest, built in #{number + 1}, held by {__name__}.HELD[{number}]" in told
    assert "KEPT since #1" in told


def test_one_object_that_is_kept_is_enough_to_fail(recorded: Recorded) -> None:
    """Each request replaces it, so that there is one at a time."""
    told = message_of(recorded(*["/last/"] * 4).assert_nothing_kept)
    assert told.startswith("1 object kept after their requests:")
    assert f"HttpResponse, built in #4, held by {__name__}.HELD[0]" in told


def test_something_left_by_two_requests_for_a_page_is_neither_kept_nor_no_leak(
    recorded: Recorded,
) -> None:
    """It may be a memo, or begin of a leak: the recording has to be longer."""
    recording = recorded("/keep/", "/page/", "/keep/")
    told = re.escape(f"is held by {__name__}.HELD[0]. Whether that is a memo or a leak shows when")
    with pytest.raises(RecordingError, match=f"WSGIRequest, built in #1, {told} a page is asked"):
        recording.assert_nothing_kept()


def test_what_lies_under_a_key_takes_six_requests_to_tell(recorded: Recorded) -> None:
    """Five visitors may have filled their own entry of a memo."""
    with pytest.raises(RecordingError, match="asked for 6 times: record as many"):
        recorded(*["/number/"] * 5).assert_nothing_kept()


def test_what_six_requests_left_under_a_key_is_kept(recorded: Recorded) -> None:
    """Each is named by its key."""
    told = message_of(recorded(*["/number/"] * 6).assert_nothing_kept)
    assert f"WSGIRequest, built in #6, held by {__name__}.BY_NUMBER[5]" in told


def test_what_a_page_asked_for_once_left_may_be_a_memo(recorded: Recorded) -> None:
    """It fails no recording in which another page was asked for three times."""
    recorded("/page/", "/hello/", "/hello/", "/hello/", "/keep/").assert_nothing_kept()


def test_max_queries(recorded: Recorded) -> None:
    """The worst request is drawn, and what it repeats is counted."""
    recording = recorded("/many/", "/page/")
    recording.assert_max_queries(4)
    told = message_of(recording.assert_max_queries, 3)
    assert "Request 1, GET /many/, ran 4 statements; 3 are allowed." in told
    assert "  4 times SELECT django_session" in told
    assert " GET  /many/" in told or " GET /many/" in told
    recording.assert_max_queries(0, request=2)


def test_order(recorded: Recorded) -> None:
    """Stages and names, in the order in which they began."""
    recording = recorded("/page/")
    recording.assert_order("SessionMiddleware", "CommonMiddleware", "resolve", "view", "close")
    recording.assert_order("middleware", "middleware", "Page.get")
    told = message_of(recording.assert_order, "CommonMiddleware", "SessionMiddleware")
    assert told.startswith("'SessionMiddleware' does not come after 'CommonMiddleware'.\n\n GET")
    told = message_of(recording.assert_order, "SesionMiddleware")
    assert "There is no 'SesionMiddleware' in request 1. Did you mean 'SessionMiddleware'" in told
    with pytest.raises(ValueError, match="assert_order takes what to expect"):
        recording.assert_order()


def test_an_unknown_name_is_no_success(recorded: Recorded) -> None:
    """Whichever assertion it is; close names are suggested."""
    recording = recorded("/page/", "/page/")
    for assertion in (
        recording.assert_built_once,
        recording.assert_built_per_request,
        recording.assert_freed_with_response,
        lambda name: recording.assert_scope(name, "process"),
    ):
        with pytest.raises(RecordingError, match="Did you mean 'SessionMiddleware'"):
            assertion("SessionMidleware")


def test_no_request_is_no_success() -> None:
    """Nothing can be said of nothing."""
    with record() as recording:
        pass
    with pytest.raises(RecordingError, match="No request was recorded"):
        recording.assert_max_queries(10)
    with pytest.raises(RecordingError, match="No request was recorded"):
        recording.assert_nothing_kept()
    assert list(Reading(recording.process).requests) == []
