"""A raw connection lives from its opening to its real end, also when it is lent out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from tests.facts.databases import added
from tests.facts.reading import on_thread
from tests.facts.site import GATE
from tests.support.client import Recording
from tests.support.reusing_backend.base import IDLE

pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture
def lent(
    settings: Any, tmp_path: Path, django_db_blocker: Any, record: Callable[[], Recording]
) -> Iterator[Recording]:
    """The facts' small site: `plain` closes its connections, `lent` keeps them for the next use."""
    settings.ROOT_URLCONF = "tests.facts.urls"
    settings.MIDDLEWARE = []
    entries = {
        "plain": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "plain.sqlite3"},
        "lent": {"ENGINE": "tests.support.reusing_backend", "NAME": tmp_path / "lent.sqlite3"},
    }
    with django_db_blocker.unblock(), added(entries), record() as recording:
        yield recording
    while IDLE:
        IDLE.pop().close()
    GATE.clear()


def test_a_connection_that_is_kept_open_has_not_ended(lent: Recording) -> None:
    """The wrapper's close() is no end if the raw connection says that it is open."""
    lent.get("/ask/lent/")
    lent.get("/ask/lent/")
    life = lent.lifetime_of("sqlite connection lent")
    assert (life.built_in, life.requests, life.freed) == (1, 2, None)
    assert life.scope == "connection"


def test_the_same_connection_is_recognised_on_another_thread(lent: Recording) -> None:
    """There is no second birth when another thread's wrapper gets it."""
    on_thread(lambda: lent.get("/ask/lent/"))
    on_thread(lambda: lent.get("/ask/lent/"))
    life = lent.lifetime_of("sqlite connection lent")
    assert (life.requests, life.threads, life.freed) == (2, 2, None)
    gc.collect()
    # The wrapper that opened it was its thread's, and is freed; the connection is not.
    owner = lent.settle().lifetime(life.owner)
    assert owner is not None
    assert (owner.scope, owner.freed) == ("thread", "collector")
    assert lent.lifetime_of("sqlite connection lent").freed is None


def test_its_real_end_is_recorded_once(lent: Recording) -> None:
    """The view closes the raw connection, and the wrapper finds it closed."""
    lent.get("/ask/lent/")
    GATE["close"] = lambda: (connections["lent"].ensure_connection(), _raw("lent").close())
    lent.get("/step/?close")
    lent.get("/ask/lent/")
    first, second = lent.lifetimes_of("sqlite connection lent")
    assert (first.freed, first.freed_in, first.requests) == ("owner", 2, 2)
    assert (second.built_in, second.freed) == (3, None)


def test_a_connection_that_is_dropped_unclosed_dies(lent: Recording) -> None:
    """Its weak reference records the death."""
    lent.get("/ask/lent/")
    IDLE.clear()
    gc.collect()
    life = lent.lifetime_of("sqlite connection lent")
    assert life.freed in ("response", "collector")
    assert life.died_at is not None


@pytest.mark.parametrize("alias", ["plain", "lent"])
def test_an_end_inside_a_transaction_is_an_end(lent: Recording, alias: str) -> None:
    """Django keeps the closed connection until the block is left."""

    def steps() -> None:
        with transaction.atomic(using=alias):
            connections[alias].ensure_connection()
            _raw(alias).close()
            connections[alias].close()

    GATE["steps"] = steps
    lent.get("/step/?steps")
    lent.get(f"/ask/{alias}/")
    first, second = lent.lifetimes_of(f"sqlite connection {alias}")
    assert (first.freed, first.freed_in) == ("response", 1)
    assert second.built_in == 2


def test_counts_of_many_connections_are_right(lent: Recording) -> None:
    """Requests that are reduced to counts count each connection once, open or closed."""
    for number in range(150):
        lent.get("/ask/lent/" if number % 3 else "/ask/plain/")
    lent.settle()
    rows = {row.cls: row for row in lent.process.ledger if row.kind == "connection"}
    plain, kept_open = rows["sqlite3.Connection"], rows["tests.support.reusing_backend.base.Raw"]
    # Connections to the tests' own databases that other tests have left open.
    before = [
        life for life in lent.lifetimes if life.kind == "connection" and life.phase == "before"
    ]
    assert (plain.built, plain.alive) == (50 + len(before), len(before))
    assert sum(plain.freed.values()) == 50
    assert (kept_open.built, kept_open.alive, kept_open.requests) == (1, 1, 100)
    assert len(lent.tracer.recorder.resources) <= 2 + len(before)


def _raw(alias: str) -> Any:
    return connections[alias].connection
