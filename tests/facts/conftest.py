"""Fixtures of the facts: a small site with its databases and caches, and a printed book."""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from cafe.models import Category, Dish
from django.core.cache import caches
from django.urls import get_resolver
from django.utils import timezone, translation

import tests.facts
from tests.facts import lasting_views
from tests.facts import site as site_module
from tests.facts.book import Book, first_line
from tests.facts.databases import added, aliases
from tests.facts.templates import engine
from tests.support.services.postgresql import PostgreSQL
from tests.support.services.redis_server import Redis
from tracer import Recording
from tracer.journal.decode import Decoder
from tracer.journal.encode import Encoder
from tracer.journal.reader import processes
from tracer.model import Process
from tracer.model.masking import Masking
from tracer.model.recorded import RecordedRequests
from tracer.pytest_plugin.fixture import Lifecycle
from tracer.recorder.recorder import Recorder

_book = Book()
_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a fact without a sentence."""
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    nameless = [
        item.nodeid
        for item in mine
        if isinstance(item, pytest.Function) and not first_line(item.function.__doc__)
    ]
    if nameless:
        raise pytest.UsageError(f"facts without a sentence: {', '.join(nameless)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Writes each outcome into the book."""
    report = yield
    if isinstance(item, pytest.Function):
        _book.note(item, report.outcome)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the list of facts proven at the end of the run."""
    proven, tried = _book.count()
    if not tried:
        return
    terminalreporter.section("Facts proven")
    for line in _book.lines():
        terminalreporter.write_line(line)
    terminalreporter.write_line("")
    terminalreporter.write_line(f"{proven} of {tried} facts about Django proven.", bold=True)


@pytest.fixture(autouse=True)
def _no_collections_and_logs() -> Iterator[None]:
    """The collector runs only where a fact runs it, and no log keeps a request alive."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.disable()
    yield
    gc.enable()
    logging.disable(before)


@pytest.fixture(autouse=True)
def _no_faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fact does not count as proven if the tracer had a fault meanwhile."""
    faults: list[str] = []
    monkeypatch.setattr(Recorder, "fault", lambda _, where, exc: faults.append(f"{where}: {exc!r}"))
    yield
    assert faults == []


@pytest.fixture(autouse=True)
def _read_from_a_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request goes through a journal's encoding, and comes back the same."""
    make = Masking.recorded
    files: dict[int, tuple[Encoder, Decoder]] = {}

    def recorded(self: Masking, *args: Any) -> list[RecordedRequests]:
        made = make(self, *args)
        encoder, decoder = files.setdefault(id(self), (Encoder(), Decoder()))
        lines = [line for each in made for line in encoder.encode(each).splitlines()]
        read = [fact for line in lines if (fact := decoder.decode(line)) is not None]
        assert read == made
        return cast("list[RecordedRequests]", read)

    monkeypatch.setattr(Masking, "recorded", recorded)


@pytest.fixture
def recording(db: None, lifecycle: Lifecycle) -> Iterator[Recording]:
    """A recording of the test's own requests, with the café's database."""
    with lifecycle.record() as made:
        yield made


@pytest.fixture
def record(lifecycle: Lifecycle) -> Callable[..., Recording]:
    """`with record(watch=[...]) as recording:` for facts that choose how to record."""
    return lifecycle.record


@pytest.fixture
def cold(settings: Any) -> None:
    """The book's own small site, cold: no resolvers, engines or caches are built yet.

    Those of earlier tests are freed by the collection with which a recording begins.
    """
    settings.ROOT_URLCONF = "tests.facts.urls"
    sys.modules.pop("tests.facts.urls", None)
    vars(tests.facts).pop("urls", None)
    settings.TEMPLATES = engine(cached=True)
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            # A new name for each test: by an address, a later test could find this one's values.
            "LOCATION": f"facts-{next(_numbers)}",
        }
    }


