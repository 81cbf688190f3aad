"""Lifetimes: who holds an object decides how long it lives, however requests are served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.facts.lasting_views import BUFFER
from tests.facts.reading import WAYS, Serve, born, on_thread, one, serving, thrice
from tests.facts.site import GATE, HELD
from tracer import Recording
from tracer.model import Process

SITE = "tests.facts.lasting_views"
Record = Callable[..., Recording]
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def made(warm: None, db: None, record: Record) -> Iterator[Recording]:
    """The small site, warm, in which what the views build is watched."""
    with record(watch=(f"{SITE}.Made",), settle=False) as recording:
        yield recording


def ask(serve: Serve, path: str, times: int = 8) -> None:
    """Asks for a page so often that each of two threads has served it four times."""
    for _ in range(times):
        serve(path)


# -- the process ----------------------------------------------------------------------------


@every_way
def test_a_singleton_in_a_module_lives_for_the_process(made: Recording, way: str) -> None:
    """What is built at its first use and held by a module lives for the process."""
    ask(serving(made, way), "/singleton/")
    made.settle()
    life = one(made, "Made")
    assert (life.scope, life.held_by, life.requests) == ("process", f"{SITE}.SINGLETON", 8)


@every_way
def test_a_pool_in_a_module_lives_for_the_process(made: Recording, way: str) -> None:
    """What a pool in a module lends to one request after another lives for the process."""
    ask(serving(made, way), "/lent/")
    made.settle()
    assert {life.scope for life in born(made, "Made")} == {"process"}
    assert {life.spot for life in born(made, "Made")} == {f"{SITE}.POOL.queue[*]"}


@pytest.mark.parametrize("path", ["/singleton/", "/lent/"])
def test_what_one_thread_alone_asks_for_is_shared_all_the_same(made: Recording, path: str) -> None:
    """That only one of two threads has asked for a page does not make what it built its own."""
    for _ in range(4):
        made.get(path, thread="first")
        made.get("/plain/", thread="second")
    made.settle()
    assert {(life.scope, life.threads) for life in born(made, "Made")} == {("process", 1)}


def test_templates_and_patterns_belong_to_no_thread(site: Recording) -> None:
    """Templates, their engine and URL patterns are shared, though one thread alone asks for one."""
    for _ in range(3):
        site.get("/page/", thread="first")
        site.get("/plain/", thread="second")
    site.settle()
    kinds = ("template", "engine", "resolver", "pattern")
    lives = [life for life in site.process.lifetimes if life.kind in kinds and life.built_in]
    assert {life.kind for life in lives} == set(kinds)
    assert {life.scope for life in lives} == {"process"}


@every_way
def test_what_an_import_built_lives_for_the_process(made: Recording, way: str) -> None:
    """What a module builds while a request imports it lives for the process."""
    ask(serving(made, way), "/imports/")
    # Known before anybody looks for what holds it.
    assert one(made, "Made").scope == "process"
    made.settle()
    life = one(made, "Made")
    assert (life.scope, life.by_import) == ("process", "tests.facts.imported_late")
    assert (life.built_in, life.held_by) == (1, "tests.facts.imported_late.MADE")


@pytest.mark.parametrize("kind", ["app", "model", "signal", "resolver", "pattern", "template"])
def test_nothing_that_django_builds_once_is_undecided(fresh: Process, kind: str) -> None:
    """Apps, models, signals, URL patterns and cached templates live for the process."""
    found = {life.scope for life in fresh.lifetimes if life.kind == kind}
    assert found == {"process"}


# -- the thread -----------------------------------------------------------------------------


@every_way
def test_what_a_thread_local_holds_lives_as_long_as_its_thread(made: Recording, way: str) -> None:
    """What lies in a thread-local lives as long as its thread, also where there is but one."""
    ask(serving(made, way), "/own-of-thread/")
    made.settle()
    lives = born(made, "Made")
    threads = {"one thread": 1, "two threads": 2}.get(way, 8)
    assert len(lives) == len({life.thread for life in lives}) == threads
    assert {life.scope for life in lives} == {"thread"}
    if threads == 8:
        assert {life.freed for life in lives} == {"thread"}
    else:
        assert {life.held_by for life in lives} == {f"{SITE}.LOCAL.own"}
        assert {life.held_thread for life in lives} == {life.thread for life in lives}


@every_way
def test_a_database_wrapper_lives_as_long_as_its_thread(files: Recording, way: str) -> None:
    """A DatabaseWrapper lives as long as the thread that uses it, also while that is idle."""
    ask(serving(files, way), "/ask/brief/", times=4)
    files.settle()
    lives = born(files, "DatabaseWrapper brief")
    assert {life.scope for life in lives} == {"thread"}
    assert len(lives) == {"one thread": 1, "two threads": 2}.get(way, 4)


# -- one at a time --------------------------------------------------------------------------


@every_way
def test_what_each_request_replaces_in_a_module_is_kept(made: Recording, way: str) -> None:
    """Of what each request leaves in a module's variable, the next visitor sees the newest."""
    ask(serving(made, way), "/newest/")
    made.settle()
    *replaced, newest = born(made, "Made")
    assert {(life.scope, life.one_at_a_time) for life in (*replaced, newest)} == {("kept", True)}
    assert (newest.held_by, newest.freed) == (f"{SITE}.NEWEST", None)
    assert {(life.freed, life.outlived_by) for life in replaced} == {("later", 1)}


