"""What several tests of the journal need: files written by hand, and processes that write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tracer
from tracer.journal.decode import Decoder
from tracer.model.facts import Fact

ROOT = Path(tracer.__file__).parents[1]


def write_file(path: Path, *parts: bytes) -> Path:
    """Writes a file, and the directory if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def start_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a Python that runs `code`; its pipes carry text."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def decoded(*lines: bytes) -> list[Fact]:
    """Returns the facts on these lines of one file."""
    decoder = Decoder()
    facts = [decoder.decode(line) for line in b"".join(lines).splitlines()]
    return [fact for fact in facts if fact is not None]
