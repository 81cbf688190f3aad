"""What goes wrong in a project goes wrong in the same way: same answer, same exception."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import sys
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception, request_finished
from django.test import Client, override_settings

from tests.promises import layers
from tests.promises.comparing import Ask, assert_all_same, both, pairs
from tests.promises.site import RAISED
from tests.support.client import Answer, Recording, environ, serve, serve_async

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]

EXITS = ("exit", "interrupt")
PAGES = [
    *(f"/raise/{what}/" for what in RAISED if what not in EXITS),
    *(f"/raise/{what}/async/" for what in RAISED if what not in (*EXITS, "stop")),
    "/chained/",
    "/nothing/",
    "/nothing/async/",
    "/broken/template/",
    "/broken/query/",
    "/stream/half/",
    "/stubborn/",
    "/nowhere/",
]
LAYERS = (
    "failing_in",
    "failing_out",
    "returning_none",
    "none_at_all",
    "ViewHookFails",
    "TemplateHookReturnsNone",
    "ExceptionHookFails",
    "ExceptionHookAnswers",
)


def _get(path: str) -> Ask:
    return lambda handler: serve(handler, environ(path))


DEFAULT = "django.middleware.common.CommonMiddleware"


def test_a_view_that_fails_fails_the_same_way(site: Any) -> None:
    """Status, page, exception and its message under WSGI."""
    found = pairs({path: _get(path) for path in PAGES})
    assert_all_same(found)
    assert found["/stream/half/"][0].error == ("Unwell", "half way")
    assert found["/stubborn/"][0].error == ("Unwell", "while closing")


def test_a_test_client_is_raised_the_same_exceptions(site: Any) -> None:
    """Which keeps them from the view to the test."""

    def get(path: str) -> Ask:
        def ask(_handler: Any) -> Answer:
            response = Client().get(path)
            return Answer(response.status_code, "", tuple(response.items()), response.getvalue())

        return ask

    found = pairs({path: get(path) for path in PAGES})
    assert_all_same(found)
    assert found["/raise/boom/"][0].error == ("Unwell", "all of it")


@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning")
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@pytest.mark.django_db(databases=["default", "archive"], transaction=True)
def test_a_view_that_fails_fails_the_same_way_under_asgi(site: Any) -> None:
    """Sync and async views, as coroutines and on worker threads."""

    def get(path: str) -> Ask:
        return lambda handler: asyncio.run(serve_async(handler, path))

    # A synchronous iterator under ASGI would be a fault of its own, and no future may be told
    # StopIteration: asyncio would wait forever.
    paths = [path for path in PAGES if path not in ("/stream/half/", "/raise/stop/")]
    found = pairs(
        {path: get(path) for path in (*paths, "/stream/half/async/")}, handler=ASGIHandler
    )
    assert_all_same(found)
    assert found["/stream/half/async/"][0].error == ("Unwell", "half way")
    gc.collect()


def test_the_debugging_page_shows_the_frames_that_it_would_show_without_the_tracer(
    site: Any,
) -> None:
    """The tracer's wrappers stand in the way of an exception, and hide themselves."""
    site.DEBUG = True
    site.DEFAULT_EXCEPTION_REPORTER = "django.views.debug.ExceptionReporter"

    def page(path: str) -> Ask:
        def ask(handler: Any) -> Answer:
            answer = serve(handler, environ(path))
            # What a frame's variables are called stays; a wrapped function's own repr may not.
            frames = re.findall(rb'File "([^"]+)", line (\d+), in (\S+)', answer.body)
            names = re.findall(rb'<td>(\w+)</td>\s*<td class="code">', answer.body)
            return Answer(answer.status, answer.reason, (), repr((frames, names)).encode())

        return ask

    found = pairs({path: page(path) for path in PAGES})
    assert_all_same(found)
    answer = found["/raise/boom/"][1].answer
    assert answer is not None
    assert b"promises/site.py" in answer.body
    assert b"tracer/probes/" not in answer.body


