"""A walk finds what holds an object: which kind of root, and in which thread."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.heap.walking import Thing, find, larder, no_collection, path_of, walk
from tracer.heap.roots import CAN_READ_FRAMES
from tracer.recorder.threads import CurrentThread, ThreadNumbers

__all__ = ["larder", "no_collection"]
current_thing: contextvars.ContextVar[Any] = contextvars.ContextVar("unlike its global's name")


@contextmanager
def waiting_thread(begin: Callable[[], object], **options: Any) -> Iterator[None]:
    """A thread that has called a function and now waits, without a variable of its own."""
    ready, stop = threading.Event(), threading.Event()

    def run(*_args: object) -> None:
        begin()
        ready.set()
        stop.wait(120)

    thread = threading.Thread(target=run, **options)
    thread.start()
    options.clear()
    try:
        assert ready.wait(120)
        yield
    finally:
        stop.set()
        thread.join(120)


def numbers_of_threads() -> CurrentThread:
    """What the tracer numbers threads with."""
    return CurrentThread(lambda: 0, deque(), deque(), ThreadNumbers(lambda: 0, deque()))


def test_what_a_thread_keeps_for_itself_is_told_apart_by_thread(larder: Any) -> None:
    """The tracer's number of the thread is proven by what the thread's storages share."""
    larder.LOCAL, current = threading.local(), numbers_of_threads()
    held: list[Any] = []
    tokens = []

    def visit() -> None:
        larder.LOCAL.visitor = Thing()
        held.append(weakref.ref(larder.LOCAL.visitor))
        tokens.append(current.token)

    visit()
    with waiting_thread(visit), waiting_thread(visit):
        walked = walk({index: ref() for index, ref in enumerate(held)}, current=current)
    found = [walked.found[index] for index in range(3)]
    assert {each.path for each in found} == {"larder.LOCAL.visitor"}
    assert {each.root for each in found} == {"thread"}
    assert [each.thread for each in found] == tokens
    assert len(set(tokens)) == len({each.storage for each in found}) == 3


def test_a_thread_that_the_tracer_has_not_numbered_has_no_number(larder: Any) -> None:
    """Its storage tells it from others all the same."""
    larder.LOCAL = threading.local()
    held: list[Any] = []

    def visit() -> None:
        larder.LOCAL.visitor = Thing()
        held.extend((weakref.ref(larder.LOCAL.visitor), id(vars(larder.LOCAL))))

    with waiting_thread(visit):
        found = find(held[0](), current=numbers_of_threads())
    assert found is not None
    assert (found.thread, found.storage) == (0, held[1])


def test_a_module_comes_before_a_storage_and_a_storage_before_a_thread(larder: Any) -> None:
    """Also if the path from the module is longer."""
    larder.LOCAL = threading.local()
    larder.LOCAL.visitor = thing = Thing()
    refs = weakref.ref(thing)
    with waiting_thread(lambda: None, args=(larder.LOCAL, thing)):
        del thing
        assert path_of(refs()) == "larder.LOCAL.visitor"
        larder.a = {1: {2: {3: [refs()]}}}
        assert path_of(refs()) == "larder.a[1][2][3][0]"


def test_a_standing_object_is_a_root_if_no_module_leads_to_it() -> None:
    """A server may hold the handler in a variable of a running function alone."""
    standing = Thing()
    standing.request = Thing()
    refs = [weakref.ref(standing)]
    found = find(standing.request, standing=refs)
    assert found is not None
    assert (found.path, found.root) == (f"{__package__}.walking.Thing.request", "standing")


def test_what_an_exception_also_holds_is_told_by_its_other_holder(larder: Any) -> None:
    """A stored traceback refers to all that its functions worked with, such as a middleware."""
    middleware = Thing()

    def fail(at: Thing) -> None:
        raise ValueError(at)

    def called(middleware: Thing) -> None:
        fail(Thing())

    middleware.request = Thing()  # type: ignore[attr-defined]
    try:
        called(middleware)
    except ValueError as error:
        larder.error = error
    path = path_of(middleware.request, standing=[weakref.ref(middleware)])  # type: ignore[attr-defined]
    assert path == "tests.heap.walking.Thing.request"
    assert path_of(larder.error.args[0]) == "larder.error.args[0]"
    path = path_of(middleware.request)  # type: ignore[attr-defined]
    assert path is not None
    assert path.startswith("larder.error.__traceback__.tb_next.")
    larder.error = None


def test_to_stand_is_not_to_be_held(no_collection: None) -> None:
    """A standing object is no proof of itself."""

    def stand() -> tuple[Any, dict[int, Any]]:
        loop = Thing()
        loop.me = loop
        return weakref.ref(loop), {1: loop}

    ref, target = stand()
    assert walk(target, standing=[ref]).found == {}


def test_a_running_thread_holds_its_arguments() -> None:
    """The module `threading` does not."""
    thing = weakref.ref(target := Thing())
    with waiting_thread(lambda: None, name="slow-cooker", args=(target,)):
        del target
        found = find(thing())
    assert found is not None
    assert (found.path, found.root) == ('thread "slow-cooker"._args[0]', "running")


def test_a_running_thread_is_named_as_the_application_names_it(larder: Any) -> None:
    """Once it has ended, only the module holds it."""
    larder.worker = threading.Thread(target=threading.Event().wait, args=(0,))
    larder.worker.dish = Thing()
    larder.worker.start()
    larder.worker.join(120)
    found = find(larder.worker.dish)
    assert found is not None
    assert (found.path, found.root) == ("larder.worker.dish", "module")

    def keep() -> None:
        larder.worker = threading.current_thread()
        larder.worker.dish = Thing()

    with waiting_thread(keep):
        found = find(larder.worker.dish)
    assert found is not None
    assert (found.path, found.root) == ("larder.worker.dish", "running")


def test_the_context_of_a_thread_holds_what_its_variables_are_set_to() -> None:
    """No Python object refers to that context."""
    held = []

    def visit() -> None:
        current_thing.set(Thing())
        held.append(weakref.ref(current_thing.get()))

    with waiting_thread(visit):
        found = find(held[0]())
    assert found is not None
    assert (found.path, found.root) == (f"context variable {__name__}.current_thing", "context")
    assert found.storage


def test_a_context_that_only_garbage_holds_holds_nothing(no_collection: None) -> None:
    """It waits for the collector like what it holds."""

    def leave() -> weakref.ref[Thing]:
        thing = Thing()
        context = contextvars.copy_context()
        context.run(current_thing.set, thing)
        garbage = Thing()
        garbage.me, garbage.context = garbage, context
        return weakref.ref(thing)

    ref = leave()
    walked = walk({1: ref()})
    assert ref() is not None
    assert walked.found == {}


def test_a_context_in_a_module_is_named_by_its_path(larder: Any) -> None:
    """And its variable like a key."""
    larder.CONTEXT = contextvars.copy_context()
    thing = Thing()
    larder.CONTEXT.run(current_thing.set, [thing])
    found = find(thing)
    assert found is not None
    assert found.path == f"larder.CONTEXT[{__name__}.current_thing][0]"
    assert (found.root, found.storage) == ("context", id(larder.CONTEXT))


async def cook(thing: object) -> None:
    """A task's function, which waits for ever."""
    await asyncio.Event().wait()
    del thing


