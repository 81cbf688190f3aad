"""An HTTP server that runs a CGI script for each request, as RFC 3875 describes.

    python -m tracer.servers.cgi_server HOST PORT

The script is `python -m tracer.application.cgi` with this process's environment and directory, so
that it serves the project of `DJANGO_SETTINGS_MODULE`. Python's own `CGIHTTPRequestHandler` cannot
do that: Python 3.15 removes it, and it only runs scripts of its own directory.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

SCRIPT: Final = (sys.executable, "-m", "tracer.application.cgi")
SCRIPT_TIMEOUT: Final = 60.0
"""Seconds after which a script is given up."""
_NOT_PASSED: Final = ("content-type", "content-length", "proxy", "connection")
"""Headers without a variable HTTP_*: they have another one, or are not for the script."""


class Handler(http.server.BaseHTTPRequestHandler):
    """A request, answered by one run of the script."""

    def do_GET(self) -> None:
        """Runs the script, whatever the method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            done = subprocess.run(
                SCRIPT,
                input=body,
                env={**os.environ, **self.variables(length)},
                stdout=subprocess.PIPE,
                timeout=SCRIPT_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.send_error(HTTPStatus.GATEWAY_TIMEOUT, "The script took too long")
            return
        head, body = split_output(done.stdout)
        if done.returncode or not head:
            self.send_error(HTTPStatus.BAD_GATEWAY, "The script failed; its log says why")
            return
        self.answer(head, body)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def answer(self, head: Message, body: bytes) -> None:
        """Sends the script's answer; `Status:` becomes the status line."""
        code, _, reason = head.get("Status", "200 OK").partition(" ")
        self.send_response(int(code), reason or None)
        for name, value in head.items():
            if name.lower() != "status":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def variables(self, length: int) -> dict[str, str]:
        """Returns the environment variables that describe the request."""
        path, _, query = self.path.partition("?")
        host, port = self.connection.getsockname()[:2]
        made = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_SOFTWARE": "tracer-cgi",
            "SERVER_PROTOCOL": self.request_version,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "REMOTE_ADDR": str(self.client_address[0]),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
        }
        for name in self.headers:
            if name.lower() not in _NOT_PASSED:
                value = ", ".join(self.headers.get_all(name, ()))
                made["HTTP_" + name.upper().replace("-", "_")] = value
        return made


def split_output(output: bytes) -> tuple[Message | None, bytes]:
    """Splits a script's output into its headers (None if there are none) and its body."""
    for gap in (b"\r\n\r\n", b"\n\n"):
        head, found, body = output.partition(gap)
        if found:
            return message_from_bytes(head), body
    return None, b""


class Server(http.server.ThreadingHTTPServer):
    """The HTTP server: one thread for each connection, which may finish when the server ends."""

    daemon_threads = False
    allow_reuse_address = False


def main(host: str, port: str) -> None:
    """Serves until KeyboardInterrupt."""
    with Server((host, int(port)), Handler) as server:
        try:
            server.serve_forever(poll_interval=0.05)
        except KeyboardInterrupt:
            print("The CGI server ends.", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
