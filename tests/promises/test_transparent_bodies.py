"""A response's body reaches the server, breaks off and is closed as without the tracer."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, StreamingHttpResponse

from tests.promises import site as views
from tests.support.client import Recording, environ

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]


def _refused(status: str, headers: Any, exc: Any = None) -> None:
    raise ConnectionError("nobody is there any more")


def test_a_server_that_refuses_the_answer_gets_its_own_exception_back(site: Any) -> None:
    """`start_response` raises: no response comes, so nobody can close one."""
    for _ in range(2):
        with pytest.raises(ConnectionError, match="nobody is there"):
            WSGIHandler()(environ("/plain/"), _refused)
    with Recording() as recording:
        with pytest.raises(ConnectionError, match="nobody is there"):
            recording.handler(environ("/plain/"), _refused)
        assert recording.request().ending == "no response"
        assert recording.get("/plain/").status == 200
        assert recording.request().number == 2


def test_a_body_that_breaks_off_breaks_off_at_the_same_place(site: Any) -> None:
    """What was sent before stays sent; the exception reaches the server; close() still works."""

    def pieces() -> tuple[list[bytes], str, bool]:
        got: list[bytes] = []
        error = ""
        response = WSGIHandler()(environ("/stream/half/"), lambda *_: None)
        try:
            got.extend(response)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        response.close()
        return got, error, response.closed

    bare = pieces()
    assert bare == ([], "Unwell: half way", True) or bare[1] == "Unwell: half way"
    with Recording() as recording:
        assert pieces() == bare
        (span,) = recording.spans("body")
        assert span.error == "Unwell"


def test_a_body_that_nobody_reads_to_its_end_is_closed_as_early(site: Any) -> None:
    """A client that hangs up: the generator behind the response is closed by close()."""
    closed: list[str] = []

    def parts() -> Iterable[str]:
        try:
            yield from ("one", "two", "three")
        finally:
            closed.append("closed")

    def hang_up() -> list[str]:
        closed.clear()
        views.answer = lambda: StreamingHttpResponse(parts())
        response = WSGIHandler()(environ("/answer/"), lambda *_: None)
        body = iter(response)
        closed.append(next(body).decode())
        response.close()
        return list(closed)

    bare = hang_up()
    assert bare == ["one", "closed"]
    with Recording():
        assert hang_up() == bare


def test_a_file_goes_through_the_servers_own_wrapper(site: Any, tmp_path: Any) -> None:
    """`wsgi.file_wrapper` gets the file itself, and closing it closes the response."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    views.answer = lambda: FileResponse(path.open("rb"))

    def send() -> tuple[bytes, bool]:
        wrapped: list[Any] = []

        def wrapper(file: Any, size: int) -> Any:
            wrapped.append(file)
            return file

        env = environ("/answer/") | {"wsgi.file_wrapper": wrapper}
        body = WSGIHandler()(env, lambda *_: None)
        assert isinstance(wrapped[0], io.BufferedReader)
        content = body.read()
        body.close()
        return content, wrapped[0].closed

    bare = send()
    with Recording() as recording:
        assert send() == bare
        assert recording.request().ending == "closed"
