"""The process of which most tests of the runtime ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tracer import runtime
from tracer.conf import Config


@pytest.fixture
def quiet(db: None, settings: Any) -> Iterator[runtime.Tracer]:
    """A process that records, and neither draws nor writes."""
    settings.ROOT_URLCONF = "tests.promises.site"
    yield runtime.start(Config(enabled=True, console=False))
    runtime.stop(settle=False)
