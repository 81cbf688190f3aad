"""Middleware: built once with its handler, entered and left by every request."""

from __future__ import annotations

from tests.driving import Recording


def test_each_middleware_is_built_once_and_serves_every_request(recording: Recording) -> None:
    """The layers of the onion are objects of the handler, not of the request."""
    for _ in range(3):
        recording.get("/hello/")
    life = recording.life("SessionMiddleware")
    assert life.scope == "process"
    assert life.built_in is None
    assert life.requests == 3
