"""A server that runs: what it can be asked, and its end."""

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

from tracer.journal import reader
from tracer.journal.tail import Tail
from tracer.model import Process, Request
from tracer.servers.client import Reply, ask, load
from tracer.servers.errors import NoReply
from tracer.servers.program import Child, wait
from tracer.servers.recipe import HOST, Recipe

WRITING: Final = 5.0
"""Seconds that a server's processes have to write down what they answered."""
LINES: Final = 60
"""Lines that are shown of a log."""
_TAIL: Final = 64 * 1024


class Site:
    """The programs of a server, their work directory and their logs; ended once and for all.

    While they run, the end of this process ends them too.
    """

    def __init__(self, work: Path) -> None:
        """`work` is removed with the last program, unless `keep` says otherwise."""
        self.work = work
        self.keep = False
        self.journal: Path | None = None
        self.staging: Path | None = None
        """Where the journals are as long as it runs, if not in `journal`; within `work`."""
        self.children: list[Child] = []
        self._last = ""
        self._lock = threading.RLock()
        self._owner = os.getpid()
        atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        # A forked child inherits this handler; the programs are not its own.
        if os.getpid() == self._owner:
            self.close()

    def close(self, force: bool = False) -> None:
        """End every program, the last first, and tidy up. Once is enough, twice does no harm.

        `force`: at once, without asking.
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
                self._last = self.log()
                atexit.unregister(self._at_exit)
                try:
                    self._hand_over()
                finally:
                    if not self.keep:
                        shutil.rmtree(self.work, ignore_errors=True)

    def _hand_over(self) -> None:
        """Put the journals where they belong, as files of our own."""
        if self.staging is None or self.journal is None:
            return
        for path in sorted(self.staging.iterdir()):
            shutil.copyfile(path, self.journal / path.name)
        self.staging = None

    def journals(self) -> list[Path]:
        """Return the directories that hold its journals now."""
        return [place for place in (self.journal, self.staging) if place is not None]

    def log(self) -> str:
        """Return the last lines of every log that has any."""
        logs = [path for child in self.children for path in child.logs]
        return "\n".join(filter(None, map(last_lines, logs))) or self._last


def last_lines(path: Path, count: int = LINES) -> str:
    """Return the end of a text file; empty if there is none."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


class Server:
    """A Django project under a server, on a loopback port. A context manager: the end stops it.

    May be used from any thread.
    """

    def __init__(
        self,
        recipe: Recipe,
        version: str,
        port: int,
        site: Site,
        journal: Path | None,
        boot_seconds: float,
        timeout: float,
    ) -> None:
        """Made by `tracer.servers.serve`."""
        self.recipe = recipe
        self.name = recipe.name
        self.version = version
        self.port = port
        self.address = f"http://{HOST}:{port}"
        self.journal = journal
        self.boot_seconds = boot_seconds
        """From the start of the first program until the application was loaded."""
        self.timeout = timeout
        """Seconds that an answer may take."""
        self.pid = site.children[-1].pid
        """The process that was started, which need not be the one that serves."""
        self._main = site.children[-1]
        self._site = site
        self._answered = 0
        self._counting = threading.Lock()
        place = site.staging or journal
        self._tail = Tail(place) if place is not None else None
        if self._tail is not None:
            self._tail.read()  # what others wrote before does not count

    @property
    def work(self) -> Path:
        """Its temporary directory, with logs and configuration; gone after the end."""
        return self._site.work

    @property
    def running(self) -> bool:
        """Whether the process that was started is still there."""
        return self._main.running

    @property
    def orderly(self) -> bool | None:
        """Whether it ended when it was asked to, without force; None while it runs."""
        return self._main.orderly

    def get(self, path: str, **headers: str) -> Reply:
        """GET `path` on a connection of its own; `accept_language="de"` becomes a header.

        Raises NoReply if the connection is refused or cut, or the answer takes too long.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            reply = ask(self.port, path, named, self.timeout)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            state = "" if self.running else "; it has ended"
            sentence = f"{self.name} gave no answer to {path} ({reason}){state}."
            raise NoReply(sentence, self.log()) from error
        with self._counting:
            self._answered += 1
        return reply

    def load(self, paths: Iterable[str], concurrency: int = 4) -> list[Reply]:
        """GET all `paths`, `concurrency` at a time; return the replies in the order of the paths.

        Raises NoReply as `get` does, after what was in flight has ended.
        """
        return load(self.get, list(paths), concurrency)

    def log(self) -> str:
        """Return the last lines of its own log, also after its end."""
        return self._site.log()

    def processes(self) -> list[Process]:
        """Return every process that wrote to the journal, oldest first; none if none did yet.

        Raises ValueError if there is no journal, and JournalError for one that cannot be read.
        """
        if self.journal is None:
            raise ValueError(f"{self.name} keeps no journal; say serve(..., journal=DIRECTORY).")
        places = [place for place in self._site.journals() if any(Tail(place).paths())]
        found = [process for place in places for process in reader.processes(place)]
        return sorted(found, key=lambda process: process.about.started)

    def stop(self) -> None:
        """End it in an orderly way, or by force if it will not; all its processes with it."""
        try:
            if self.running:
                self._let_it_write()
        finally:
            self._site.close()

    def _let_it_write(self) -> None:
        """Wait until every answered request is in the journal.

        Some servers end their processes without Python's exit handlers, and some while they run.
        """
        tail, written = self._tail, 0
        if tail is None:
            return

        def all_written() -> bool:
            nonlocal written
            facts = (fact for news in tail.read() for fact in news.facts)
            written += sum(isinstance(fact, Request) for fact in facts)
            return written >= self._answered

        wait(all_written, time.monotonic() + WRITING)

    def __enter__(self) -> Self:
        """Return the server itself: it runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.name} {self.version} at {self.address}>"
