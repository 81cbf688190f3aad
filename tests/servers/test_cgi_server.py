"""The small CGI server: what a script gets, and how its output is answered."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tracer.servers import cgi_server

ECHO = """
import os, sys
body = sys.stdin.buffer.read(int(os.environ["CONTENT_LENGTH"]))
sys.stdout.write("Status: 201 Made\\r\\nContent-Type: text/plain\\r\\nSet-Cookie: a=1\\r\\n")
sys.stdout.write("Set-Cookie: b=2\\r\\n\\r\\n")
for name, value in sorted(os.environ.items()):
    print(f"{name}={value}")
print("body=" + body.decode())
"""


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, script: str) -> Iterator[http.client.HTTPConnection]:
    """Yields a connection to the server, with this Python source as its script."""
    monkeypatch.setattr(cgi_server, "SCRIPT", (sys.executable, "-c", script))
    monkeypatch.setattr(cgi_server.Handler, "log_message", lambda *_: None)
    with cgi_server.Server(("127.0.0.1", 0), cgi_server.Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=120)
        try:
            yield connection
        finally:
            connection.close()
            server.shutdown()
            thread.join(120)


def test_a_script_gets_the_request_as_in_rfc_3875(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets variables, and the body on standard input; its headers become the response's."""
    with serving(monkeypatch, ECHO) as connection:
        headers = {"X-Odd": "one", "Content-Type": "text/odd", "Proxy": "evil"}
        connection.request("POST", "/caf%C3%A9/?a=b%20c", body=b"some words", headers=headers)
        response = connection.getresponse()
        printed = dict(line.partition("=")[::2] for line in response.read().decode().splitlines())
    assert (response.status, response.reason) == (201, "Made")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["Status"] is None
    expected = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/café/",
        "QUERY_STRING": "a=b%20c",
        "CONTENT_TYPE": "text/odd",
        "CONTENT_LENGTH": "10",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_ODD": "one",
        "body": "some words",
    }
    assert {name: printed.get(name) for name in expected} == expected
    assert "HTTP_PROXY" not in printed, "a header must not name the script's proxy"
    assert "HTTP_CONTENT_TYPE" not in printed


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("print('Content-Type: text/plain\\n\\nfine')", 200),
        ("print('no headers at all')", 502),
        ("raise SystemExit(1)", 502),
        ("import time; time.sleep(60)", 504),
    ],
)
def test_a_script_that_fails_is_the_gateways_error(
    monkeypatch: pytest.MonkeyPatch, script: str, status: int
) -> None:
    """The server goes on."""
    if status == 504:
        monkeypatch.setattr(cgi_server, "SCRIPT_TIMEOUT", 0.3)
    with serving(monkeypatch, script) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().status == status
