"""The command line: `python -m tracer show DIR`, `watch DIR`, `settle DIR`, `tidy DIR`,
`run -- COMMAND` and `compare`.

No command needs Django settings. Pictures go to standard output, notes and errors to standard
error.

Exit statuses: 0, 1 (the journal, process or request is not there, or the output cannot be written),
2 (wrong arguments) and 130 (interrupted). `compare` adds some of its own; `run` passes on the
command's.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from tracer import __version__
from tracer.cli import compare, run, settle, show, tidy, watch
from tracer.cli.output import OutputError
from tracer.journal.segments import JournalError


def main(
    argv: Sequence[str] | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    pause: Callable[[], None] = watch.wait,
) -> int:
    """Runs one command and returns its exit status; some call `pause` between two polls."""
    out, err = stdout or sys.stdout, stderr or sys.stderr
    try:
        words, rest = run.split(sys.argv[1:] if argv is None else argv)
        arguments = _parser().parse_args(words)
        if arguments.command == "run":
            return run.run(arguments, run.command(arguments, rest), err, os.environ)
        if arguments.command in ("show", "compare"):
            (show if arguments.command == "show" else compare).check(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        match arguments.command:
            case "watch":
                watch.run(arguments, out, err, pause)
            case "settle":
                return settle.run(arguments, out, err, pause)
            case "tidy":
                return tidy.run(arguments, out)
            case "compare":
                return compare.run(arguments, out, err)
        return show.run(arguments, out, err)
    except (JournalError, OutputError) as error:
        print(f"{error}", file=err)
        return 1
    except KeyboardInterrupt:
        return 0 if arguments.command == "watch" else 130
    except BrokenPipeError:
        _discard_buffer(out)
        return 0
    except OSError as error:
        print(f"The picture cannot be written: {error.strerror or error}.", file=err)
        _discard_buffer(out)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracer",
        description="Trace any Django project, draw what was recorded, compare servers.",
    )
    parser.add_argument("--version", action="version", version=f"tracer {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="show|watch|settle|tidy|run|compare"
    )
    for command in (show, watch, settle, tidy, run, compare):
        command.add_parser(commands)
    return parser


def _discard_buffer(stream: TextIO) -> None:
    """Points the stream at /dev/null.

    Python flushes the stream's buffer when it exits, and would complain that this fails again.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
