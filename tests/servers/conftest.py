"""Servers on a busy machine: how long one takes to end is no promise, that it ends unforced is."""

from __future__ import annotations

import pytest

from tests.support.waiting import PATIENCE
from tracer.servers import program


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is killed for being slow; the tests of the killing say for themselves how soon."""
    monkeypatch.setattr(program, "STOP_TIMEOUT", float(PATIENCE))
