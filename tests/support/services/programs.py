"""Starts and ends server programs for a test run, and skips tests if one is not installed."""

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

START_TIMEOUT = 120.0
"""Seconds that a server may take until it answers."""


def missing(what: str, package: str) -> NoReturn:
    """Skips the test with the missing program's name; fails it on a build machine."""
    reason = f"{what} is not on this machine (Debian's package: {package})"
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str, package: str, folders: Sequence[Path] = ()) -> Path:
    """Returns a program's path: from the PATH or one of `folders`, the newest version last."""
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
    """Runs a server within a `with` block, and then ends it with the signal `stop`.

    `account` holds the arguments of `subprocess.Popen` that choose the account to run it under.
    """
    with log.open("wb") as out:
        server = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            cwd=log.parent, **account,
        )  # fmt: skip
    try:
        end = time.monotonic() + START_TIMEOUT
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
