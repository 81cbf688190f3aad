"""The process of which most pictures are drawn."""

from __future__ import annotations

import pytest

from tests.render.sample_cafe import cafe
from tracer.model import Process


@pytest.fixture(scope="module")
def process() -> Process:
    """Returns the café after six requests."""
    return cafe()
