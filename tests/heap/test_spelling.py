"""Each way in which Python holds an object has a name that a reader finds in the code."""

from __future__ import annotations

import collections
import functools
import queue
import types
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.heap.walking import Slotted, Thing, both, find, is_keyed, larder, path_of

__all__ = ["larder"]


def test_attributes_items_and_slots(larder: Any) -> None:
    """A spot names no item, but every attribute."""
    larder.RECENT = [Thing(), Thing()]
    larder.RECENT[1].session = Thing()
    larder.slotted = Slotted()
    larder.slotted.inner = Thing()
    assert both(larder.RECENT[1].session) == (
        "larder.RECENT[1].session",
        "larder.RECENT[*].session",
    )
    assert path_of(larder.slotted.inner) == "larder.slotted.inner"


def test_private_attributes_and_slots_are_spelled_as_python_keeps_them(larder: Any) -> None:
    """With the name of their class."""
    larder.slotted = Slotted()
    larder.slotted._Slotted__hidden = Thing()
    assert path_of(larder.slotted._Slotted__hidden) == "larder.slotted._Slotted__hidden"


def test_a_key_is_shown_if_it_is_no_data(larder: Any) -> None:
    """Numbers, classes and names of modules are none. Text may be secret."""
    larder.SEEN = {"canary": Thing(), 7: Thing(), Slotted: Thing(), "json": Thing(), (1,): Thing()}
    spelled = [both(value) for value in list(larder.SEEN.values())]
    slotted = f"larder.SEEN[{__package__}.walking.Slotted]"
    assert spelled == [
        ("larder.SEEN['…']", "larder.SEEN[*]"),
        ("larder.SEEN[7]", "larder.SEEN[*]"),
        (slotted, slotted),
        ("larder.SEEN['json']", "larder.SEEN['json']"),
        ("larder.SEEN[…]", "larder.SEEN[*]"),
    ]


def test_whether_a_key_that_is_data_leads_to_an_object(larder: Any) -> None:
    """A memo has such keys. What was put into a list is no entry, whatever holds the list."""
    memo = functools.cache(lambda number: [Thing()] if number else Thing())
    larder.memo = memo
    larder.SEEN = {7: Thing(), "a": (0, Thing()), "b": [Thing()], "c": {Thing()}}
    larder.SEEN[7].inner, larder.PAIRS = Thing(), [(0, Thing())]
    larder.kinds = {Slotted: Thing()}
    seen = larder.SEEN
    by_key = (seen[7], seen["a"][1], seen[7].inner, memo(0))
    others = (*seen["b"], *seen["c"], memo(1)[0], larder.PAIRS[0][1], larder.kinds[Slotted])
    assert [is_keyed(each) for each in (*by_key, *others)] == [True] * 4 + [False] * 5


def test_a_namespace_that_is_filled_with_data_shows_none_of_it(larder: Any) -> None:
    """Attributes that no code can spell are data."""
    larder.thing = Thing()
    vars(larder.thing)["canary key"] = Thing()
    assert path_of(vars(larder.thing)["canary key"]) == "larder.thing['…']"


def test_a_key_can_be_what_is_held(larder: Any) -> None:
    """As in a dictionary from requests to times."""
    thing = Thing()
    larder.SEEN = {thing: 1}
    assert path_of(thing) == "larder.SEEN.<key>"


def test_the_containers_of_the_standard_library(larder: Any) -> None:
    """Each item of a set is at the same spot."""
    larder.many = [Thing() for _ in range(6)]
    one, two, three, four, five, six = (weakref.ref(each) for each in larder.many)
    larder.deque = collections.deque([larder.many[0]])
    larder.set = {larder.many[1]}
    larder.ordered = collections.OrderedDict({3: larder.many[2]})
    larder.queue = queue.Queue()
    larder.queue.put(larder.many[3])
    larder.read_only = types.MappingProxyType({5: larder.many[4]})
    larder.tuple = (0, larder.many[5])
    del larder.many
    assert [both(ref()) for ref in (one, two, three, four, five, six)] == [
        ("larder.deque[0]", "larder.deque[*]"),
        ("larder.set.<set>", "larder.set[*]"),
        ("larder.ordered[3]", "larder.ordered[*]"),
        ("larder.queue.queue[0]", "larder.queue.queue[*]"),
        ("larder.read_only[5]", "larder.read_only[*]"),
        ("larder.tuple[1]", "larder.tuple[*]"),
    ]


