"""Small programs: Python processes with the test settings and a test's changes to them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180
"""Seconds within which every program here must end."""


def environment(settings: Path | None = None, **extra: str) -> dict[str, str]:
    """Returns a plain shell's environment, without the variables of the test run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE", "DJANGO", "TRACER", "CAFE", "PYTEST"))
        and name not in ("NO_COLOR", "COLUMNS", "GATEWAY_INTERFACE")
    }
    path = [str(settings.parent)] if settings is not None else []
    kept["PYTHONPATH"] = os.pathsep.join([*path, str(ROOT), str(ROOT / "demo_project")])
    kept["DJANGO_SETTINGS_MODULE"] = settings.stem if settings is not None else "tests.settings"
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return kept | extra


def settings_file(directory: Path, changes: str = "") -> Path:
    """Writes a settings module: the test settings, then the changes."""
    path = directory / "program_settings.py"
    path.write_text(f"from tests.settings import *\n{changes}\n", encoding="utf-8")
    return path


def run(
    source: str, changes: str = "", *, status: int = 0, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Runs `source` to its end and returns its output; its exit status must be `status`."""
    with tempfile.TemporaryDirectory() as directory:
        settings = settings_file(Path(directory), changes)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source],
            env=environment(settings, **extra),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == status, done.stderr
    return done


def cost(call: str, setup: str, times: int = 100, rounds: int = 30) -> float:
    """Returns the nanoseconds of processor time that one `call` takes.

    `timeit` measures it in another process, because this one may run coverage. The thread's clock
    does not count the time that other processes take.
    """
    measure = f"""
import time, timeit
how = dict(timer=time.thread_time, number={times}, repeat={rounds}, globals=globals())
print(min(timeit.repeat({call!r}, **how)) / {times} * 1e9)
"""
    return float(run(f"{setup}\n{measure}").stdout)


def started(source: str, settings: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """Starts `source` and returns the process; the caller must end it."""
    extra = popen.pop("extra", {})
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", source],
        env=environment(settings, **extra),
        cwd=settings.parent,
        stdin=popen.pop("stdin", subprocess.DEVNULL),
        **popen,
    )


HEAD = "from tests.promises.served import *\nimport os, sys, threading\n"
"""The beginning of every program of `program`; see `tests.promises.served`."""
CHANGES = """
ROOT_URLCONF = "tests.promises.site"
TRACER = {{"ENABLED": True, "CONSOLE": {console}, "JOURNAL": {journal!r}}}
"""
"""The changes that `program` makes to the settings."""


def program(
    tmp_path: Path,
    source: str,
    console: bool = False,
    status: int = 0,
    changes: str = "",
    **extra: str,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a program with `changes` to its settings; its exit status must be `status`."""
    changes = CHANGES.format(console=console, journal=str(tmp_path / "traces")) + changes
    process = started(
        HEAD + source,
        settings_file(tmp_path, changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        extra=extra,
    )
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == status, err.decode()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
