"""Single patches are taken back, whatever became of the class meanwhile."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from tests.promises.state import changes, patchable
from tests.promises.test_restore import WATCHED, Basket
from tracer.probes.install import Installation
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


def test_a_class_that_cannot_be_patched_keeps_nothing_from_being_restored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Built-in classes refuse. That is one line in the log; all others are watched and restored."""
    before = patchable()
    installation = Installation(Recorder(), ["decimal.Decimal", WATCHED])
    own = dict(vars(Basket))
    installation.install()
    assert vars(Basket)["fill"] is not own["fill"]
    installation.uninstall()
    assert changes(before, patchable()) == []
    assert dict(vars(Basket)) == own
    assert ["watch" in record.getMessage() for record in caplog.records] == [True]


def test_an_attribute_that_somebody_else_took_away_keeps_nothing_from_being_restored() -> None:
    """The rest of the stack is restored all the same."""

    class Owner:
        def first(self) -> str:
            return "first"

    original = Owner.first
    patches = Patches()
    patches.replace(Owner, "first", lambda self: "patched")
    patches.replace(Owner, "second", lambda self: "added")
    del Owner.second  # type: ignore[attr-defined]
    patches.restore()
    assert vars(Owner)["first"] is original
    assert "second" not in vars(Owner)


def test_static_and_class_methods_come_back_as_they_were() -> None:
    """It is the descriptor that is given back, not what it makes of itself."""

    class Owner:
        @staticmethod
        def still() -> str:
            return "still"

        @classmethod
        def named(cls) -> str:
            return cls.__name__

    own = dict(vars(Owner))
    patches = Patches()
    patches.replace(Owner, "still", staticmethod(lambda: "moved"))
    patches.replace(Owner, "named", classmethod(lambda cls: "renamed"))
    assert (Owner.still(), Owner.named()) == ("moved", "renamed")
    patches.restore()
    assert dict(vars(Owner)) == own


def test_a_class_that_was_patched_dies_as_if_it_had_not_been() -> None:
    """Such as a subclass that a request made: neither it nor its method is held."""
    patches = Patches()
    kept: list[weakref.ref[Any]] = []
    for _ in range(3):

        class Owner:
            def first(self) -> str:
                return __class__.__name__  # type: ignore[name-defined, no-any-return]

        patches.wrap(Owner, "first", lambda call: lambda self: call(self).upper())
        patches.replace(Owner, "second", lambda self: "added")
        assert Owner().first() == "OWNER"
        kept.append(weakref.ref(Owner))
    assert len(patches) == 6
    assert [(name, owner) for owner, name, _ in patches][-1] == ("second", Owner)
    original = vars(Owner)["first"].__wrapped__
    gc.collect()
    assert [alive() for alive in kept] == [None, None, Owner]
    assert len(patches) == 2
    patches.restore()
    assert vars(Owner)["first"] is original
    assert "second" not in vars(Owner)


def test_what_somebody_else_has_put_in_place_of_a_patch_stays() -> None:
    """Ours is gone then, and the original with it."""

    class Owner:
        def first(self) -> str:
            return "first"

    patches = Patches()
    patches.wrap(Owner, "first", lambda call: lambda self: "patched")
    Owner.first = other = lambda self: "theirs"  # type: ignore[method-assign, assignment]
    patches.restore()
    assert vars(Owner)["first"] is other
