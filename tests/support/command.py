"""Runs of the command line: in this process, or as a program."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tracer.cli.main import main
from tracer.cli.watch import wait

ROOT = Path(__file__).parents[2]


class Run:
    """One run of the command in this process: its status, output and errors."""

    def __init__(self, *arguments: object, pause: Callable[[], None] = wait) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.status = main([str(each) for each in arguments], out, err, pause)
        self.out, self.err = out.getvalue(), err.getvalue()


def timelines(text: str) -> list[tuple[int, int]]:
    """Returns the process and number of each request whose timeline is drawn."""
    found = re.findall(r"process (\d+) · its request (\d+)", text)
    return [(int(pid), int(number)) for pid, number in found]


def start(*arguments: object) -> subprocess.Popen[str]:
    """Starts a Python without Django settings, in which warnings are errors."""
    environ = {key: value for key, value in os.environ.items() if "DJANGO" not in key}
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
    )
