"""Programs that a test run starts and ends for itself, and what to do where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

START = 120.0
"""Seconds that a server may take until it answers."""


def missing(what: str, package: str) -> NoReturn:
    """Skip the test by name; on a build machine, where everything is installed, fail it."""
    told = f"{what} is not on this machine (Debian's package: {package})"
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(told, pytrace=False)
    pytest.skip(told)


def program(name: str, package: str, folders: Sequence[Path] = ()) -> Path:
    """Return where a program is: on the PATH or in one of `folders`, the newest version last."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(folders))])
    found = shutil.which(name, path=places)
    if found is None:
        missing(name, package)
    return Path(found)


@contextmanager
def running(
    command: Sequence[str | Path],
    answers: Callable[[], bool],
    log: Path,
    stop: int,
    account: Mapping[str, Any],
) -> Iterator[None]:
    """Run a server until the block ends; `stop` is the signal that ends it in an orderly way.

    `account` says as whom to run it, in the words of `subprocess.Popen`.
    """
    with log.open("wb") as out:
        server = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            cwd=log.parent, **account,
        )  # fmt: skip
    try:
        end = time.monotonic() + START
        while not answers():
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        if server.poll() is None:
            server.send_signal(stop)
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(timeout=20)
