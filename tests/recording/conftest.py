"""The site that recordings are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.recording import record_site
from tracer.recorder.recorder import Recorder


@pytest.fixture
def pages(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pages of `record_site`, and the proof that the tracer has no fault of its own."""
    settings.ROOT_URLCONF = record_site.__name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    faults: list[str] = []
    monkeypatch.setattr(Recorder, "fault", lambda _, where, exc: faults.append(f"{where}: {exc!r}"))
    yield
    record_site.MEETING.clear()
    assert faults == []