def test_a_container_with_attributes_shows_them_as_attributes(larder: Any) -> None:
    """A subclass of `dict` or `list` can hold an object in two ways."""
    for base in (dict, list, set):
        larder.box = type("Box", (base,), {})()
        larder.box.owner = Thing()
        assert path_of(larder.box.owner) == "larder.box.owner"


def test_a_default_argument_is_named_by_function_and_parameter(larder: Any) -> None:
    """As in `def history(request, log=[])`."""

    def history(request: object, log: Any = [], *, more: Any = {}) -> None:  # noqa: B006
        raise NotImplementedError

    larder.history = history
    (log,), more = history.__defaults__, history.__kwdefaults__
    log.append(Thing())
    more["more"][1] = Thing()
    assert both(log[0]) == ("larder.history(log=…)[0]", "larder.history(log=…)[*]")
    assert path_of(more["more"][1]) == "larder.history(more=…)[1]"


def test_a_closure_is_named_by_its_variable(larder: Any) -> None:
    """As in a decorator that remembers."""

    def make() -> Callable[[], object]:
        seen = [Thing()]
        return lambda: seen

    larder.view = make()
    assert both(larder.view()[0]) == (
        "larder.view.<closure seen>[0]",
        "larder.view.<closure seen>[*]",
    )


def test_a_function_has_attributes_too(larder: Any) -> None:
    """As in `view.calls = []`."""

    def view() -> None:
        raise NotImplementedError

    larder.view = view
    view.calls = [Thing()]  # type: ignore[attr-defined]
    assert path_of(view.calls[0]) == "larder.view.calls[0]"  # type: ignore[attr-defined]


def test_a_class_attribute_is_named_by_the_class_that_has_it(larder: Any) -> None:
    """Also where the path comes through a subclass or an instance."""
    larder.Base = type("Base", (), {"shelf": [Thing()], "__module__": larder.__name__})
    larder.Sub = type("Sub", (larder.Base,), {})
    larder.item = larder.Sub()
    assert both(larder.Sub.shelf[0]) == ("larder.Base.shelf[0]", "larder.Base.shelf[*]")


def test_a_class_made_for_a_request_is_reached_through_what_holds_it(larder: Any) -> None:
    """Its dotted name leads to another class, or to none: it would hide the true holder."""
    made = type("Slotted", (), {"__module__": Slotted.__module__, "field": Thing()})
    larder.FORMS = [made()]
    del made
    assert path_of(type(larder.FORMS[0]).field) == "larder.FORMS[0].__class__.field"


def test_a_class_without_a_module_is_reached_through_what_holds_it(larder: Any) -> None:
    """As one that is made by code without a `__name__`."""
    made: dict[str, Any] = {}
    exec("base = type('Base', (), {})", made)
    base = made.pop("base")
    base.shelf = [Thing()]
    larder.Sub = type("Sub", (base,), {})
    del base
    assert path_of(larder.Sub.shelf[0]) == "larder.Sub.__base__.shelf[0]"


def test_methods_partials_and_properties(larder: Any) -> None:
    """Callables hold what they were made with."""
    larder.method = types.MethodType(lambda self: self, Thing())
    larder.append = [Thing()].append
    larder.partial = functools.partial(print, Thing(), file=Thing())
    larder.Shop = type("Shop", (), {"sold": property(functools.partial(print, Thing()))})
    assert path_of(larder.method.__self__) == "larder.method.__self__"
    assert path_of(larder.append.__self__[0]) == "larder.append.__self__[0]"
    assert path_of(larder.partial.args[0]) == "larder.partial.args[0]"
    assert path_of(larder.partial.keywords["file"]) == "larder.partial.keywords['file']"
    assert path_of(larder.Shop.sold.fget.args[0]) == "larder.Shop.sold.fget.args[0]"


