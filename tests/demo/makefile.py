"""Runs make as a person would, without a network."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def write_script(path: Path, text: str) -> Path:
    """Writes an executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


def fake_python(directory: Path) -> Path:
    """Writes a Python whose environments are this one, and whose pip only logs that it ran.

    So the Makefile's own steps are tested without a network.
    """
    real = shlex.quote(sys.executable)
    inner = write_script(
        directory / "inner",
        f'case "$*" in "-m pip "*) echo "$*" >> {directory}/installs; exit 0;; esac\n'
        f'PYTHONPATH={shlex.quote(str(ROOT))} exec {real} "$@"\n',
    )
    return write_script(
        directory / "python",
        f'case "$*" in "-m venv --clear "*)\n'
        f'  mkdir -p "$4/bin" && cp {inner} "$4/bin/python"; exit;; esac\n'
        f'exec {real} "$@"\n',
    )


def make(*arguments: str, timeout: float = 240, **extra: str) -> subprocess.CompletedProcess[str]:
    """Runs make in the project, as from a plain shell; `timeout` is in seconds."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "COV_", "COVERAGE", "DJANGO", "TRACER", "CAFE"))
        and name not in ("PYTHON", "VENV", "PORT", "ONCE", "ARGS", "PYTHONPATH")
    }
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    with subprocess.Popen(
        command,
        env=environment | extra,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            # Make's children must not outlive a test that failed.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
