"""Starts the measured program, sends it commands and ends it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contestants import ALL
from benchmarks.contestants.base import Contestant

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 600
"""Seconds to wait for one answer."""


class CannotMeasure(Exception):
    """Something is missing or failed; the message is a sentence that says what."""


def versions(contestant: Contestant) -> dict[str, str]:
    """Returns the versions of a contestant's packages. Raises CannotMeasure if one is missing."""
    found = {}
    for package in contestant.packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError as missing:
            raise CannotMeasure(f"{package} is not installed") from missing
    return found


class Child:
    """A running measured program."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.errors = errors

    def send(self, line: str) -> dict[str, Any]:
        """Sends it one command and returns its answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise CannotMeasure(f"the measured program ended: {self.last_error()}") from error
        answer: dict[str, Any] = json.loads(self.read_line())
        return answer

    def read_line(self) -> str:
        """Waits for one line of its output and returns it."""
        assert self.process.stdout is not None
        timer = threading.Timer(TIMEOUT, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline().strip()
        finally:
            timer.cancel()
        if not line:
            raise CannotMeasure(f"the measured program failed: {self.last_error()}")
        return line

    def end(self) -> None:
        """Closes its input and waits for its end. May be called twice."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        if self.process.wait(TIMEOUT):
            raise CannotMeasure(f"the measured program failed: {self.last_error()}")

    def last_error(self) -> str:
        """Returns the last line that it wrote to standard error."""
        lines = self.errors.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("==")]
        return said[-1].strip() if said else "it said nothing."


@contextlib.contextmanager
def running(
    page: str, name: str, prefix: Sequence[str] = (), middleware: int = 0, layout: int = 0
) -> Iterator[tuple[Child, Path]]:
    """Runs a program that has warmed up; yields it and its own directory.

    `prefix` comes before the command, with {directory} replaced; `layout` is explained in
    `instructions.measure`. Raises CannotMeasure.
    """
    contestant = ALL[name]
    versions(contestant)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    own = directory / "own"
    own.mkdir()
    command = [part.format(directory=directory) for part in prefix]
    command += [sys.executable, "-m", "benchmarks.measured", page, name, str(own), str(middleware)]
    try:
        with _terminal(contestant.terminal) as terminal:
            variables = _environment() | terminal | {"BENCH_LAYOUT": str(layout)}
            with _started(command, variables, own, directory / "errors") as child:
                if child.read_line() != "ready":
                    raise CannotMeasure("the measured program said something else than ready")
                yield child, directory
                child.end()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _started(
    command: Sequence[str], variables: dict[str, str], directory: Path, errors: Path
) -> Iterator[Child]:
    """Starts the program in its directory; kills it at the end if it still runs."""
    with errors.open("w") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=variables,
            cwd=directory,
            text=True,
        )
        try:
            yield Child(process, errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def _terminal(wanted: bool) -> Iterator[dict[str, str]]:
    """Makes a pseudo-terminal that a thread reads; yields the variables that name it."""
    if not wanted:
        yield {}
        return
    master, slave = pty.openpty()

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 65536):
                pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield {"BENCH_TERMINAL": os.ttyname(slave), "COLUMNS": "118", "TERM": "xterm-256color"}
    finally:
        os.close(slave)
        reader.join(5)
        os.close(master)


def _environment() -> dict[str, str]:
    """Returns an environment with a fixed hash seed and without other tools' settings."""
    dropped = ("TRACER", "DJANGO", "PYTHON", "COV", "KOLO", "SENTRY", "OTEL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }
