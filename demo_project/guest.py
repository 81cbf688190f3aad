"""A guest of the café: an HTTP client on one TCP connection, who keeps cookies."""

from __future__ import annotations

import http.client
import threading
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

PATIENCE = 30.0
"""Seconds that a guest waits for the café to open, or for an answer."""


class Guest:
    """Keeps its connection open as a browser does; under runserver that means one thread.

    The requests come over a socket, so the café cannot tell a guest from a browser.
    """

    def __init__(self, port: int) -> None:
        """Prepare to visit 127.0.0.1 on `port`; nothing is opened yet."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.cookies: dict[str, str] = {}

    def arrive(self, closing: threading.Event) -> bool:
        """Open the connection as soon as the café is open; False if it closes before."""
        deadline = time.monotonic() + PATIENCE
        while not closing.wait(0.05):
            try:
                self.connection.connect()
                return True
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    return False
        return False

    def visit(self, path: str, form: dict[str, object] | None = None) -> int:
        """Get `path`, or post `form` to it with the CSRF token; return the status.

        Raises OSError or http.client.HTTPException when there is no answer.
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
        """Close the connection."""
        self.connection.close()
