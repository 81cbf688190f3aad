"""To look is not to touch: no code of the project's runs because somebody watches."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.dispatch import Signal
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from django.utils.functional import SimpleLazyObject, empty, lazy

from tests.promises import layers, untouchable
from tests.promises import site as views
from tests.promises.comparing import assert_all_same, pairs
from tests.support.client import Recording, environ, serve

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]


class _Urls:
    urlpatterns = (
        path("page/", untouchable.Page.as_view()),
        path("keeper/", untouchable.Keeper.as_view()),
        path("answer/", views.answering),
    )


@pytest.fixture
def touchy(site: Any) -> Iterator[Any]:
    """A project all of whose classes refuse to be called by strangers."""
    site.ROOT_URLCONF = _Urls
    site.MIDDLEWARE = ["tests.promises.untouchable.Layer"]
    untouchable.TOUCHED.clear()
    yield site
    untouchable.KEPT.clear()
    views.answer = None
    assert untouchable.TOUCHED == []


WATCH = tuple(f"tests.promises.untouchable.{name}" for name in ("Thing", "Kept", "Row", "Layer"))


def test_views_middleware_models_and_watched_objects_are_never_called(touchy: Any) -> None:
    """Neither `__repr__` nor `__str__`, `__eq__`, `__hash__`, `__bool__`, `__len__`."""
    with Recording(watch=WATCH) as recording:
        for _ in range(3):
            assert recording.get("/page/").body == b"worked"
            assert recording.get("/keeper/").body == b"kept"
        process = recording.settle()
        kept = recording.lives("Kept", process)
        assert [life.scope for life in kept] == ["kept"] * 3
        assert {life.held_by for life in kept} == {
            f"tests.promises.untouchable.KEPT[{place}]" for place in range(3)
        }
        for name in ("Thing", "Page", "Row", "Layer"):
            assert recording.lives(name, process), name


def test_classes_that_cannot_be_hashed_are_passed_over(touchy: Any) -> None:
    """The look at what was built before tracing walks over every object there is."""
    assert any(obj is untouchable.STRICT for obj in gc.get_objects())
    with Recording() as recording:
        recording.get("/page/")
        assert {life.phase for life in recording.lives("app registry")} == {"before"}


def test_the_sender_and_the_receivers_of_a_signal_are_not_called(touchy: Any) -> None:
    """A sender may be any object; its class's name is all that is taken down."""
    signal = Signal()
    signal.connect(untouchable.receiver)
    sender = untouchable.Sender()

    def send() -> HttpResponse:
        signal.send(sender, more=untouchable.Thing())
        return HttpResponse("sent")

    views.answer = send
    with Recording() as recording:
        assert recording.get("/answer/").body == b"sent"
        sent = [span.detail for span in recording.spans("signal")]
        assert sent == ["from Sender · 1 receiver: receiver"]


def test_values_and_defaults_of_the_cache_are_not_compared(touchy: Any) -> None:
    """A hit is told from a miss by identity."""

    def use() -> HttpResponse:
        default = untouchable.Thing()
        assert cache.get("nothing", default) is default
        cache.set("list", [1])
        cache.get("list")
        return HttpResponse("used")

    views.answer = use
    with Recording() as recording:
        assert recording.get("/answer/").body == b"used"
        details = {span.name: span.detail for span in recording.spans("cache")}
        assert details["get"] == "hit"
    cache.clear()


class Shy(WSGIRequest):
    """A request that answers to nothing that Django itself would not ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"request.{name} was asked for")

    @property
    def user(self) -> Any:
        """Somebody's own idea of a user."""
        raise AssertionError("request.user was asked for")

    @property
    def session(self) -> Any:
        """Somebody's own idea of a session."""
        raise AssertionError("request.session was asked for")


class ShyHandler(WSGIHandler):
    """A handler with requests of its own."""

    request_class = Shy


def test_a_request_that_answers_to_nothing_is_not_asked(site: Any) -> None:
    """Raising properties, and a `__getattr__` that raises something unexpected."""
    site.MIDDLEWARE = []
    asks = {"plain": lambda handler: serve(handler, environ("/answer/"))}

    # Django asks for request.urlconf by hasattr, which lets AssertionError through.
    def shy() -> Any:
        handler = ShyHandler()
        return handler

    views.answer = lambda: HttpResponse("fine")
    Shy.urlconf = None  # type: ignore[attr-defined]
    assert_all_same(pairs(asks, handler=shy))
    bare, traced = pairs(asks, handler=shy)["plain"]
    assert bare.answer is not None
    assert traced.answer is not None
    assert traced.answer.status == bare.answer.status == 200


