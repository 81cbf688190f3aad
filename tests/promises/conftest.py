"""The café, open and well stocked, and a tracer that must not complain of itself."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cafe import sample, surprises, views
from cafe_site import settings as cafe
from django.core.cache import cache
from django.utils import translation

from tracer import runtime
from tracer.conf import Config
from tracer.runtime import worker


@pytest.fixture
def no_faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The logger "tracer" must stay silent until the end of the test."""
    yield
    told = [record.getMessage() for record in caplog.records if record.name == "tracer"]
    assert told == []


@pytest.fixture
def site(settings: Any) -> Any:
    """The small site of the promises; returns the settings, to change them further."""
    settings.ROOT_URLCONF = "tests.promises.site"
    return settings


def _forget() -> None:
    cache.clear()
    views.RECENT.clear()
    views.LEFT_BEHIND.clear()
    surprises.VISITS = 0
    surprises.COOKED.clear()
    translation.deactivate()


def _put_off(request: Any) -> None:
    """Stands in for the slow cooker's work: another thread cannot see what a test has not saved."""


@pytest.fixture
def open_cafe(
    settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """The café with its own middleware and sample data. Call it to make it forget its guests."""
    monkeypatch.setattr(surprises, "_cook", _put_off)
    monkeypatch.setattr(surprises, "_cooking", threading.Semaphore(1000))
    settings.MIDDLEWARE = cafe.MIDDLEWARE
    settings.CACHES = cafe.CACHES
    sample.add_sample_data()
    _forget()
    yield _forget
    _forget()


@pytest.fixture
def drawn() -> io.StringIO:
    """Where pictures go."""
    return io.StringIO()


@pytest.fixture
def traced(site: Any, drawn: io.StringIO, tmp_path: Path) -> Iterator[runtime.Tracer]:
    """The tracer with a console and a journal."""
    config = Config(enabled=True, console=True, journal=tmp_path / "journal")
    yield runtime.start(config, drawn)
    runtime.stop()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A background thread that is merely slow is not taken for one whose terminal is stuck."""
    monkeypatch.setattr(worker, "SHUTDOWN_PATIENCE", 60.0)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at what was recorded but the test: the background thread waits for the end.

    Or it might have taken a request just before the test's own look, and draw it just after.
    """
    monkeypatch.setattr(worker, "POLL_INTERVAL", 3600.0)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the processes write."""
    return tmp_path / "traces"
