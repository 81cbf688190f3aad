"""What a client sends as an address is shown as it was typed, and can do nothing to the screen."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.support.client import Recording, environ, serve
from tracer import runtime
from tracer.conf import Config
from tracer.journal.reader import read

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]


def served(path: str) -> dict[str, Any]:
    """An environ with this path as a server decodes it: byte by byte."""
    return environ("/") | {"PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1")}


@pytest.mark.parametrize("path", ["/café/", "/茶/", "/chai/☕/", "/plain/"])
def test_a_path_is_recorded_as_it_was_typed(site: Any, path: str) -> None:
    """WSGI hands paths over as bytes in the guise of characters, ASGI as text."""
    with Recording() as recording:
        serve(recording.handler, served(path))
        assert recording.request().path == path
        recording.agets(path)
        assert recording.request().path == path


def test_a_path_that_is_no_text_is_recorded_all_the_same(site: Any) -> None:
    """Bytes that are no UTF-8 stay the characters that the server made of them."""
    with Recording() as recording:
        serve(recording.handler, served("/a\udcff/"))
        assert recording.request().path == "/a\xff/"


HOSTILE = "/\x1b[2J\x07\r\nforged\x9b\u202e\x00/"


def test_nothing_in_an_address_reaches_the_terminal_as_a_command(site: Any, tmp_path: Path) -> None:
    """No escape sequence, no line break, no change of direction; in the journal it is JSON."""
    drawn = io.StringIO()
    config = Config(enabled=True, console=True, journal=tmp_path, query_values=True)
    runtime.start(config, drawn)
    handler = WSGIHandler()
    env = served(HOSTILE) | {"QUERY_STRING": "q=\x1b[31m", "REQUEST_METHOD": "G\x1bT"}
    serve(handler, env)
    serve(handler, served("/plain/"))
    runtime.stop()
    text = drawn.getvalue()
    assert "forged" in text
    for character in "\x1b\x07\r\x9b\u202e\x00":
        assert character not in text, repr(character)
    assert not [line for line in text.splitlines() if line.startswith("forged")]
    (story,) = read(tmp_path).files
    assert story.load().requests[0].path.startswith(HOSTILE)
