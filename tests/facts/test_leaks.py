"""Leaks: what lives longer than its author thought, and what holds it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cafe import surprises, views
from cafe.models import Dish
from django.urls import get_resolver

from tests.facts.reading import born, names, one
from tests.facts.site import HELD
from tracer import Recording
from tracer.model import stages

Record = Callable[..., Recording]


@pytest.fixture
def leaky(warm: None, db: None, record: Record) -> Iterator[Recording]:
    """The small site, warm: what is kept afterwards was kept by a view. Tickets are watched."""
    with record(watch=("tests.facts.site.Ticket", "tests.facts.site.Listener")) as recording:
        yield recording


@pytest.fixture
def cafe(db: None, record: Record) -> Iterator[Recording]:
    """The café, warm, its lists empty. Baskets are watched."""
    get_resolver()._populate()
    with record(watch=("cafe.models.Basket",)) as recording:
        yield recording
    views.RECENT.clear()
    views.LEFT_BEHIND.clear()
    surprises.VISITS = 0


def test_a_list_in_a_module_keeps_every_request(cafe: Recording) -> None:
    """A list in a module keeps every request that a view puts into it."""
    for _ in range(2):
        cafe.get("/surprises/keeper/")
    cafe.get("/hello/")
    cafe.settle()
    first, second, plain = born(cafe, "WSGIRequest")
    assert (first.scope, first.held_by) == ("kept", "cafe.views.RECENT[0]")
    assert (second.scope, second.held_by) == ("kept", "cafe.views.RECENT[1]")
    assert (plain.scope, plain.freed) == ("request", "collector")


def test_any_object_can_be_left_behind(cafe: Recording) -> None:
    """An object of the project's own, left in a module's list, is kept like any other."""
    cafe.get("/surprises/left-behind/")
    cafe.get("/hello/")
    cafe.settle()
    basket = one(cafe, "Basket")
    assert (basket.scope, basket.built_in, basket.requests) == ("kept", 1, 1)
    assert basket.held_by == "cafe.views.LEFT_BEHIND[0]"


def test_what_the_session_describes_is_built_anew(cafe: Recording) -> None:
    """What a session describes is built anew for each request, and dies with it."""
    cafe.get("/basket/")
    cafe.get("/basket/")
    cafe.settle()
    baskets = born(cafe, "Basket")
    assert [life.built_in for life in baskets] == [1, 2]
    assert {life.scope for life in baskets} == {"request"}


def test_a_number_in_a_module_outlives_every_request(cafe: Recording) -> None:
    """A number in a module outlives every request: the module it lives in is never built again."""
    first, second = cafe.get("/surprises/counter/"), cafe.get("/surprises/counter/")
    assert first.body != second.body
    assert surprises.VISITS == 2
    cafe.assert_nothing_kept()
    cafe.assert_scope("WSGIRequest", "request")
    assert [request.imports for request in cafe.process.requests][1] == ()


def test_a_kept_request_keeps_what_it_reaches(leaky: Recording) -> None:
    """A kept request keeps its session, its lazy user and its ResolverMatch alive with it."""
    leaky.get("/keep/request/")
    leaky.settle()
    assert one(leaky, "WSGIRequest").held_by == "tests.facts.site.HELD[0]"
    for name in ("SessionStore", "SimpleLazyObject", "ResolverMatch"):
        life = one(leaky, name)
        assert life.scope == "kept"
        assert life.held_by is not None
        assert life.held_by.startswith("tests.facts.site.HELD[0].")


def test_emptying_the_list_frees_the_requests(leaky: Recording) -> None:
    """Once the list is emptied its requests wait for a collection, and die."""
    leaky.get("/keep/request/")
    leaky.settle()
    HELD.clear()
    assert one(leaky, "WSGIRequest").died_at is None
    leaky.assert_nothing_kept()
    assert one(leaky, "WSGIRequest").freed == "collector"


def test_a_kept_response_is_closed_and_lives_on(leaky: Recording) -> None:
    """A response that is kept was closed all the same; its request is not kept with it."""
    leaky.get("/keep/response/")
    leaky.settle()
    response = one(leaky, "HttpResponse")
    assert leaky.request().ending == "closed"
    assert (response.scope, response.held_by) == ("kept", "tests.facts.site.HELD[0]")
    assert one(leaky, "WSGIRequest").freed == "collector"


def test_a_cached_method_keeps_its_view(leaky: Recording) -> None:
    """lru_cache on a method keeps every view object that called it, and its request too."""
    leaky.get("/remembering/")
    leaky.settle()
    view, request = one(leaky, "Remembering"), one(leaky, "WSGIRequest")
    assert (view.scope, request.scope) == ("kept", "kept")


def test_a_default_argument_keeps_what_is_put_into_it(leaky: Recording) -> None:
    """A mutable default argument lives as long as its function, and keeps what is put into it."""
    assert leaky.get("/collecting/").body == b"1"
    assert leaky.get("/collecting/").body == b"2"
    leaky.settle()
    assert [life.scope for life in born(leaky, "Ticket")] == ["kept", "kept"]
    assert "tests.facts.site.collecting" in str(born(leaky, "Ticket")[0].held_by)


def test_a_receiver_connected_for_good_keeps_its_object(leaky: Recording) -> None:
    """A signal that holds a receiver strongly keeps the object that the method belongs to."""
    leaky.get("/listen/")
    leaky.settle()
    listener = one(leaky, "Listener")
    assert listener.scope == "kept"
    assert str(listener.held_by).startswith("tests.facts.site.rang.receivers[0]")


def test_a_receiver_connected_weakly_keeps_nothing(leaky: Recording) -> None:
    """A signal that holds a receiver weakly, as it does by default, keeps nothing."""
    leaky.get("/listen/weakly/")
    leaky.assert_freed_with_response("Listener")
    leaky.assert_nothing_kept()


def test_a_queryset_of_a_module_answers_from_the_past(leaky: Recording, dishes: None) -> None:
    """A QuerySet in a module asks once, and answers all later requests from the past."""
    first = leaky.get("/stale/").body
    Dish.objects.all().delete()
    assert leaky.get("/stale/").body == first == b"Leek Lemon Plum"
    assert [names(request, stages.QUERY) for request in leaky.process.requests] == [
        ["SELECT cafe_dish"],
        [],
    ]
    leaky.settle()
    rows = [life for life in leaky.process.lifetimes if life.kind == "row" and life.built_in]
    assert {life.scope for life in rows} == {"kept"}


def test_a_log_record_keeps_its_request(leaky: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """A logged error carries its request: a handler that keeps records keeps requests."""
    logger, keeper = logging.getLogger("django.request"), logging.Handler()
    monkeypatch.setattr(keeper, "emit", HELD.append)
    monkeypatch.setattr(logger, "handlers", [keeper])
    monkeypatch.setattr(logger, "propagate", False)
    logging.disable(logging.NOTSET)
    leaky.get("/fail/500/")
    leaky.settle()
    request = one(leaky, "WSGIRequest")
    assert (request.scope, request.held_by) == ("kept", "tests.facts.site.HELD[0].request")
    HELD.clear()
    leaky.settle()
    assert one(leaky, "WSGIRequest").freed == "collector"


def test_what_middleware_keeps_on_self_is_kept(leaky: Recording, settings: Any) -> None:
    """What a middleware keeps on `self` lives until the next request takes its place."""
    settings.MIDDLEWARE = ["tests.facts.layers.Keeps"]
    leaky.get("/plain/")
    leaky.settle()
    assert one(leaky, "WSGIRequest").scope == "kept"
    leaky.get("/plain/")
    first, second = born(leaky, "WSGIRequest")
    assert first.freed == "response"
    assert second.freed is None
