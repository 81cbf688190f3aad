"""gunicorn with a small site, and HTTP clients that send each request once."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.programs import CHANGES, environment, settings_file
from tests.support.waiting import until

PATIENCE = 120
"""Seconds to wait for an answer, and for a process to end."""
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"


class Gunicorn:
    """One arbiter and its workers, on a socket that stays open after them."""

    def __init__(self, process: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
        self.process = process
        self.address = address

    def get(self, path: str) -> bytes:
        """Sends one request and returns the body. Raises OSError or HTTPException if that fails."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, (response.status, body[-300:])
            return body
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """Returns the pids of the arbiter's children, oldest first."""
        return children(self.process.pid)

    def kill_a_worker(self) -> int | None:
        """Kills the oldest worker and returns its pid, or None if there is none."""
        for pid in self.workers():
            # A recycled worker may have ended by itself meanwhile.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return pid
        return None

    def stop(self) -> None:
        """Ends it with SIGTERM."""
        self.process.terminate()
        self.process.wait(PATIENCE)


def children(pid: int) -> list[int]:
    """Returns the pids of a process's children, oldest first."""
    try:
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except (FileNotFoundError, ProcessLookupError):
        return []


@contextmanager
def gunicorn(
    directory: Path, journal: Path, *options: str, changes: str = "", wsgi: str = WSGI
) -> Iterator[Gunicorn]:
    """Runs gunicorn within a `with` block, in a session of its own.

    `changes` are added to the settings; `wsgi` is the module that makes the application.
    """
    settings = settings_file(directory, CHANGES.format(console=False, journal=str(journal)))
    settings.write_text(settings.read_text() + changes)
    (directory / "program_wsgi.py").write_text(wsgi)
    log = directory / "gunicorn.log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, log.open("wb") as errors:
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--graceful-timeout"]
        command += ["20", "-b", f"fd://{listening.fileno()}", *options, "program_wsgi:application"]
        process = subprocess.Popen(
            command,
            env=environment(settings),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        try:
            yield Gunicorn(process, listening.getsockname())
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the arbiter and the workers that it left behind."""
    workers = children(process.pid)
    process.kill()
    process.wait(PATIENCE)
    for pid in workers:
        with suppress(ProcessLookupError):
            if _parent(pid) in (1, process.pid) or os.getsid(pid) == process.pid:
                os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Clients:
    """HTTP clients in threads. Each takes the next path and requests it once."""

    def __init__(self, server: Gunicorn, paths: Iterable[str]) -> None:
        self.server = server
        self.paths = iter(paths)
        self.answered: list[str] = []
        self.failed: list[str] = []
        self.lock = threading.Lock()

    def get_all(self, clients: int, after_each: Callable[[int], None]) -> None:
        """Requests all paths; after each answer it calls `after_each` with their number."""
        errors: list[BaseException] = []

        def client() -> None:
            try:
                while (path := self._next()) is not None:
                    self._get(path)
                    after_each(len(self.answered))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10 * PATIENCE)
        assert not errors, errors
        assert not any(thread.is_alive() for thread in threads)

    def _next(self) -> str | None:
        with self.lock:
            return next(self.paths, None)

    def _get(self, path: str) -> None:
        try:
            self.server.get(path)
        except (OSError, http.client.HTTPException):
            self.failed.append(path)
        else:
            self.answered.append(path)
