"""`python -m tracer tidy DIR --keep N`: removes what processes wrote that are gone for long."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final, TextIO

from tracer.cli import options
from tracer.journal import segments
from tracer.render.layout.wording import plural

KEEP: Final = 50
"""Processes that are kept, where it is not said otherwise."""


def add_parser(commands: Any) -> None:
    """Adds the command `tidy` to the command line's parser."""
    parser = commands.add_parser(
        "tidy", help="remove from a journal all but its newest processes, and those that live"
    )
    parser.add_argument("directory", type=Path, help='the directory of TRACER["JOURNAL"]')
    parser.add_argument(
        "--keep", type=options.positive, default=KEEP, metavar="N", help=f"by default {KEEP}"
    )


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Removes the files, and says how many processes are gone and how many are left.

    Raises JournalError if the directory is missing or cannot be listed.
    """
    directory: Path = arguments.directory
    segments.check(directory)
    processes = [
        first
        for first, several in segments.processes(directory).items()
        if any(segments.is_journal(segment.path) for segment in several)
    ]
    size, gone = 0, 0
    for first in processes[: -arguments.keep]:
        # Where no lock shows it, a process may live.
        if segments.is_alive(first) is False:
            size += segments.remove(first)
            gone += 1
    left = plural(len(processes) - gone, "process", "processes")
    if gone:
        removed = plural(gone, "process", "processes")
        print(f"{directory}: removed {removed}, {size / 1e6:,.1f} MB; {left} left.", file=out)
    else:
        print(f"{directory}: {left}, nothing to remove.", file=out)
    return 0
