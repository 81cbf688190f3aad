"""Errors of a server: each says in a sentence what failed and, if possible, what to do."""

from __future__ import annotations

from pathlib import Path


def with_log(sentence: str, log: str) -> str:
    """Returns the sentence as the first line, with the end of the log below it if there is one."""
    return f"{sentence}\nIts log says:\n{log}" if log.strip() else sentence


class ServerError(Exception):
    """The server cannot serve."""


class ServerMissing(ServerError):
    """The server is not installed here; the message says what to install."""


class ServerFailed(ServerError):
    """The server did not start or did not answer; the message ends with the end of its log."""

    def __init__(self, sentence: str, log: str = "", directory: Path | None = None) -> None:
        """`log` is the end of the server's log, `directory` its work directory if that was kept."""
        self.sentence = sentence
        self.log = log
        self.directory = directory
        super().__init__(with_log(sentence, log))


class NoReply(ServerFailed):
    """A request got no whole answer: the connection was refused, cut or too slow."""
