"""Searching for existing objects disturbs nothing, not even a tuple that another thread builds."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from tracer.heap import instances
from tracer.probes import preexisting
from tracer.recorder.recorder import Recorder


class Found:
    """A class whose instances are searched for."""


class Below(Found):
    """A subclass that refuses to be asked anything."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)


def test_the_objects_of_a_type_are_found_and_not_kept() -> None:
    """Objects of other types are left out, and no code of an object runs."""
    one, other = Found(), Below()
    gone = weakref.ref(one)
    alone = [id(each) for each in instances.instances_of({id(Found)})]
    both = {id(each) for each in instances.instances_of({id(Found), id(Below)})}
    assert (alone, both) == ([id(one)], {id(one), id(other)})
    del one
    assert gone() is None


@pytest.fixture
def fast_switching() -> Iterator[None]:
    """Threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_tuple_that_another_thread_builds_is_left_alone(fast_switching: None) -> None:
    """A reference to it would keep Python from finishing it."""
    over, wrong = threading.Event(), []

    def build() -> None:
        while not over.is_set():
            try:
                tuple(number for number in range(500))
            except SystemError as error:
                wrong.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    try:
        for _ in range(30):
            preexisting.find_preexisting(Recorder())
    finally:
        over.set()
        thread.join()
    assert wrong == []
