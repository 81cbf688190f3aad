"""Instructions per request, counted by valgrind's callgrind: with and without the tracer.

    python benchmarks/instructions.py [--page short|list] [--requests N] [--json]

Instructions are counted instead of time because they hardly depend on the machine or on what else
it does. The thread that serves requests and the tracer's background thread are counted apart: the
first is what a request waits for, the second what runs beside it. Exit status: 0, 1 when something
could not be measured, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django

HERE = Path(__file__).resolve().parent
PAGES = {"short": 400, "list": 60}
"""Page to the number of requests that are counted."""
MODES = ("nothing", "off", "recording")
PATIENCE = 300
"""Seconds within which one measurement must have ended."""


class CannotMeasure(Exception):
    """Says in a sentence what is missing or what went wrong."""


@dataclass(frozen=True, slots=True)
class Count:
    """Instructions per request."""

    page: str
    mode: str
    requests: int
    request_thread: int
    background_thread: int
    full_collections: int
    """How many came in between; one costs as much as twenty short requests, on either thread."""

    @property
    def together(self) -> int:
        """Both threads."""
        return self.request_thread + self.background_thread


def tools() -> None:
    """Raise CannotMeasure if valgrind is not there."""
    missing = [tool for tool in ("valgrind", "callgrind_control") if shutil.which(tool) is None]
    if missing:
        raise CannotMeasure(
            f"{' and '.join(missing)} cannot be found: install valgrind "
            "(on Debian and Ubuntu: apt install valgrind) and try again."
        )


def measure(page: str, mode: str, requests: int | None = None) -> Count:
    """Count one page in one mode, in a process of its own. Raises CannotMeasure."""
    tools()
    requests = requests or PAGES[page]
    with tempfile.TemporaryDirectory() as directory:
        counts = Path(directory) / "counts"
        command = [
            "valgrind",
            "--tool=callgrind",
            "--separate-threads=yes",
            # Or the background thread would hardly ever get its turn.
            "--fair-sched=try",
            "--instr-atstart=no",
            f"--callgrind-out-file={counts}",
            sys.executable,
            str(HERE / "cafe_page.py"),
            page,
            mode,
            str(requests),
            directory,
        ]
        with (Path(directory) / "words").open("w+") as words:
            collections = _run(command, words)
        totals = [_total(file) for file in sorted(Path(directory).glob("counts-*"))]
    if not totals or not totals[0]:
        raise CannotMeasure("callgrind counted nothing: counting could not be switched on.")
    first, *others = totals
    return Count(page, mode, requests, first // requests, sum(others) // requests, collections)


def _run(command: list[str], words: Any) -> int:
    """Run the program, counting just its requests; return how many full collections it told."""
    program = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        env=_environment(),
        text=True,
    )
    assert program.stdin is not None
    try:
        for word, switch in (("ready", "on"), ("done", "off")):
            told = _await(program, word, words)
            subprocess.run(
                ["callgrind_control", "-i", switch, str(program.pid)],
                check=True,
                capture_output=True,
                timeout=PATIENCE,
            )
            program.stdin.write("\n")
            program.stdin.flush()
        if program.wait(PATIENCE):
            raise CannotMeasure(f"The measured program failed: {_last(words)}")
        return int(told)
    except (subprocess.SubprocessError, BrokenPipeError) as error:
        raise CannotMeasure(f"callgrind could not be steered: {error}") from error
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


def _await(program: subprocess.Popen[str], word: str, words: Any) -> str:
    """Wait for the program to say this word; return what else it says on that line."""
    assert program.stdout is not None
    said, _, rest = program.stdout.readline().strip().partition(" ")
    if said != word:
        raise CannotMeasure(f"The measured program failed: {_last(words)}")
    return rest


def _last(words: Any) -> str:
    words.seek(0)
    lines = [line for line in words.read().splitlines() if line and not line.startswith("==")]
    return lines[-1] if lines else "it said nothing."


def _environment() -> dict[str, str]:
    """A plain environment: the same hashes each time, and no settings but the program's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRACER", "DJANGO", "PYTHON", "COV"))
    }
    return kept | {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(HERE.parent),
    }


def _total(file: Path) -> int:
    """Instructions in one thread's file."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    return 0


def document(counts: list[Count]) -> dict[str, Any]:
    """Everything measured, with versions and with ratios to "nothing"."""
    bare = {count.page: count.request_thread for count in counts if count.mode == "nothing"}
    return {
        "format": 1,
        "python": platform.python_version(),
        "django": django.get_version(),
        "machine": platform.machine(),
        "counts": [
            asdict(count)
            | {
                "together": count.together,
                "ratio_request_thread": round(count.request_thread / bare[count.page], 4),
                "ratio_together": round(count.together / bare[count.page], 4),
            }
            for count in counts
        ],
    }


def table(told: dict[str, Any]) -> str:
    """The document as a table."""
    lines = [
        f"Instructions per request; Python {told['python']}, Django {told['django']}, "
        f"{told['machine']}. In brackets: times those of nothing.",
        "",
        f"{'page':<6}{'tracer':<11}{'requests':>8}{'request thread':>22}"
        f"{'background thread':>19}{'together':>22}",
    ]
    for row in told["counts"]:
        thread = f"{row['request_thread']:,} ({row['ratio_request_thread']:.3f})"
        both = f"{row['together']:,} ({row['ratio_together']:.3f})"
        lines.append(
            f"{row['page']:<6}{row['mode']:<11}{row['requests']:>8}{thread:>22}"
            f"{row['background_thread']:>19,}{both:>22}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description="Count the instructions of a request.")
    parser.add_argument("--page", choices=PAGES, help="only this page")
    parser.add_argument("--requests", type=int, help="how many requests to count")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    options = parser.parse_args()
    pages = [options.page] if options.page else list(PAGES)
    try:
        counts = [measure(page, mode, options.requests) for page in pages for mode in MODES]
    except CannotMeasure as reason:
        print(reason, file=sys.stderr)
        return 1
    told = document(counts)
    print(json.dumps(told, indent=1) if options.json else table(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