@every_way
def test_the_request_on_a_middleware_s_self_is_kept(
    made: Recording, way: str, settings: Any
) -> None:
    """The request that a middleware keeps on `self` is there for the next visitor to see."""
    settings.MIDDLEWARE = ["tests.facts.layers.Keeps"]
    ask(serving(made, way), "/plain/")
    made.settle()
    lives = born(made, "ASGIRequest" if way == "ASGI" else "WSGIRequest")
    assert {(life.scope, life.one_at_a_time) for life in lives} == {("kept", True)}
    assert lives[-1].held_by == "tests.facts.layers.Keeps.latest"


@every_way
def test_what_each_request_replaces_in_a_thread_local_is_kept(made: Recording, way: str) -> None:
    """Of what each request leaves in a thread-local, the next one on its thread sees the newest."""
    ask(serving(made, way), "/newest-of-thread/")
    made.settle()
    lives = born(made, "Made")
    if way in WAYS[:2]:
        assert {(life.scope, life.one_at_a_time) for life in lives} == {("kept", True)}
        assert {life.spot for life in lives if life.spot} == {f"{SITE}.LOCAL.newest"}
    else:
        # Nobody comes after it on its thread.
        assert {(life.scope, life.freed) for life in lives} == {("thread", "thread")}


@pytest.mark.parametrize("way", WAYS[:2])
def test_a_context_variable_left_set_keeps_one_for_each_thread(made: Recording, way: str) -> None:
    """What a request leaves in a context variable is there for the next one on its thread."""
    ask(serving(made, way), "/in-context/")
    made.settle()
    lives = born(made, "Made")
    assert {(life.scope, life.one_at_a_time) for life in lives} == {("kept", True)}
    alive = [life for life in lives if life.died_at is None]
    assert len(alive) == WAYS.index(way) + 1
    assert {life.held_by for life in alive} == {f"context variable {SITE}.CONTEXT"}


def test_a_context_variable_ends_with_its_thread(made: Recording) -> None:
    """Where each request has a thread, what it leaves in a context variable ends with that."""
    ask(serving(made, "a thread for each request"), "/in-context/")
    made.settle()
    assert {(life.scope, life.freed) for life in born(made, "Made")} == {("thread", "thread")}


def test_under_asgi_a_context_variable_ends_with_its_request(made: Recording) -> None:
    """Under ASGI each request has a context of its own, and what it leaves there ends with it."""
    ask(serving(made, "ASGI"), "/in-context/")
    made.settle()
    assert {life.scope for life in born(made, "Made")} == {"request"}


