"""The servers that the facts are proven against."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.services.postgresql import PostgreSQL
from tests.support.services.programs import program
from tests.support.services.redis_server import Redis


def test_postgresql_answers_and_counts_connections(postgresql: PostgreSQL) -> None:
    """It is asked past Django, and knows nobody yet by the name it is asked for."""
    assert postgresql.ask("SHOW listen_addresses") == [("",)]
    assert postgresql.connected("nobody") == []


def test_redis_answers_and_counts_connections(redis_server: Redis) -> None:
    """It is asked past redis-py; the connection that asks is left out."""
    assert redis_server.comes_to(0) == []
    assert redis_server.opened() > 0


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail), ("", pytest.skip)])
def test_what_is_missing_is_skipped_by_name_and_fails_on_a_build_machine(
    ci: str, outcome: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no fact goes unproven without anybody's notice."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome.Exception, match="frobnicator is not on this machine"):  # type: ignore[attr-defined]
        program("frobnicator", "frobnicator-bin", [Path("/usr/lib")])