@pytest.mark.parametrize("what", EXITS)
def test_what_is_not_for_django_to_catch_goes_all_the_way_up(site: Any, what: str) -> None:
    """SystemExit and KeyboardInterrupt leave the handler, and the tracer lets them."""

    def ask() -> str:
        try:
            serve(WSGIHandler(), environ(f"/raise/{what}/"))
        except BaseException as error:
            return f"{type(error).__name__} {error}"
        return "nothing"

    bare = ask()
    assert bare == ("SystemExit 3" if what == "exit" else "KeyboardInterrupt ")
    with Recording() as recording:
        assert ask() == bare
        request = recording.request()
        assert request.ending == "no response"
        assert recording.get("/plain/").status == 200


def test_a_middleware_that_fails_fails_the_same_way(site: Any) -> None:
    """Whether it raises, forgets its response or cannot be built at all; wherever it stands."""
    asks = {}
    for name in LAYERS:
        path = f"tests.promises.layers.{name}"
        for chain in ([path], [DEFAULT, path], [path, DEFAULT]):
            for page in ("/plain/", "/broken/template/", "/raise/boom/", "/raise/lost/"):
                asks[f"{chain} {page}"] = _by(chain, page)
    found = pairs(asks)
    assert_all_same(found)
    errors = {bare.error[0] for bare, _ in found.values() if bare.error}
    assert errors == {"AttributeError", "ImproperlyConfigured"}


def _by(chain: list[str], page: str) -> Ask:
    def ask(_handler: Any) -> Answer:
        with override_settings(MIDDLEWARE=chain):
            return serve(WSGIHandler(), environ(page))

    return ask


def test_a_layer_that_answers_an_exception_is_seen_to(site: Any) -> None:
    """So that the test above compares what it says it compares."""
    assert {name for name in LAYERS if hasattr(layers, name)} == set(LAYERS)
    site.MIDDLEWARE = ["tests.promises.layers.ExceptionHookAnswers"]
    bare, _ = both(lambda handler: serve(handler, environ("/raise/boom/")))
    assert bare.answer is not None
    assert (bare.answer.status, bare.answer.body) == (418, b"caught all of it")


def test_the_signals_of_an_exception_are_sent_as_often(site: Any) -> None:
    """A 500 tells `got_request_exception`, a 404 does not; each request is finished once."""
    heard: list[str] = []

    def failed(sender: Any, **named: Any) -> None:
        heard.append(f"failed {sys.exc_info()[0].__name__}")

    def finished(sender: Any, **named: Any) -> None:
        heard.append("finished")

    def hear() -> list[str]:
        heard.clear()
        handler = WSGIHandler()
        for path in ("/raise/boom/", "/raise/lost/", "/plain/", "/stubborn/"):
            try:
                serve(handler, environ(path))
            except Exception as error:
                heard.append(str(error))
        return list(heard)

    got_request_exception.connect(failed)
    request_finished.connect(finished)
    try:
        bare = hear()
        assert bare == ["failed Unwell", *["finished"] * 4, "while closing"]
        with Recording():
            assert hear() == bare
    finally:
        got_request_exception.disconnect(failed)
        request_finished.disconnect(finished)


def test_the_log_lines_of_django_are_the_same(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """ "Not Found: /…" and "Internal Server Error: /…", once each."""

    def lines() -> list[str]:
        caplog.clear()
        handler = WSGIHandler()
        for path in ("/nowhere/", "/raise/boom/", "/raise/suspicious/", "/raise/denied/"):
            serve(handler, environ(path))
        return [f"{each.name} {each.levelname} {each.getMessage()}" for each in caplog.records]

    with caplog.at_level(logging.DEBUG, "django"):
        bare = lines()
        assert len(bare) >= 4
        with Recording():
            assert lines() == bare
