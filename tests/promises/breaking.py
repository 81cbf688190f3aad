"""Faults on purpose, and a tracer with a console and a journal to have them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.support.client import environ, serve


class Broken(Exception):
    """The fault."""


def broken(*args: Any, **kwargs: Any) -> Any:
    """Stands in for anything."""
    raise Broken("on purpose")


def ask(path: str = "/plain/") -> bytes:
    """One request by a new handler; its body."""
    answer = serve(WSGIHandler(), environ(path))
    assert answer.status == 200
    return answer.body


def logged(log: pytest.LogCaptureFixture) -> list[str]:
    """What the logger "tracer" said."""
    return [each.getMessage() for each in log.records if each.name == "tracer"]
