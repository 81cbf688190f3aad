"""The collector: what waits for it, and which collections free it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from tests.facts.reading import born, find, inside, one
from tests.facts.site import GATE
from tracer import Recording
from tracer.model import stages

Layers = Callable[..., Recording]


def test_requests_pile_up_until_the_collector_runs(site: Recording) -> None:
    """Requests pile up while the collector does not run; one collection frees them all."""
    for _ in range(5):
        site.get("/plain/")
    assert [life.freed for life in born(site, "WSGIRequest")] == [None] * 5
    assert len(site.process.fates[1].waiting) > 0
    site.settle()
    lives = born(site, "WSGIRequest")
    assert {life.freed for life in lives} == {"collector"}
    assert [life.freed_after for life in lives] == [4, 3, 2, 1, 0]
    assert len({life.died_at for life in lives}) == 1


def test_a_young_collection_frees_the_newest_request(site: Recording) -> None:
    """A collection of the youngest generation frees a request that no collection has seen."""
    site.get("/plain/")
    gc.collect(0)
    assert one(site, "WSGIRequest").freed == "collector"
    assert site.process.barriers == ()


def test_a_collection_during_a_request_makes_it_older(layers: Layers) -> None:
    """A collection during a request moves it to an older generation, and a young one misses it."""
    site = layers(
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    )
    site.get("/collect/0/")
    gc.collect(0)
    assert one(site, "WSGIRequest").freed is None
    gc.collect(1)
    assert one(site, "WSGIRequest").freed == "collector"


def test_a_collection_takes_its_time_from_the_request(site: Recording) -> None:
    """A collection that a view sets off runs inside the view, and the client waits for it."""
    site.get("/plain/")
    site.get("/collect/2/")
    request = site.request()
    collection = find(request, stages.COLLECTION)
    assert collection.name == "generation 2"
    assert inside(request, collection, find(request, stages.VIEW))
    freed = int(collection.detail.partition(" ")[0])
    assert freed > 0


def test_the_earlier_request_dies_inside_the_later_one(site: Recording) -> None:
    """A request that waited dies while a later one runs, if that is when the collector comes."""

    def collect_and_tell() -> None:
        gc.collect()
        # The death must be recorded alike whether it is reported before its request or after.
        site.tracer.handle_recorded()

    GATE["collect"] = collect_and_tell
    site.get("/plain/")
    site.get("/step/?collect")
    first, second = born(site, "WSGIRequest")
    assert (first.freed, first.freed_in, first.freed_after) == ("collector", 2, 1)
    assert second.freed is None


def test_a_collection_during_a_request_proves_nothing(site: Recording) -> None:
    """What survives a collection during its request may still be in use, and is not decided."""
    site.get("/plain/")
    site.get("/collect/2/")
    earlier, request = born(site, "WSGIRequest")
    assert (earlier.scope, earlier.freed) == ("request", "collector")
    assert (request.scope, request.survived) == ("undecided", False)
    site.settle()
    assert born(site, "WSGIRequest")[1].scope == "request"


@pytest.fixture
def thaw() -> Iterator[None]:
    """What a test has frozen may be collected again."""
    yield
    gc.unfreeze()


def test_a_frozen_request_is_never_collected(site: Recording, thaw: None) -> None:
    """gc.freeze() moves what waits for the collector to where the collector never looks."""
    site.get("/plain/")
    gc.freeze()
    site.settle()
    assert one(site, "WSGIRequest").died_at is None
    gc.unfreeze()
    site.settle()
    assert one(site, "WSGIRequest").freed == "collector"
