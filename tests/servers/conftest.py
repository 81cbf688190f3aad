"""Fixtures of the tests of servers: fake servers, and no killing because a machine is slow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.servers import fake_servers
from tests.support.waiting import PATIENCE
from tracer.servers import Server, program, serve


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives servers time to end: only that they end on their signal is promised, not how soon.

    Tests of the killing set a short time themselves.
    """
    monkeypatch.setattr(program, "STOP_TIMEOUT", float(PATIENCE))


@pytest.fixture
def serve_fake(tmp_path: Path) -> Callable[..., Server]:
    """`serve` for fake servers."""
    return partial(
        serve,
        project=fake_servers.project(tmp_path),
        settings="made.settings",
        timeout=float(PATIENCE),
    )
