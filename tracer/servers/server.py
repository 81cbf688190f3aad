"""A running server: requests to it, what its processes recorded, and its end."""

from __future__ import annotations

import atexit
import http.client
import os
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tracer.journal import reader, segments, tail
from tracer.model import Process
from tracer.model.recorded import RecordedRequests
from tracer.servers.client import Reply, get_all, http_get
from tracer.servers.errors import NoReply
from tracer.servers.program import Child, wait_until
from tracer.servers.recipe import HOST, Recipe

WRITE_TIMEOUT: Final = 5.0
"""Seconds to wait until every answered request is in the journal."""
LOG_LINES: Final = 60
"""Lines of a log that are shown, from its end."""
_LOG_BYTES: Final = 64 * 1024


class ProgramGroup:
    """The programs of a server, their work directory and their logs.

    If this process ends first, it ends them too.
    """

    def __init__(self, work: Path) -> None:
        """`work` is removed after the last program has ended, unless `keep` is set."""
        self.work = work
        self.keep = False
        self.journal: Path | None = None
        self.staging: Path | None = None
        """The directory below `work` that holds the journals until the end, if there is one."""
        self.children: list[Child] = []
        self._last_log = ""
        self._lock = threading.RLock()
        self._owner = os.getpid()
        atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        # A forked child inherits this handler, but the programs are not its own.
        if os.getpid() == self._owner:
            self.close()

    def close(self, force: bool = False) -> None:
        """Ends every program, the last first, and removes the work directory.

        With `force` it kills them at once. It may be called again.
        """
        with self._lock:
            try:
                for child in reversed(self.children):
                    if force:
                        child.kill()
                    else:
                        child.stop()
            except BaseException:
                for child in self.children:
                    child.kill()
                raise
            finally:
                self._last_log = self.log()
                atexit.unregister(self._at_exit)
                try:
                    self._copy_journals()
                finally:
                    if not self.keep:
                        shutil.rmtree(self.work, ignore_errors=True)

    def _copy_journals(self) -> None:
        """Copies staged journals to their directory, so that they belong to our own account."""
        if self.staging is None or self.journal is None:
            return
        for path in sorted(self.staging.iterdir()):
            shutil.copyfile(path, self.journal / path.name)
        self.staging = None

    def journals(self) -> list[Path]:
        """Returns the directories that hold the journals now."""
        return [place for place in (self.journal, self.staging) if place is not None]

    def log(self) -> str:
        """Returns the last lines of every log that is not empty."""
        logs = [path for child in self.children for path in child.logs]
        return "\n".join(filter(None, map(last_lines, logs))) or self._last_log


def last_lines(path: Path, count: int = LOG_LINES) -> str:
    """Returns the last lines of a text file; empty if there is no such file."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LOG_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


class Server:
    """A running server with a Django project, on a loopback port.

    A context manager, whose end stops the server. Any thread may use it.
    """

    def __init__(
        self,
        recipe: Recipe,
        version: str,
        port: int,
        programs: ProgramGroup,
        journal: Path | None,
        boot_seconds: float,
        timeout: float,
    ) -> None:
        """`tracer.servers.serve` makes it."""
        self.recipe = recipe
        self.name = recipe.name
        self.version = version
        self.port = port
        self.address = f"http://{HOST}:{port}"
        self.journal = journal
        self.boot_seconds = boot_seconds
        """Time from the start of the first program until the application was loaded."""
        self.timeout = timeout
        """Seconds to wait for an answer."""
        self.pid = programs.children[-1].pid
        """The started process, which need not be the one that serves."""
        self._main = programs.children[-1]
        self._programs = programs
        self._answered = 0
        self._answered_lock = threading.Lock()
        place = programs.staging or journal
        self._tail = tail.Tail(place) if place is not None else None
        if self._tail is not None:
            self._tail.read()  # skip what others wrote before

    @property
    def work(self) -> Path:
        """Its temporary directory with logs and configuration, removed at the end."""
        return self._programs.work

    @property
    def running(self) -> bool:
        """Whether the started process still lives."""
        return self._main.running

    @property
    def orderly(self) -> bool | None:
        """Whether it ended on its stop signal, without being killed; None while it runs."""
        return self._main.orderly

    def get(self, path: str, **headers: str) -> Reply:
        """Sends GET `path` on a connection of its own; `accept_language="de"` becomes a header.

        Raises NoReply if the connection is refused or cut, or the answer takes too long.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            reply = http_get(self.port, path, named, self.timeout)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            state = "" if self.running else "; it has ended"
            sentence = f"{self.name} gave no answer to {path} ({reason}){state}."
            raise NoReply(sentence, self.log()) from error
        with self._answered_lock:
            self._answered += 1
        return reply

    def load(self, paths: Iterable[str], concurrency: int = 4) -> list[Reply]:
        """Gets all `paths`, `concurrency` at a time, and returns the replies in the paths' order.

        Raises NoReply as `get` does, after the requests under way have ended.
        """
        return get_all(self.get, list(paths), concurrency)

    def log(self) -> str:
        """Returns the last lines of its own log, also after its end."""
        return self._programs.log()

    def processes(self) -> list[Process]:
        """Returns every process that wrote to the journal, oldest first.

        Raises ValueError if there is no journal, and JournalError for one that cannot be read.
        """
        if self.journal is None:
            raise ValueError(f"{self.name} keeps no journal; say serve(..., journal=DIRECTORY).")
        places = [place for place in self._programs.journals() if segments.processes(place)]
        found = [process for place in places for process in reader.processes(place)]
        return sorted(found, key=lambda process: process.about.started)

    def stop(self) -> None:
        """Ends it and all its processes: with its stop signal, or by force if that fails."""
        try:
            if self.running:
                self._wait_for_journal()
        finally:
            self._programs.close()

    def _wait_for_journal(self) -> None:
        """Waits until every answered request is in the journal.

        Some servers end their processes without Python's exit handlers, which write the rest, and
        some do so while they run.
        """
        journal, written = self._tail, 0
        if journal is None:
            return

        def all_written() -> bool:
            nonlocal written
            facts = (fact for news in journal.read() for fact in news.facts)
            written += sum(len(fact) for fact in facts if isinstance(fact, RecordedRequests))
            return written >= self._answered

        wait_until(all_written, time.monotonic() + WRITE_TIMEOUT)

    def __enter__(self) -> Self:
        """Returns the server itself, which runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the server, after an exception too."""
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.name} {self.version} at {self.address}>"
