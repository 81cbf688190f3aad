"""Fixtures for all tests: a recording, and the proof that nothing stays patched."""

from __future__ import annotations

import functools
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.support.client import Recording
from tests.support.services.fixtures import postgresql, redis_server
from tracer import runtime
from tracer.runtime import overhead

__all__ = ["postgresql", "redis_server"]


def pytest_configure() -> None:
    """A script's background job ignores Ctrl-C and hands that down: tests send it to programs.

    pytest-xdist sets COLUMNS in its workers. Pictures would take that width instead of their own.
    """
    os.environ.pop("COLUMNS", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that workers that share the files end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def recording(db: None) -> Iterator[Recording]:
    """The tracer, recording quietly, with the café's database at hand."""
    with Recording() as made:
        yield made


@pytest.fixture
def record() -> Callable[..., Recording]:
    """`with record(watch=(...)) as recording:` for tests that choose how to record."""
    return Recording


TRACER = str(Path(tracer.__file__).parent)
LIBRARIES = (
    ("psycopg", "Connection"),
    ("psycopg_pool", "ConnectionPool"),
    ("redis.connection", "AbstractConnection"),
    ("redis.connection", "ConnectionPool"),
    ("redis.connection", "BlockingConnectionPool"),
    ("django.core.cache.backends.redis", "RedisCacheClient"),
)
"""Classes that are patched only where a project has loaded them."""


def _libraries() -> list[Any]:
    """Those of them that are loaded."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in LIBRARIES)
    return [owner for owner in found if owner is not None]


def _is_the_tracers(value: Any) -> bool:
    """Whether a function was written by the tracer."""
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename.startswith((TRACER, "<tracer "))


def _patchable() -> dict[str, Any]:
    """Every attribute of Django's that the tracer might replace, as it stands."""
    from django.core.handlers import asgi, base, exception, wsgi
    from django.core.signals import request_finished, request_started
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper
    from django.db.models.base import Model
    from django.dispatch import Signal
    from django.http import response
    from django.template.base import Template

    owners = (
        base, exception, base.BaseHandler, wsgi.WSGIHandler, wsgi.WSGIRequest, asgi.ASGIHandler,
        asgi.ASGIRequest, BaseDatabaseWrapper, CursorWrapper, Model, Signal, request_started,
        request_finished, response.HttpResponseBase, response.StreamingHttpResponse, Template,
    )  # fmt: skip
    return {
        f"{getattr(owner, '__name__', id(owner))}.{name}": value
        for owner in owners
        for name, value in vars(owner).items()
        if callable(value)
    }


@functools.cache
def _prices(measure: Callable[[], overhead.Prices] = overhead.measure) -> overhead.Prices:
    """What watching costs here, measured once: it takes each tracer a third of a second."""
    return measure()


@pytest.fixture(autouse=True)
def _prices_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only how they are measured is tested with prices of their own: see `tests/runtime`."""
    monkeypatch.setattr(overhead, "measure", _prices)


@pytest.fixture(autouse=True)
def _nothing_stays_patched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, Django is afterwards exactly as it was."""
    if request.config.getoption("--lifecycle"):
        # Under `pytest --lifecycle` a tracer watches the whole run.
        yield
        return
    before = _patchable()
    yield
    runtime.stop()
    after = _patchable()
    changed = [name for name in before if after.get(name) is not before[name]]
    assert not changed, f"still patched: {changed}"
    assert set(after) == set(before)
    ours = [v for owner in _libraries() for v in vars(owner).values() if _is_the_tracers(v)]
    assert ours == []
    assert [cb for cb in gc.callbacks if type(cb).__module__.startswith("tracer")] == []
    assert [f for f in sys.meta_path if type(f).__module__.startswith("tracer")] == []