# -- no alarm -------------------------------------------------------------------------------


@every_way
def test_a_page_asked_a_few_times_leaves_nothing_behind(site: Recording, way: str) -> None:
    """Pages that are correctly written keep nothing, though few have asked for them."""
    serve = serving(site, way)
    for path in ("/page/", "/form/", "/visit/", "/classy/", "/address/", "/nowhere/") * 3:
        serve(path)
    site.settle()
    unused = [life for life in site.process.lifetimes if life.is_held and life.requests == 1]
    assert "URLPattern" in {life.name.partition(" ")[0] for life in unused}
    assert [life for life in site.process.lifetimes if life.scope == "kept"] == []
    site.assert_nothing_kept()


@every_way
def test_a_memo_with_an_entry_for_each_page_is_no_leak(made: Recording, way: str) -> None:
    """What the first request for each page puts into a memo is there for those that follow."""
    serve = serving(made, way)
    for name in "abcdef":
        ask(serve, f"/memo/{name}/", times=2)
    made.settle()
    assert len(born(made, "Made")) == 6
    assert {(life.scope, life.spot) for life in born(made, "Made")} == {
        ("process", f"{SITE}.MEMO[*]")
    }


# -- how it ends ----------------------------------------------------------------------------


def test_what_a_later_request_lets_go_was_freed_later(made: Recording) -> None:
    """An object is freed with its response, or later, when another request lets it go."""
    made.get("/buffer/")
    made.get("/plain/")
    made.get("/let-go/")
    life = one(made, "Made")
    assert (life.freed, life.freed_in, life.outlived_by) == ("later", 3, 2)
    made.get("/buffer/")
    BUFFER.clear()
    assert [life.freed for life in born(made, "Made")] == ["later", "response"]
    assert [life.outlived_by for life in born(made, "Made")] == [2, 0]


def test_a_background_thread_outlives_its_request_by_some(files: Recording) -> None:
    """A background thread outlives its request by those that are served before it ends."""
    go = threading.Event()
    GATE["background"] = lambda: go.wait(timeout=120) and None
    files.get("/background/")
    thrice(files, "/plain/")
    files.settle()
    life = one(files, "thread worker")
    # It runs, and lives as long as it does so, whatever else holds it.
    assert (life.scope, life.root, life.outlived_by) == ("thread", "running", 3)
    go.set()
    HELD.pop().join(timeout=120)
    files.get("/plain/")
    files.settle()
    life = one(files, "thread worker")
    assert life.died_at is not None
    assert (life.freed, life.outlived_by) == ("later", 3)


# -- connections ----------------------------------------------------------------------------


def test_a_connection_open_after_its_request_is_no_request_s(files: Recording) -> None:
    """A connection that is open when its own request has closed belongs to its wrapper."""
    files.get("/ask/long/")
    assert one(files, "sqlite connection long").scope == "connection"
    files.settle()
    assert one(files, "sqlite connection long").scope == "connection"


def test_like_connections_have_like_scopes(files: Recording) -> None:
    """However many requests have used them, connections that stay open are alike."""
    for thread, times in (("first", 1), ("second", 2), ("third", 5)):
        for _ in range(times):
            files.get("/ask/long/", thread=thread)
    lives = born(files, "sqlite connection long")
    assert [life.requests for life in lives] == [1, 2, 5]
    assert {life.scope for life in lives} == {"connection"}


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_connection_of_a_thread_that_ended_is_left_to_the_collector(files: Recording) -> None:
    """A connection does not end with its thread: the collector ends it, and says so."""
    on_thread(lambda: files.get("/ask/long/"))
    files.get("/plain/")
    assert one(files, "sqlite connection long").freed is None
    files.settle()
    life = one(files, "sqlite connection long")
    assert (life.freed, life.scope) == ("collector", "connection")
