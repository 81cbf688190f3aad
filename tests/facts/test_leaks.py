"""Leaks: what lives longer than its author thought, and what holds it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cafe import surprises, views
from cafe.models import Dish
from django.urls import get_resolver

from tests.facts.reading import born, names, thrice
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
    thrice(cafe, "/surprises/keeper/")
    cafe.get("/hello/")
    cafe.settle()
    *left, plain = born(cafe, "WSGIRequest")
    assert [(life.scope, life.held_by) for life in left] == [
        ("kept", f"cafe.views.RECENT[{index}]") for index in range(3)
    ]
    assert (plain.scope, plain.freed) == ("request", "collector")


def test_two_requests_may_each_have_filled_a_memo(cafe: Recording) -> None:
    """What only two requests have left in a module's list is the module's: a memo looks like it."""
    for _ in range(2):
        cafe.get("/surprises/keeper/")
    cafe.settle()
    assert {life.scope for life in born(cafe, "WSGIRequest")} == {"process"}
    cafe.get("/surprises/keeper/")
    cafe.settle()
    assert {life.scope for life in born(cafe, "WSGIRequest")} == {"kept"}


def test_any_object_can_be_left_behind(cafe: Recording) -> None:
    """An object of the project's own, left in a module's list, is kept like any other."""
    thrice(cafe, "/surprises/left-behind/")
    cafe.get("/hello/")
    cafe.settle()
    for index, basket in enumerate(born(cafe, "Basket")):
        assert (basket.scope, basket.built_in, basket.requests) == ("kept", index + 1, 1)
        assert basket.held_by == f"cafe.views.LEFT_BEHIND[{index}]"


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
    answers = [cafe.get("/surprises/counter/").body for _ in range(3)]
    assert len(set(answers)) == surprises.VISITS == 3
    cafe.assert_nothing_kept()
    cafe.assert_scope("WSGIRequest", "request")
    assert [request.imports for request in cafe.process.requests][1] == ()


def test_a_kept_request_keeps_what_it_reaches(leaky: Recording) -> None:
    """A kept request keeps its session, its lazy user and its ResolverMatch alive with it."""
    thrice(leaky, "/keep/request/")
    leaky.settle()
    assert born(leaky, "WSGIRequest")[0].held_by == "tests.facts.site.HELD[0]"
    for name in ("SessionStore", "SimpleLazyObject", "ResolverMatch"):
        for index, life in enumerate(born(leaky, name)):
            assert life.scope == "kept"
            assert str(life.held_by).startswith(f"tests.facts.site.HELD[{index}].")


def test_emptying_the_list_frees_the_requests(leaky: Recording) -> None:
    """Once the list is emptied its requests wait for a collection, and die."""
    thrice(leaky, "/keep/request/")
    with pytest.raises(AssertionError, match=r"tests\.facts\.site\.HELD\[0\]"):
        leaky.assert_nothing_kept()
    HELD.clear()
    assert {life.died_at for life in born(leaky, "WSGIRequest")} == {None}
    leaky.assert_nothing_kept()
    lives = born(leaky, "WSGIRequest")
    assert {life.freed for life in lives} == {"collector"}
    assert [life.outlived_by for life in lives] == [2, 1, 0]


def test_a_kept_response_is_closed_and_lives_on(leaky: Recording) -> None:
    """A response that is kept was closed all the same; its request is not kept with it."""
    thrice(leaky, "/keep/response/")
    leaky.settle()
    assert leaky.request().ending == "closed"
    for index, response in enumerate(born(leaky, "HttpResponse")):
        assert (response.scope, response.held_by) == ("kept", f"tests.facts.site.HELD[{index}]")
    assert {life.freed for life in born(leaky, "WSGIRequest")} == {"collector"}


def test_a_cached_method_keeps_its_view(leaky: Recording) -> None:
    """lru_cache on a method keeps every view object that called it, and its request too."""
    thrice(leaky, "/remembering/")
    leaky.settle()
    views_, requests = born(leaky, "Remembering"), born(leaky, "WSGIRequest")
    assert {life.scope for life in (*views_, *requests)} == {"kept"}
    held = "tests.facts.site.Remembering.price.<cache>.<key>"
    assert {str(life.held_by).partition("[")[0] for life in views_} == {held}
    assert {str(life.held_by).rpartition(".")[2] for life in requests} == {"request"}


def test_a_default_argument_keeps_what_is_put_into_it(leaky: Recording) -> None:
    """A mutable default argument lives as long as its function, and keeps what is put into it."""
    assert [answer.body for answer in thrice(leaky, "/collecting/")] == [b"1", b"2", b"3"]
    leaky.settle()
    assert [(life.scope, life.held_by) for life in born(leaky, "Ticket")] == [
        ("kept", f"tests.facts.site.collecting(seen=…)[{index}]") for index in range(3)
    ]


def test_a_receiver_connected_for_good_keeps_its_object(leaky: Recording) -> None:
    """A signal that holds a receiver strongly keeps the object that the method belongs to."""
    thrice(leaky, "/listen/")
    leaky.settle()
    for index, listener in enumerate(born(leaky, "Listener")):
        assert listener.scope == "kept"
        assert str(listener.held_by).startswith(f"tests.facts.site.rang.receivers[{index}]")


def test_a_receiver_connected_weakly_keeps_nothing(leaky: Recording) -> None:
    """A signal that holds a receiver weakly, as it does by default, keeps nothing."""
    thrice(leaky, "/listen/weakly/")
    leaky.assert_freed_with_response("Listener")
    leaky.assert_nothing_kept()


def test_a_queryset_of_a_module_answers_from_the_past(leaky: Recording, dishes: None) -> None:
    """A QuerySet in a module asks once, and answers all later requests from the past."""
    first = leaky.get("/stale/").body
    Dish.objects.all().delete()
    assert [answer.body for answer in thrice(leaky, "/stale/")] == [first] * 3
    assert first == b"Leek Lemon Plum"
    queries = [names(request, stages.QUERY) for request in leaky.process.requests]
    assert queries == [["SELECT cafe_dish"], [], [], []]
    leaky.settle()
    rows = [life for life in leaky.process.lifetimes if life.kind == "row" and life.built_in]
    # Built once, for the process: that is stale, and no leak. Of the rows, two are watched.
    assert [(life.scope, life.held_by) for life in rows] == [
        ("process", f"tests.facts.site.DISHES._result_cache[{index}]") for index in range(2)
    ]


def test_a_log_record_keeps_its_request(leaky: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """A logged error carries its request: a handler that keeps records keeps requests."""
    logger, keeper = logging.getLogger("django.request"), logging.Handler()
    monkeypatch.setattr(keeper, "emit", HELD.append)
    monkeypatch.setattr(logger, "handlers", [keeper])
    monkeypatch.setattr(logger, "propagate", False)
    logging.disable(logging.NOTSET)
    thrice(leaky, "/fail/500/")
    leaky.settle()
    for index, request in enumerate(born(leaky, "WSGIRequest")):
        assert (request.scope, request.held_by) == (
            "kept", f"tests.facts.site.HELD[{index}].request",
        )  # fmt: skip
    HELD.clear()
    leaky.settle()
    assert {life.freed for life in born(leaky, "WSGIRequest")} == {"collector"}


def test_what_middleware_keeps_on_self_is_kept(leaky: Recording, settings: Any) -> None:
    """What a middleware keeps on `self` lives until the next request takes its place."""
    settings.MIDDLEWARE = ["tests.facts.layers.Keeps"]
    thrice(leaky, "/plain/")
    leaky.settle()
    *replaced, newest = born(leaky, "WSGIRequest")
    assert {(life.scope, life.one_at_a_time) for life in (*replaced, newest)} == {("kept", True)}
    assert (newest.freed, newest.held_by) == (None, "tests.facts.layers.Keeps.latest")
    # Each while the next one was served.
    assert {(life.freed, life.freed_after, life.outlived_by) for life in replaced} == {
        ("later", 1, 1)
    }
