"""Projects that know nothing of the tracer, and programs that are traced from their start."""

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
"""Seconds that any of these programs may take."""


def plain(**extra: str) -> dict[str, str]:
    """The environment of a project that was never told of the tracer, nor of these tests."""
    ours = ("PYTHONPATH", "DJANGO", "TRACER", "PYTEST", "COV_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**base, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "118", **extra}


def startproject(directory: Path, name: str = "mysite") -> Path:
    """What Django's own `startproject` makes, unchanged."""
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "django", "startproject", name, str(directory)]
    subprocess.run(command, env=plain(), check=True, timeout=PATIENCE)
    return directory


def run(
    *command: str | Path, cwd: Path, env: dict[str, str], text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Python with these arguments to its end; its status is for the caller to look at."""
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
    """Run a Python that is traced from its start; return what the one process of it wrote."""
    env = environment(plain(**extra), journal=journal, console=False)
    done = run(*command, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    (process,) = processes(journal)
    return process


def stages(boot: Boot | None) -> list[tuple[str, str]]:
    """Each stage of a boot with its name, in the order in which they began.

    Without imports: which of them take long enough to be stages is up to the machine.
    """
    assert boot is not None
    return [(span.stage, span.name) for span in boot.spans if span.stage != "import"]