@pytest.fixture
def site(cold: None, recording: Recording) -> Recording:
    """A recording of the book's own small site."""
    return recording


@pytest.fixture
def warm(cold: None) -> None:
    """The same small site with its resolvers built, so that only views leave objects behind."""
    get_resolver()._populate()


@pytest.fixture
def layers(site: Recording, settings: Any) -> Callable[..., Recording]:
    """`layers("Outer", "Inner")`: the site under these middlewares of the book's own."""

    def under(*names: str) -> Recording:
        settings.MIDDLEWARE = [
            name if "." in name else f"tests.facts.layers.{name}" for name in names
        ]
        return site

    return under


@pytest.fixture
def files(
    cold: None, record: Callable[[], Recording], tmp_path: Path, django_db_blocker: Any
) -> Iterator[Recording]:
    """The small site with two databases in files: `brief` with CONN_MAX_AGE=0, `long` with 60.

    The tests' own databases are in memory, and SQLite never closes those.
    """
    entries = {
        alias: {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": tmp_path / f"{alias}.sqlite3",
            "CONN_MAX_AGE": age,
        }
        for alias, age in (("brief", 0), ("long", 60))
    }
    with added(entries), django_db_blocker.unblock(), record() as recording:
        yield recording


@pytest.fixture
def postgres(
    cold: None, record: Callable[[], Recording], postgresql: PostgreSQL, django_db_blocker: Any
) -> Iterator[Recording]:
    """The small site with PostgreSQL, in the four ways of `aliases`."""
    entries = aliases(postgresql)
    with django_db_blocker.unblock(), record() as recording, added(entries):
        yield recording
    gc.collect()
    for alias in entries:
        postgresql.wait_for_connections(alias, 0)


@pytest.fixture
def redis(site: Recording, redis_server: Redis, settings: Any) -> Iterator[Recording]:
    """The small site with its cache in Redis."""
    redis_server.ask("FLUSHALL")
    settings.CACHES = {"default": redis_server.settings()}
    yield site
    with contextlib.suppress(AttributeError):
        del caches["default"]
    gc.collect()
    redis_server.wait_for_connections(0)


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    """Removes what the site's views leave behind on purpose."""
    yield
    for left in site_module.HELD:
        if hasattr(left, "join"):
            left.join(timeout=120)
    site_module.HELD.clear()
    site_module.GATE.clear()
    site_module.Remembering.price.cache_clear()
    site_module.DISHES._result_cache = None  # type: ignore[attr-defined]
    site_module.collecting.__defaults__[0].clear()  # type: ignore[index]
    site_module.rang.receivers.clear()
    site_module.rang.sender_receivers_cache.clear()
    lasting_views.empty()
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture
def dishes(db: None) -> None:
    """Three dishes of two categories."""
    soup = Category.objects.create(name="Soups", slug="soups", position=1)
    cake = Category.objects.create(name="Cakes", slug="cakes", position=2)
    for name, category in (("Leek", soup), ("Lemon", cake), ("Plum", cake)):
        Dish.objects.create(name=name, slug=name.lower(), category=category, price=3)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Process:
    """A new process in which the café serves five requests."""
    root = Path(__file__).parents[2]
    home = tmp_path_factory.mktemp("fresh")
    journal = home / "journal"
    settled = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
        "CAFE_DATABASE": str(home / "cafe.sqlite3"),
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "demo_project")]),
        "TRACER_ENABLED": "1",
        "TRACER_CONSOLE": "0",
        "TRACER_JOURNAL": str(journal),
    }
    settled.pop("COVERAGE_PROCESS_START", None)
    paths = ["/hello/", "/hello/", "/hello/", "/tea/", "/tea/"]
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.facts.fresh", *paths],
        env=settled, cwd=home, check=True, timeout=180,
    )  # fmt: skip
    (process,) = processes(journal)
    assert {request.status for request in process.requests} == {200}
    return process
