"""Exceptions: where they become responses, who hears of them, and who does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.facts.reading import around, born, every, find, inside, names
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def test_a_view_s_exception_becomes_a_response_innermost(layers: Layers) -> None:
    """A view's exception becomes a response below all middleware: no layer sees it raised."""
    site = layers("Outer", "Inner")
    site.get("/fail/500/")
    request = site.request()
    convert = find(request, stages.CONVERT)
    assert convert.name == "LookupError → 500"
    assert around(request, convert) == ["Outer", "Inner"]
    assert [layer.error for layer in every(request, stages.MIDDLEWARE)] == ["", ""]


def test_a_middleware_s_exception_becomes_a_response_just_outside(layers: Layers) -> None:
    """A middleware's exception becomes a response just outside: the layers around see no error."""
    site = layers("Outer", "Broken", "Inner")
    site.get("/plain/")
    request = site.request()
    outer, broken = every(request, stages.MIDDLEWARE)
    assert (outer.error, broken.error) == ("", "LookupError")
    assert around(request, find(request, stages.CONVERT)) == ["Outer"]
    assert every(request, stages.VIEW) == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [("404", "Http404 → 404"), ("403", "PermissionDenied → 403"), ("400", "SuspiciousOperation")],
)
def test_some_exceptions_are_answers(site: Recording, kind: str, said: str) -> None:
    """Http404, PermissionDenied and SuspiciousOperation are answers: 404, 403 and 400."""
    site.get(f"/fail/{kind}/")
    request = site.request()
    assert find(request, stages.CONVERT).name.startswith(said)
    assert request.status == int(kind)
    assert find(request, stages.VIEW).error


def test_the_error_page_is_made_inside_the_innermost_layer(layers: Layers) -> None:
    """handler500 is called where the exception is turned into a response, inside all middleware."""
    site = layers("Mixed")
    answer = site.get("/fail/500/")
    assert (answer.body, answer.status) == (b"sorry", 500)
    assert ("X-Mixed", "yes") in answer.headers
    request = site.request()
    convert = find(request, stages.CONVERT)
    assert inside(request, convert, find(request, stages.MIDDLEWARE, "Mixed"))


def test_an_exception_is_known_by_where_it_was_raised(site: Recording) -> None:
    """An exception carries the place where it was raised, however many layers it leaves."""
    site.get("/fail/500/")
    raised = find(site.request(), stages.EXCEPTION)
    assert raised.detail.startswith("tests.facts.site.fail:")


def test_rendering_after_the_view_can_be_rescued(layers: Layers) -> None:
    """process_exception also hears of a template that raises after the view has returned."""
    site = layers("Rescue")
    assert site.get("/late/broken/").body == b"rescued"
    request = site.request()
    assert find(request, stages.VIEW).error == ""
    assert find(request, stages.TEMPLATE).error == "ValueError"
    assert find(request, stages.HOOK).name == "Rescue.process_exception"
    assert every(request, stages.CONVERT) == []


def test_a_500_is_closed_like_any_other(site: Recording) -> None:
    """A 500 is closed like any other response, and request_finished is sent."""
    site.get("/fail/500/")
    request = site.request()
    finished = find(request, stages.REQUEST_FINISHED)
    assert inside(request, finished, find(request, stages.CLOSE))
    assert request.ending == "closed"


def test_system_exit_is_nobody_s_response(site: Recording) -> None:
    """SystemExit becomes no response: it passes every layer and reaches the server."""
    with pytest.raises(SystemExit):
        site.get("/fail/exit/")
    request = site.request()
    assert {layer.error for layer in every(request, stages.MIDDLEWARE)} == {"SystemExit"}
    assert names(request, stages.CONVERT) == names(request, stages.REQUEST_FINISHED) == []


def test_django_s_own_error_pages_make_the_request_wait(layers: Layers) -> None:
    """Django's own 404 page makes its request wait for the collector; a plain handler does not."""
    site = layers("Outer")
    site.get("/fail/404/")
    site.get("/fail/500/")  # answered by the site's own handler500
    not_found, failed = born(site, "WSGIRequest")
    assert not_found.freed is None
    assert (failed.freed, failed.freed_after) == ("response", 0)
    site.settle()
    assert born(site, "WSGIRequest")[0].freed == "collector"