def test_the_user_and_the_session_of_a_page_that_uses_neither_stay_unread(site: Any) -> None:
    """No query, no Vary: Cookie, and the lazy user is as lazy as before."""
    seen: list[Any] = []

    def look(get_response: Any) -> Any:
        def layer(request: Any) -> Any:
            response = get_response(request)
            seen.append((request.user, request.session))
            return response

        return layer

    layers.look = look  # type: ignore[attr-defined]
    site.MIDDLEWARE = [*site.MIDDLEWARE, "tests.promises.layers.look"]
    try:
        with Recording() as recording:
            answer = serve(
                recording.handler, environ("/plain/", headers={"Cookie": "sessionid=" + "a" * 32})
            )
            recording.settle()
            assert "query" not in {span.stage for span in recording.request().spans}
    finally:
        del layers.look  # type: ignore[attr-defined]
    assert "Vary" not in dict(answer.headers)
    ((user, session),) = seen
    assert vars(user)["_wrapped"] is empty
    assert not session.accessed
    assert not session.modified


def test_lazy_objects_are_not_evaluated(site: Any) -> None:
    """Their birth is all that is noted."""
    made: list[Any] = []

    def never() -> Any:
        raise AssertionError("a lazy object was evaluated")

    def build() -> HttpResponse:
        made.append(SimpleLazyObject(never))
        return HttpResponse("lazy")

    views.answer = build
    with Recording() as recording:
        for _ in range(3):
            recording.get("/answer/")
        recording.settle()
        lives = [x for x in recording.lives("lazy object") if "test_lazy" in x.name]
        assert [life.scope for life in lives] == ["kept"] * 3
    assert {vars(each)["_wrapped"] is empty for each in made} == {True}


def test_a_translated_address_is_not_translated_for_its_name(site: Any) -> None:
    """A URL pattern may hold a lazy text; it is Django's alone to evaluate."""
    asked: list[str] = []

    def translate() -> str:
        asked.append("translated")
        return "lazy/"

    def build() -> int:
        asked.clear()
        path(lazy(translate, str)(), views.plain)
        return len(asked)

    bare = build()
    with Recording():
        assert build() == bare


def test_an_async_request_is_not_asked_either(site: Any) -> None:
    """The lazy user of an ASGI request, too."""
    with Recording() as recording:
        (answer,) = recording.agets("/plain/async/")
        assert answer.status == 200
        assert "query" not in {span.stage for span in recording.request().spans}


def test_watching_a_class_changes_nothing_about_building_it(touchy: Any) -> None:
    """With `__new__` and arguments, with none of its own, and with wrong ones."""
    names = ("Named", "Bare", "Slots", "Numbers")
    watch = tuple(f"{__name__}.{name}" for name in names)

    def build() -> list[str]:
        told = []
        for make in (
            lambda: Named(2, "b"),
            lambda: Bare(),
            lambda: Bare(1),  # type: ignore[call-arg]
            lambda: Slots(1),
            lambda: Slots(),  # type: ignore[call-arg]
            lambda: Numbers([1, 2]),
            lambda: Numbers(1, 2, 3),  # type: ignore[call-overload]
        ):
            try:
                told.append(type(make()).__name__)
            except TypeError as error:
                told.append(str(error))
        return told

    bare = build()
    assert bare[0] == "Named"
    with Recording(watch=watch):
        assert build() == bare


class Named(tuple):  # type: ignore[type-arg]
    """Built by `__new__` alone, as named tuples are."""

    def __new__(cls, number: int, name: str) -> Named:
        return super().__new__(cls, (number, name))


class Bare:
    """Has neither `__new__` nor `__init__`."""


class Slots:
    """Cannot be weakly referenced."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Numbers(list):  # type: ignore[type-arg]
    """Inherits the `__init__` of a built-in type."""


def test_a_request_made_by_hand_is_nobodys(site: Any) -> None:
    """Objects built outside of requests are noted as such, and nothing more."""
    with Recording() as recording:
        request = RequestFactory().get("/plain/")
        response = asyncio.run(views.plain_async(request))
        assert response.content == b"A short text."
        recording.get("/plain/")
        assert len(recording.process.requests) == 1
