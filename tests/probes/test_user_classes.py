"""Classes named in `TRACER["WATCH"]`, with instances that ran no watched `__init__`."""

from __future__ import annotations

import copy
import functools
import gc
import importlib
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.facts.site import GATE, HELD
from tests.support.client import Recording

Record = Callable[..., Recording]

SHOP = """
class Basket:
    def __init__(self):
        self.price = 3
    def total(self):
        return self.price
class Gift(Basket):
    def __init__(self):
        self.price = 0
class Untouchable(Basket):
    def __getattribute__(self, name):
        raise AssertionError(name)
    __eq__ = __hash__ = None
BASKET, GIFT = Basket(), Gift()
THERE = [Untouchable.__new__(Untouchable)]
"""


@pytest.fixture
def shop(
    db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A module of the project's own with a class, and instances of it beside the class."""
    settings.ROOT_URLCONF = "tests.facts.urls"
    settings.MIDDLEWARE = []
    (tmp_path / "watched_shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("watched_shop", None)
    GATE.clear()
    HELD.clear()


WATCH = ("watched_shop.Basket",)


def load() -> Any:
    """Imports the module, as a URLconf or an app would."""
    return importlib.import_module("watched_shop")


def use(recording: Recording, work: Callable[[], object]) -> None:
    """Does something in a request."""
    GATE["work"] = work
    recording.get("/step/?work")


def test_an_instance_made_while_its_module_was_loading_is_known(shop: None, record: Record) -> None:
    """It was built at boot, and calls of its methods are uses."""
    with record(watch=WATCH) as recording:
        module = load()
        use(recording, module.BASKET.total)
        use(recording, module.BASKET.total)
        recording.settle()
        life = recording.lifetime_of("Basket")
        assert (life.phase, life.built_in) == ("boot", None)
        assert (life.requests, life.scope) == (2, "process")
        assert recording.lifetime_of("Gift").phase == "boot"


def test_an_instance_made_by_a_request_that_imports_its_module_is_built_in_that_request(
    shop: None, record: Record
) -> None:
    """Like the resolvers, which the first request builds."""
    with record(watch=WATCH) as recording:
        use(recording, load)
        use(recording, lambda: load().BASKET.total())
        assert recording.lifetime_of("Basket").built_in == 1
        assert recording.lifetime_of("Basket").requests == 2


def test_an_instance_that_is_older_than_the_recording_was_built_before(
    shop: None, record: Record
) -> None:
    """Its module was loaded already when tracing began."""
    module = load()
    with record(watch=WATCH) as recording:
        use(recording, module.BASKET.total)
        life = recording.lifetime_of("Basket")
        assert (life.phase, life.requests) == ("before", 1)
        assert len(recording.lifetimes_of("Untouchable")) == 1


def test_a_class_that_another_module_defined_may_have_older_instances(
    shop: None, record: Record, tmp_path: Path
) -> None:
    """The setting names a module that only imports it, so their births were not seen."""
    (tmp_path / "watched_front.py").write_text("from watched_shop import Basket\n")
    module = load()
    with record(watch=("watched_front.Basket",)) as recording:
        importlib.import_module("watched_front")
        use(recording, module.BASKET.total)
        assert recording.lifetime_of("Basket").phase == "before"
    del sys.modules["watched_front"]


@pytest.mark.parametrize(
    "make", [copy.copy, lambda basket: pickle.loads(pickle.dumps(basket))], ids=["copy", "pickle"]
)
def test_an_instance_without_an_init_counts_as_built_at_its_first_use(
    shop: None, record: Record, make: Callable[[Any], Any]
) -> None:
    """A basket that comes out of a cache runs no `__init__`, and dies like any other."""
    with record(watch=WATCH) as recording:
        module = load()

        def fetch() -> None:
            basket = make(module.BASKET)
            assert (basket.total(), basket.total()) == (3, 3)

        use(recording, fetch)
        for _ in range(3):
            use(recording, lambda: HELD.append(make(module.BASKET)) or HELD[-1].total())
        recording.settle()
        first, *held = recording.lifetimes_of("Basket")[1:]
        assert (first.built_in, first.scope, first.freed) == (1, "request", "response")
        assert [(each.built_in, each.scope) for each in held] == [
            (number, "kept") for number in (2, 3, 4)
        ]


def test_an_object_beyond_the_limit_is_counted_once(shop: None, record: Record) -> None:
    """However often its methods are called."""
    with record(watch=WATCH) as recording:
        module = load()

        def many(calls: int) -> None:
            baskets = [module.Basket() for _ in range(1010)]
            for basket in baskets * calls:
                basket.total()

        for calls in (0, 0, 2):
            use(recording, functools.partial(many, calls))
        _, first, second = recording.requests
        assert first.uncounted > 10
        assert (second.uncounted, len(second.births)) == (first.uncounted, len(first.births))


def test_looking_for_instances_keeps_none_alive_and_calls_none_of_their_code(
    shop: None, record: Record
) -> None:
    """What the module deletes is freed at once."""
    with record(watch=WATCH) as recording:
        module = load()
        gone = weakref.ref(module.BASKET)
        gc.disable()
        try:
            del module.BASKET
            assert gone() is None
        finally:
            gc.enable()
        use(recording, module.GIFT.total)
        assert recording.lifetime_of("Basket").died_at is not None


def test_a_model_admin_that_the_admin_discovers_is_known(shop: None, record: Record) -> None:
    """It was built by `autodiscover`, beside its class."""
    with record(watch=("cafe.admin.DishAdmin",)) as recording:
        use(recording, lambda: None)
        life = recording.lifetime_of("DishAdmin")
        assert life.phase == "before"
