"""The database servers of the tests answer and count connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.services.postgresql import PostgreSQL
from tests.support.services.programs import program
from tests.support.services.redis_server import Redis


def test_postgresql_answers_and_counts_connections(postgresql: PostgreSQL) -> None:
    """It has no connection of an unused name."""
    assert postgresql.ask("SHOW listen_addresses") == [("",)]
    assert postgresql.connected("nobody") == []


def test_redis_answers_and_counts_connections(redis_server: Redis) -> None:
    """The connection that asks is not counted."""
    assert redis_server.wait_for_connections(0) == []
    assert redis_server.opened() > 0


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail), ("", pytest.skip)])
def test_a_missing_program_skips_a_test_and_fails_it_on_a_build_machine(
    ci: str, outcome: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no fact stays untested without notice."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome.Exception, match="frobnicator is not on this machine"):  # type: ignore[attr-defined]
        program("frobnicator", "frobnicator-bin", [Path("/usr/lib")])
