"""Projects that do not use the tracer, and programs that are traced from their start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tracer.bootstrap.environment import environment
from tracer.journal.reader import processes
from tracer.model import Boot, Process

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo_project"
PATIENCE = 180
"""Seconds that each of these programs may take."""


def plain(**extra: str) -> dict[str, str]:
    """Returns an environment without any setting of the tracer or of these tests."""
    ours = ("PYTHONPATH", "DJANGO", "TRACER", "PYTEST", "COV_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**base, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "118", **extra}


def startproject(directory: Path, name: str = "mysite") -> Path:
    """Makes a project with Django's own `startproject`."""
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "django", "startproject", name, str(directory)]
    subprocess.run(command, env=plain(), check=True, timeout=PATIENCE)
    return directory


def run(
    *command: str | Path, cwd: Path, env: dict[str, str], text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a Python with these arguments to its end. Its status is not checked."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=env,
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def traced(*command: str | Path, cwd: Path, journal: Path, **extra: str) -> Process:
    """Runs a Python that is traced from its start. Returns its process from the journal."""
    env = environment(plain(**extra), journal=journal, console=False)
    done = run(*command, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    (process,) = processes(journal)
    return process


def stages(boot: Boot | None) -> list[tuple[str, str]]:
    """Returns (stage, name) of each stage of a boot, in the order in which they began.

    Imports are left out: which of them take long enough to be stages depends on the machine.
    """
    assert boot is not None
    return [(span.stage, span.name) for span in boot.spans if span.stage != "import"]
