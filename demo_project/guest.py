"""A guest of the café: an HTTP client with one TCP connection and cookies."""

from __future__ import annotations

import http.client
import threading
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

TIMEOUT = 30.0
"""Seconds to wait for the café to open, and for an answer."""


class Guest:
    """A client that keeps its connection open like a browser; under runserver it has one thread."""

    def __init__(self, port: int) -> None:
        """Prepares a connection to 127.0.0.1 on `port` without opening it."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self.cookies: dict[str, str] = {}

    def arrive(self, closing: threading.Event) -> bool:
        """Opens the connection as soon as the café is open. Returns False if it closes before."""
        deadline = time.monotonic() + TIMEOUT
        while not closing.wait(0.05):
            try:
                self.connection.connect()
                return True
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    return False
        return False

    def visit(self, path: str, form: dict[str, object] | None = None) -> int:
        """Gets `path`, or posts `form` to it with the CSRF token; returns the status.

        Raises OSError or http.client.HTTPException if there is no answer.
        """
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if not self.cookies:
            del headers["Cookie"]
        if form is None:
            self.connection.request("GET", path, headers=headers)
        else:
            fields = form | {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            self.connection.request("POST", path, urlencode(fields, doseq=True), headers)
        response = self.connection.getresponse()
        response.read()
        for line in response.headers.get_all("Set-Cookie", ()):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return response.status

    def leave(self) -> None:
        """Closes the connection."""
        self.connection.close()
