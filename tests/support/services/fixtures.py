"""Fixtures: a PostgreSQL and a Redis for the whole run, started when a test first uses them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.services.postgresql import PostgreSQL, cluster
from tests.support.services.programs import missing
from tests.support.services.redis_server import Redis, server


def _require(*modules: str) -> None:
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            missing(f"the Python module {module}", "none: install the extra [test]")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL cluster of this test run."""
    _require("psycopg", "psycopg_pool")
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis of this test run."""
    _require("redis")
    with server(tmp_path_factory.mktemp("redis")) as running:
        yield running
