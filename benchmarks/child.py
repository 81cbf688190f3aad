"""Starts the measured program, tells it what to do, and ends it. Raises CannotMeasure."""

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
PATIENCE = 600
"""Seconds within which one answer must have come."""


class CannotMeasure(Exception):
    """Says in a sentence what is missing or what went wrong."""


def versions(contestant: Contestant) -> dict[str, str]:
    """Return the versions of a contestant's packages; raise CannotMeasure if one is missing."""
    found = {}
    for package in contestant.packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError as missing:
            raise CannotMeasure(f"{package} is not installed") from missing
    return found


class Child:
    """A running program."""

    def __init__(self, process: subprocess.Popen[str], words: Path) -> None:
        self.process = process
        self.words = words

    def tell(self, line: str) -> dict[str, Any]:
        """Tell it one line; return what it answers."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise CannotMeasure(f"the measured program ended: {self.last_words()}") from error
        told: dict[str, Any] = json.loads(self.hear())
        return told

    def hear(self) -> str:
        """Wait for a line."""
        assert self.process.stdout is not None
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline().strip()
        finally:
            timer.cancel()
        if not line:
            raise CannotMeasure(f"the measured program failed: {self.last_words()}")
        return line

    def end(self) -> None:
        """Let it end, and wait for that; twice is harmless."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        if self.process.wait(PATIENCE):
            raise CannotMeasure(f"the measured program failed: {self.last_words()}")

    def last_words(self) -> str:
        """The last thing it said before it failed."""
        lines = self.words.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("==")]
        return said[-1].strip() if said else "it said nothing."


@contextlib.contextmanager
def running(
    page: str, name: str, prefix: Sequence[str] = (), middleware: int = 0, layout: int = 0
) -> Iterator[tuple[Child, Path]]:
    """Run a program that has warmed up; yield it, and the directory that is its own.

    `prefix` comes before the command, with {directory} replaced; `layout` as in
    `instructions.measure`.
    """
    contestant = ALL[name]
    versions(contestant)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    words = directory / "words"
    own = directory / "own"
    own.mkdir()
    command = [part.format(directory=directory) for part in prefix]
    command += [sys.executable, "-m", "benchmarks.measured", page, name, str(own)]
    try:
        with words.open("w") as file, _terminal(contestant.terminal) as terminal:
            process = subprocess.Popen(
                [*command, str(middleware)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=_environment() | terminal | {"BENCH_LAYOUT": str(layout)},
                cwd=own,
                text=True,
            )
            child = Child(process, words)
            try:
                if child.hear() != "ready":
                    raise CannotMeasure("the measured program said something else than ready")
                yield child, directory
                child.end()
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    with contextlib.suppress(OSError):
                        pipe.close()  # type: ignore[union-attr]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _terminal(wanted: bool) -> Iterator[dict[str, str]]:
    """A pseudo-terminal that somebody reads."""
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
    """A plain environment: the same hashes each time, and no settings but the program's own."""
    dropped = ("TRACER", "DJANGO", "PYTHON", "COV", "KOLO", "SENTRY", "OTEL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }
