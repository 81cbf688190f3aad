"""The journal that tests of the command line read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.journals import two_processes


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A journal of two processes: 31 served eight requests and ended, 32 served two."""
    return two_processes(tmp_path / "traces")