@pytest.mark.parametrize("size", [None, 8], ids=["unbounded", "bounded"])
def test_what_a_cached_function_keeps(larder: Any, size: int | None) -> None:
    """Its results, and the arguments that it was called with."""

    class Rates:
        @functools.lru_cache(size)  # noqa: B019
        def rate(self) -> Thing:
            return Thing()

    larder.rate = vars(Rates)["rate"]
    rates = Rates()
    held = weakref.ref(larder.rate(rates))
    assert both(held()) == ("larder.rate.<cache>[…]", "larder.rate.<cache>[*]")
    assert path_of(rates) == "larder.rate.<cache>.<key>[0]"


def test_weak_dictionaries_hold_their_other_half(larder: Any) -> None:
    """And nothing of what they hold weakly."""
    larder.by_name = weakref.WeakValueDictionary()
    larder.about = weakref.WeakKeyDictionary()
    key = Thing()
    larder.about[key] = Thing()
    held = weakref.ref(larder.about[key])
    assert path_of(held()) == "larder.about.data[…]"

    def unheld() -> weakref.ref[Thing]:
        thing = Thing()
        larder.by_name["canary"] = thing
        return weakref.ref(thing)

    assert unheld()() is None


def wait_for(thing: object) -> Iterator[None]:
    """A generator that is never finished, with a variable that an inner function uses too."""
    inner = Thing()
    inner.thing = Thing()
    yield
    del thing
    yield (lambda: inner)()


def look_around(thing: object) -> Iterator[Any]:
    """A generator that uses its own variables as a dictionary."""
    yield locals()


async def wait_async(thing: object) -> AsyncIterator[None]:
    """The same for an asynchronous one."""
    yield


def test_the_variables_of_a_generator_that_was_never_finished(larder: Any) -> None:
    """They are named, and reading them leaves no copy behind."""
    thing = Thing()
    held = weakref.ref(thing)
    larder.waiting = wait_for(thing)
    del thing
    next(larder.waiting)
    assert path_of(held()) == "larder.waiting.gi_frame.thing"
    inner = next(larder.waiting)
    assert held() is None
    assert path_of(inner.thing) == "larder.waiting.gi_frame.inner.thing"


def test_the_dictionary_of_its_variables_that_a_generator_asked_for_is_left_alone(
    larder: Any,
) -> None:
    """Before Python 3.13 it is the one in which the variables are read."""
    larder.waiting = look_around([Thing()])
    around = next(larder.waiting)
    held = weakref.ref(around["thing"][0])
    assert str(path_of(held())).startswith("larder.waiting.")
    assert held() is around["thing"][0]


def test_a_coroutine_and_an_asynchronous_generator(larder: Any) -> None:
    """Suspended, they hold their variables."""
    thing = Thing()
    larder.waiting = wait_async(thing)
    step = larder.waiting.asend(None)
    with pytest.raises(StopIteration):
        step.send(None)
    assert path_of(thing) == "larder.waiting.ag_frame.thing"


def test_a_stored_traceback_holds_the_variables_of_its_functions(larder: Any) -> None:
    """And each exception what was handled when it was raised."""

    def fail(thing: object) -> None:
        try:
            raise ValueError(Thing())
        except ValueError:
            raise KeyError from None

    larder.thing = Thing()
    held = weakref.ref(larder.thing)
    try:
        fail(larder.thing)
    except KeyError as error:
        larder.last = error
    del larder.thing
    (argument,) = larder.last.__context__.args
    assert path_of(argument) == "larder.last.__context__.args[0]"
    larder.last.__context__ = None
    assert path_of(held()) == "larder.last.__traceback__.tb_next.tb_frame.thing"
    larder.last.__traceback__ = None
    assert held() is None


def test_two_objects_that_one_holds_have_each_their_own_path(larder: Any) -> None:
    """As the request and the response of an exception in a list."""
    larder.ERRORS = [ValueError()]
    error = larder.ERRORS[0]
    error.request, error.response = Thing(), Thing()
    assert path_of(error.request) == "larder.ERRORS[0].request"
    assert path_of(error.response) == "larder.ERRORS[0].response"


def test_a_long_chain_is_cut_and_still_found(larder: Any) -> None:
    """A linked list can be a million long."""
    larder.head = last = Thing()
    for _ in range(5_000):
        last.next = last = Thing()  # type: ignore[attr-defined]
    found = find(last)
    assert found is not None
    assert found.path.startswith("larder.head.next.next")
    assert found.path.endswith("…")
    assert len(found.path) < 1_000
