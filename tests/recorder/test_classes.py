"""Classes are recorded by numbers: each name has one, and no class is kept alive."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from tests.support.client import Recording
from tracer.probes.constructors import birth_recorder
from tracer.probes.garbage_collector import CollectionProbe
from tracer.recorder import plain_values
from tracer.recorder.classes import ClassNames, dotted_name
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current


def made(name: str = "Made") -> type:
    """Returns a class made while the program runs."""
    return type(name, (), {})


def test_classes_of_one_name_have_one_number_and_die_all_the_same() -> None:
    """Such as form classes that a page makes for each request."""
    classes = ClassNames()
    first = made()
    number, gone = classes.number(first), weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    assert classes.numbers == {}
    assert classes.number(made()) == number
    assert classes.names[number] == f"{__name__}.Made"


def test_another_class_at_the_address_of_one_that_died_has_its_own_name() -> None:
    """Addresses are used again at once."""
    classes, addresses = ClassNames(), set()
    for count in range(200):
        cls = made(f"Made{count}")
        addresses.add(id(cls))
        assert classes.names[classes.number(cls)] == f"{__name__}.Made{count}"
        del cls
        gc.collect(0)
    assert len(addresses) < 200, "or this would show nothing"


def test_a_site_that_makes_new_names_for_ever_does_not_fill_the_table() -> None:
    """Later classes share one name, which says so; earlier ones keep theirs."""
    classes = ClassNames(limit=10)
    kept = [made(f"Made{count}") for count in range(100)]
    names = [classes.names[classes.number(cls)] for cls in kept]
    assert names[:10] == [f"{__name__}.Made{count}" for count in range(10)]
    assert set(names[10:]) == {"any class beyond 10 names"}
    assert len(classes.names) == 11
    assert classes.names[classes.number(int)] == "any class beyond 10 names"
    assert classes.names[classes.number(made("Made3"))] == f"{__name__}.Made3"


def test_threads_that_meet_a_class_at_once_give_it_one_number() -> None:
    """Its name can be looked up as soon as a thread has the number."""
    classes = ClassNames()
    for count in range(50):
        cls, found, start = made(f"Made{count}"), [], threading.Barrier(4)

        def meet(cls: type = cls, found: list[Any] = found, start: Any = start) -> None:
            start.wait()
            number = classes.number(cls)
            found.append((number, classes.names[number]))

        threads = [threading.Thread(target=meet) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(found) == {(classes.number(cls), f"{__name__}.Made{count}")}


def test_no_code_of_a_class_runs_when_it_is_named() -> None:
    """A metaclass may compute what a class is called, and how it is compared."""

    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

        def __hash__(cls) -> int:
            raise AssertionError("hashed")

        def __eq__(cls, other: object) -> bool:
            raise AssertionError("compared")

    odd = Meta("Odd", (), {"__module__": "shop"})
    classes = ClassNames()
    assert classes.names[classes.number(odd)] == dotted_name(odd) == "shop.Odd"
    assert dotted_name(type("Nameless", (), {"__module__": None})) == "?.Nameless"


def test_a_memo_is_cleared_before_the_collector_runs() -> None:
    """Until then its class lives anyway: a class is part of a cycle of its own."""
    recorder = Recorder()
    collections, record_birth = CollectionProbe(recorder), birth_recorder(recorder, "thing")
    current.set(recorder.begin(("GET", "", "/", "")))
    collections.install()
    try:
        cls = made()
        record_birth(cls())
        gone = weakref.ref(cls)
        del cls
        assert gone() is not None
        gc.collect(0)
        assert gone() is None
        cls = made()
        record_birth(cls())
        record_birth(cls())
    finally:
        collections.uninstall()
        trace = current.get()
        current.set(None)
    assert trace is not None
    assert [recorder.classes.names[number] for number in trace.births[3::5]] == [
        f"{__name__}.Made"
    ] * 3
    gone = weakref.ref(cls)
    del cls
    gc.collect()
    assert gone() is None, "nor is it kept when the tracer has stopped"


class Text(str):
    """A string class of a project's own."""

    def __str__(self) -> str:
        raise AssertionError("asked")


class Count(int):
    """A number class of a project's own."""

    def __index__(self) -> int:
        raise AssertionError("asked")


def test_what_an_application_gives_is_recorded_as_plain_text_and_numbers() -> None:
    """An object of the application's own class would be kept alive by the recording."""
    for text in ("plain", Text("its own")):
        assert type(plain_values.text(text)) is str
    assert plain_values.text(Text("its own")) == "its own"
    assert plain_values.text(object()) == "object"
    for number in (200, Count(200)):
        assert type(plain_values.number(number)) is int
    assert [plain_values.number(each) for each in (Count(5), True, None, "200", 2.5)] == [
        5, 1, None, None, None,
    ]  # fmt: skip


def odd(request: HttpRequest) -> HttpResponse:
    """A page whose name is of a class of its own."""
    return HttpResponse("odd")


urlpatterns = [path("odd/", odd, name=Text("odd"))]


@override_settings(ROOT_URLCONF=__name__)
def test_what_resolving_found_is_recorded_as_plain_text(recording: Recording) -> None:
    """The name of a URL is too, which may be of any class."""
    recorder = recording.tracer.recorder
    recorder.on_finish = lambda: None
    assert recording.get("/odd/").status == 200
    (trace,) = recorder.finished
    assert trace.view == (f"{__name__}.odd", "odd/", "odd")
    assert [type(each) for each in trace.view] == [str, str, str]
