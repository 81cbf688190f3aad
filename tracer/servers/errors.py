"""What can go wrong with a server, each with a sentence and, where there is one, its mend."""

from __future__ import annotations

from pathlib import Path


def with_log(sentence: str, log: str) -> str:
    """Return the sentence as the first line, with the end of a log below it if there is any."""
    return f"{sentence}\nIts log says:\n{log}" if log.strip() else sentence


class ServerError(Exception):
    """Anything that keeps a server from serving."""


class ServerMissing(ServerError):
    """The server is not installed here; the message says what to install."""


class ServerFailed(ServerError):
    """It did not start, or did not answer; the message ends with its own last words."""

    def __init__(self, sentence: str, log: str = "", directory: Path | None = None) -> None:
        """`log` is the end of the server's log; `directory` its work directory, if it was kept."""
        self.sentence = sentence
        self.log = log
        self.directory = directory
        super().__init__(with_log(sentence, log))


class NoReply(ServerFailed):
    """One request got no answer, or half of one: the connection was refused, cut or too slow."""