def test_a_task_holds_what_its_function_works_on(larder: Any) -> None:
    """Unless its request is still open: then it is not asked at all."""

    async def serve() -> None:
        larder.TASKS = {asyncio.create_task(cook(Thing()))}
        await asyncio.sleep(0)
        (task,) = larder.TASKS
        held = weakref.ref(task.get_coro().cr_frame.f_locals["thing"])
        found = find(held())
        assert found is not None
        assert found.root == "task"
        assert found.path == "larder.TASKS.<set>._coro.cr_frame.thing"
        assert walk({1: held()}, is_open=lambda context: True).found == {}
        task.cancel()

    asyncio.run(serve())


def test_an_event_loop_that_runs_holds_what_it_will_call(larder: Any) -> None:
    """As a callback that is due in an hour."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        thing = Thing()
        larder.loop = loop
        loop.call_later(3600, print, thing)
        found = find(thing)
        assert found is not None
        assert (found.path, found.root) == ("larder.loop._scheduled[0]._args[0]", "loop")

    asyncio.run(serve())


@pytest.mark.skipif(not CAN_READ_FRAMES, reason="Python 3.13 and later")
def test_the_variables_of_a_running_function_hold_too() -> None:
    """They come last: a module that holds the same object is the better answer."""
    ready, stop = threading.Event(), threading.Event()
    held = []

    def stew() -> None:
        dish = Thing()
        held.append(weakref.ref(dish))
        ready.set()
        stop.wait(120)
        assert dish is not None

    thread = threading.Thread(target=stew)
    thread.start()
    try:
        assert ready.wait(120)
        found = walk({1: held[0]()}).found[1]
    finally:
        stop.set()
        thread.join(120)
    function = "test_the_variables_of_a_running_function_hold_too.<locals>.stew"
    assert (found.path, found.root) == (f"<running {__name__}.{function}>.dish", "running")


AWAITING = """
import _asyncio, asyncio, gc, weakref
from tracer.heap.walk import Walk
class Thing: pass
_asyncio.thing = Thing()
async def wait():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await future
async def serve():
    await asyncio.gather(*[wait() for _ in range(10)])
    refs = {1: weakref.ref(_asyncio.thing)}
    for _ in range(2):
        found = Walk(refs, pause=lambda: None, give_up=lambda: False).run().found
    await asyncio.gather(*[wait() for _ in range(10)])
    gc.collect()
    print(found[1].path)
asyncio.run(serve())
"""


def test_what_a_module_in_c_has_freed_already_is_left_alone() -> None:
    """Under Python 3.12 the collector would go round in circles in `asyncio` for ever."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", AWAITING], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("_asyncio.thing\n", "")


FROZEN = """
import gc, sys, threading, types, weakref
from tracer.heap.walk import Walk
class Thing: pass
larder = sys.modules["larder"] = types.ModuleType("larder")
larder.SHELF = {1: [Thing()]}
larder.local = threading.local()
larder.local.thing = Thing()
gc.freeze()
larder.SHELF[1][0].late = Thing()
targets = [larder.SHELF[1][0], larder.SHELF[1][0].late, larder.local.thing]
refs = dict(enumerate(map(weakref.ref, targets)))
del targets
found = Walk(refs, pause=lambda: None, give_up=lambda: False).run().found
print(*[found[index].path for index in range(3)])
"""


def test_objects_that_were_frozen_are_reached() -> None:
    """As a server does with what it loads before it forks."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", FROZEN], capture_output=True, text=True, timeout=120
    )
    paths = "larder.SHELF[1][0] larder.SHELF[1][0].late larder.local.thing\n"
    assert (ran.stdout, ran.stderr) == (paths, "")
