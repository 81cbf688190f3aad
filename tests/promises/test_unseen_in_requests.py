"""Who is blamed for what in a request is the same with the tracer and without it.

All callers are told of from wherever Django calls a project's code, as warnings and log records
count them. Tracebacks are read where projects read them: in logs, mails, hooks, and on the
debugging page.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import sys
import threading
import traceback
import warnings
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.http import StreamingHttpResponse

from tests.promises import shouting, shouting_layers
from tests.promises.comparing import Ask, Outcome, pairs
from tests.promises.shouting import PATHS
from tests.promises.shouting_layers import HEARD
from tests.support.client import Answer, Recording, environ, serve, serve_async
from tracer.probes.imports import Imports
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"], transaction=True),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning"),
]

FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
LAYERS = f"{shouting_layers.__name__}.Layer", f"{shouting_layers.__name__}.Layer"


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("tracer", "asyncio")):
            where = record.pathname, record.lineno, record.funcName
            HEARD.append((record.name, where, logging.Formatter().format(record)))
        # pytest keeps records; the request must not be kept with them, nor what it left open.
        record.exc_info = None
        vars(record).pop("request", None)


@pytest.fixture
def loud(settings: Any, db: None, monkeypatch: Any) -> Any:
    """The site that tells; returns the settings."""
    from cafe import sample

    sample.add_sample_data()
    settings.ROOT_URLCONF = shouting.__name__
    settings.MIDDLEWARE = LAYERS
    settings.CACHES = {"default": {"BACKEND": f"{shouting_layers.__name__}.Loud"}}
    settings.ADMINS = [("Ada", "ada@example.com")]
    monkeypatch.setattr(
        threading,
        "excepthook",
        lambda args: HEARD.append(traceback.format_exception(args.exc_value)),
    )
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    yield settings
    logging.getLogger().removeHandler(listener)
    request_started.disconnect(dispatch_uid="plain")


def _listening(path: str, is_async: bool) -> Ask:
    def ask(handler: Any) -> Answer:
        HEARD.clear()
        mail.outbox.clear()
        answer = Answer(0, "", (), b"")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # A record of it would keep alive what was left open.
            warnings.filterwarnings("ignore", category=ResourceWarning)
            try:
                if is_async:
                    answer = asyncio.run(serve_async(handler, path))
                else:
                    answer = serve(handler, environ(path))
            except (Exception, SystemExit):
                HEARD.append(traceback.format_exc())
        HEARD.append(
            [(w.filename, w.lineno) for w in caught if w.category in (Warning, UserWarning)]
        )
        HEARD.append([(each.subject, FRAME.findall(each.body)) for each in mail.outbox])
        HEARD.append(FRAME.findall(answer.body.decode()))
        # The same object has another address each time.
        told = re.sub(
            r"0x[0-9a-f]{6,}|ThreadPoolExecutor-\d+|Thread-\d+", "-", "\n".join(map(repr, HEARD))
        )
        return Answer(answer.status, answer.reason, (), told.encode())

    return ask


def _differences(found: dict[str, tuple[Outcome, Outcome]]) -> list[Any]:
    """The first thing in each request that is told in another way."""
    told = []
    for path, outcomes in found.items():
        bare, traced = (each.answer.body.splitlines() if each.answer else [] for each in outcomes)
        pairs = [pair for pair in zip_longest(bare, traced) if pair[0] != pair[1]]
        told += [(path, *pair) for pair in pairs[:1]]
    return told


@pytest.mark.parametrize("debug", [False, True], ids=["live", "debugging"])
@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_the_same_are_blamed_in_every_request(loud: Any, is_async: bool, debug: bool) -> None:
    """In each place from which a project can warn, log or fail."""
    loud.DEBUG = debug
    if debug:
        loud.DEFAULT_EXCEPTION_REPORTER = "django.views.debug.ExceptionReporter"
    handler = ASGIHandler if is_async else WSGIHandler
    found = pairs({path: _listening(path, is_async) for path in PATHS}, handler=handler)
    # What a request under ASGI leaves open must not be found in another test.
    gc.collect()
    assert _differences(found) == []
    told = b"".join(traced.answer.body for _, traced in found.values() if traced.answer)
    assert b"importlib_bootstrap" not in told
    for word in (b"'view'", b"template", b"cache get", b"parts", b"IntegrityError", b"receiver"):
        assert word in told


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("layer", ["failing_layer", "Hooked", "Refusing"])
def test_the_same_are_blamed_where_middleware_fails(loud: Any, layer: str, is_async: bool) -> None:
    """On its way out, before the view, and while it deals with another exception."""
    loud.MIDDLEWARE = [*LAYERS, f"{shouting_layers.__name__}.{layer}"]
    handler = ASGIHandler if is_async else WSGIHandler
    asks = {path: _listening(path, is_async) for path in ("/plain/word/", "/raising/")}
    found = pairs(asks, handler=handler)
    gc.collect()
    assert _differences(found) == []
    assert all(b"importlib_bootstrap" not in each.answer.body for _, each in found.values())


async def _parts() -> Any:
    yield b"one"


def _consumed(filters: Any) -> tuple[Any, ...]:
    """Iterate synchronously over an asynchronous body, and tell of the warning."""
    response = StreamingHttpResponse(_parts())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        filters()
        try:
            assert list(response) == [b"one"]
        except Warning as warning:
            return type(warning), [
                each.name for each in traceback.extract_tb(warning.__traceback__)
            ]
    return tuple((each.filename, each.lineno) for each in caught)


def test_a_filter_by_module_finds_who_reads_an_asynchronous_body_synchronously() -> None:
    """Django warns of the caller, which is the project's and not the tracer's."""

    def mine() -> None:
        warnings.filterwarnings("always", module=re.escape(__name__))

    def an_error() -> None:
        warnings.filterwarnings("error", module=re.escape(__name__))

    def others() -> None:
        warnings.filterwarnings("error", module="tracer")

    bare = [_consumed(filters) for filters in (mine, an_error, others)]
    with Recording():
        traced = [_consumed(filters) for filters in (mine, an_error, others)]
    assert traced == bare
    assert bare[0][0][0] == __file__
    assert bare[1][0] is Warning
    assert bare[2] == ()


@pytest.mark.parametrize("error", ["ImportError", "ValueError"])
def test_a_module_that_fails_while_it_is_watched_fails_with_the_same_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """Python takes its import system's frames out, and finds none of the tracer's between them."""
    (tmp_path / "half_baked.py").write_text(
        f"import warnings\nwarnings.warn('half', stacklevel=2)\nraise {error}('half')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def import_report() -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                import half_baked  # type: ignore[import-not-found]  # noqa: F401
            except (ImportError, ValueError):
                return traceback.format_exc(), [(w.filename, w.lineno) for w in caught]
        raise AssertionError

    bare = import_report()
    for staged in (False, True):
        watching, patches = Imports(Recorder()), Patches()
        watching.when("half_baked", lambda _module: None)
        if staged:
            watching.stages["half_baked"] = "urlconf"
        watching.install(patches)
        try:
            assert import_report() == bare
        finally:
            watching.uninstall()
            patches.restore()
    assert bare[1][0][0] == __file__
    assert sys.modules.get("half_baked") is None
