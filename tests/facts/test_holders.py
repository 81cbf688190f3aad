"""Holders: what keeps an object is named as the code spells it, and each place by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.facts.reading import born, one, thrice
from tracer import Recording
from tracer.render.formats.terminal import as_text
from tracer.render.pictures.leftovers import by_holder

SITE = "tests.facts.lasting_views"
Record = Callable[..., Recording]


@pytest.fixture
def made(warm: None, db: None, record: Record) -> Iterator[Recording]:
    """The small site, warm, in which what the views build is watched."""
    with record(watch=(f"{SITE}.Made",), settle=False) as recording:
        yield recording


def test_each_holder_is_named_though_others_hold_more(made: Recording) -> None:
    """Twenty objects in a buffer do not hide the five that a class holds."""
    for _ in range(20):
        made.get("/buffer/")
    for _ in range(5):
        made.get("/shelf/")
    made.settle()
    found = by_holder(made.process)
    assert {spot: len(lives) for spot, lives in found.items()} == {
        f"{SITE}.BUFFER[*]": 20,
        f"{SITE}.Shelf.things[*]": 5,
    }
    picture = as_text(made.lifelines(), width=200)
    assert f"{SITE}.BUFFER[…]" in picture
    assert f"{SITE}.Shelf.things[…]" in picture


def test_a_class_attribute_belongs_to_the_class_that_has_it(made: Recording) -> None:
    """A list on a base class that a subclass appends to is named after the base class."""
    thrice(made, "/shelf/")
    made.settle()
    assert [life.held_by for life in born(made, "Made")] == [
        f"{SITE}.Shelf.things[{index}]" for index in range(3)
    ]


def test_a_thread_local_is_named_with_its_thread(made: Recording) -> None:
    """The path names the thread-local, and the lifetime names the thread."""
    for name in ("first", "second"):
        made.get("/own-of-thread/", thread=name)
    made.settle()
    process = made.process
    told = [(life.held_by, process.threads[life.held_thread]) for life in born(made, "Made")]
    assert told == [(f"{SITE}.LOCAL.own", "first"), (f"{SITE}.LOCAL.own", "second")]


def test_a_key_that_is_a_class_is_shown(made: Recording) -> None:
    """A model is a key that tells nothing of a visitor: it is shown."""
    for _ in range(3):
        made.get("/admin/")
        made.settle()
    *replaced, newest = born(made, "WSGIRequest")
    assert newest.held_by == f"{SITE}.REGISTRY[cafe.models.Dish].request"
    assert {(life.scope, life.one_at_a_time) for life in (*replaced, newest)} == {("kept", True)}
    # Nobody saw who let them go: walks have seen that the newest one was there each time.
    assert {life.freed for life in replaced} == {"collector"}


def test_an_exception_in_a_list_keeps_request_and_response(made: Recording) -> None:
    """A kept exception keeps the variables of the functions that it went through."""
    thrice(made, "/caught/")
    made.settle()
    for name, variable in (("WSGIRequest", "request"), ("HttpResponse", "response")):
        for index, life in enumerate(born(made, name)):
            frame = f"{SITE}.ERRORS[{index}].__traceback__.tb_frame"
            assert (life.scope, life.held_by) == ("kept", f"{frame}.{variable}")


def test_a_generator_that_never_ends_keeps_its_variables(made: Recording) -> None:
    """A kept generator that was never finished keeps its variables."""
    thrice(made, "/unfinished/")
    made.settle()
    assert [(life.scope, life.held_by) for life in born(made, "Made")] == [
        ("kept", f"{SITE}.UNFINISHED[{index}].gi_frame.made") for index in range(3)
    ]


def test_what_an_attribute_holds_is_kept_with_its_holder(made: Recording) -> None:
    """What hangs on a kept request is kept with it, and told in one place."""
    for _ in range(3):
        made.get("/admin/")
        made.settle()
    (spot,) = by_holder(made.process)
    assert spot == f"{SITE}.REGISTRY[cafe.models.Dish].request"
    match = [life for life in born(made, "ResolverMatch") if life.died_at is None]
    assert [life.held_by for life in match] == [f"{spot}.resolver_match"]


def test_where_nobody_has_looked_no_holder_is_told(made: Recording) -> None:
    """Until a walk has looked, nothing is said of what holds an object."""
    thrice(made, "/buffer/")
    assert {(life.scope, life.held_by) for life in born(made, "Made")} == {("undecided", None)}
    assert made.process.walks == 0
    made.settle()
    assert {life.scope for life in born(made, "Made")} == {"kept"}
    assert one(made, "WSGIHandler").scope == "process"
