"""What is recorded is what happened, also where something is called in an unusual way."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpResponse

from tests.promises import site as views
from tests.support.client import Recording
from tracer.recorder import threads

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]


def during(work: Callable[[], Any], **choices: Any) -> Recording:
    """Do the work in a view, and return the recording of it, which is over."""

    def view() -> HttpResponse:
        work()
        return HttpResponse("done")

    views.answer = view
    try:
        with Recording(**choices) as recording:
            assert recording.get("/answer/").status == 200
            recording.process  # noqa: B018
    finally:
        views.answer = None
    return recording


def stages(recording: Recording, stage: str) -> list[tuple[str, str]]:
    """Name and detail of each stage of a kind."""
    history = recording.tracer.backlog.history
    (request,) = history.snapshot().requests
    return [(span.name, span.detail) for span in request.spans if span.stage == stage]


def test_a_cache_miss_is_one_however_its_default_is_passed(site: Any) -> None:
    """By place, by name, or not at all."""

    def look() -> None:
        cache.clear()
        assert cache.get("nothing") is None
        assert cache.get("nothing", 5) == 5
        assert cache.get("nothing", default=5) == 5
        assert cache.get(key="nothing", default=6) == 6
        cache.set("something", 7)
        assert cache.get("something", default=5) == 7

    found = [detail for name, detail in stages(during(look), "cache") if name == "get"]
    assert found == ["miss", "miss", "miss", "miss", "hit"]


def test_a_statement_that_is_passed_by_name_is_a_statement(site: Any) -> None:
    """Its text is not looked for in vain."""

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql="SELECT 1", params=None)

    assert [name for name, _ in stages(during(ask), "query")] == ["SQL"]


def test_a_thread_that_cannot_be_started_is_left_as_it_was(site: Any) -> None:
    """It is asked to start twice, which Python refuses."""
    tried: list[threading.Thread] = []

    def start_twice() -> None:
        thread = threading.Thread(target=str)
        tried.append(thread)
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="only be started once"):
            thread.start()

    during(start_twice)
    assert "_bootstrap_inner" not in vars(tried[0])


ASKED: list[str] = []


class Nameless(threading.Thread):
    """A thread that computes what it is called."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """Nobody's business."""
        ASKED.append("asked")
        return "computed"


def test_a_threads_name_is_that_which_it_was_given(site: Any) -> None:
    """It is read, not asked for: neither where the thread is started nor in it."""
    ASKED.clear()

    def ask() -> None:
        cache.get("in-the-thread")

    def start() -> None:
        thread = Nameless(target=ask)
        thread._name = "given"  # type: ignore[attr-defined]
        thread.start()
        thread.join()

    recording = during(start)
    assert stages(recording, "thread") == [("start given", "")]
    assert "given" in recording.tracer.backlog.history.snapshot().threads.values()
    assert ASKED == []


class Early(threading.Thread):
    """A thread in whose very first moment a collection comes."""

    def _set_ident(self) -> None:
        super()._set_ident()  # type: ignore[misc]
        gc.collect(0)


def test_a_thread_that_a_collection_meets_before_python_knows_it_has_its_name(site: Any) -> None:
    """The collection is its request's, and asks on which thread it is."""

    def start() -> None:
        thread = Early(target=str, name="early")
        thread.start()
        thread.join()

    recording = during(start)
    assert "generation 0" in [name for name, _ in stages(recording, "collection")]
    assert "early" in recording.tracer.backlog.history.snapshot().threads.values()
    assert threads.starting_names == {}


class Slotted:
    """Watched, and not weak-referenceable."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


class MoreSlotted(Slotted):
    """Its `__init__` calls its base's, which is watched as well."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(1)


def test_an_object_whose_class_and_base_are_watched_is_born_once(site: Any) -> None:
    """Even where nothing but its birth can be seen."""
    watch = (f"{__name__}.Slotted",)
    recording = during(lambda: (Slotted(1), MoreSlotted()), watch=watch)
    (request,) = recording.tracer.backlog.history.snapshot().requests
    born = [(birth.name, birth.mortal) for birth in request.births if birth.kind == "watched"]
    assert born == [("Slotted", False), ("MoreSlotted", False)]


class Meta(type):
    """A metaclass whose classes cannot be hashed."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


class Touchy(metaclass=Meta):
    """Watched."""


def test_a_class_that_cannot_be_hashed_can_be_watched(site: Any) -> None:
    """Classes are known by their address."""
    recording = during(Touchy, watch=(f"{__name__}.Touchy",))
    (request,) = recording.tracer.backlog.history.snapshot().requests
    assert [birth.name for birth in request.births if birth.kind == "watched"] == ["Touchy"]


def test_a_view_that_only_its_caller_holds_can_be_called(site: Any) -> None:
    """A handler of the project's own may make one up for a request and keep nothing of it."""
    answers = []

    def work() -> None:
        call = BaseHandler().make_view_atomic(lambda request: f"answer to {request}")
        answers.extend([call("one"), call("two")])

    during(work)
    assert answers == ["answer to one", "answer to two"]
