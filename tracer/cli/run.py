"""`python -m tracer run -- COMMAND …`: runs a command and traces every Django process it starts.

The command replaces this process, so it has the signals, the terminal, the open files and the exit
status to itself. Windows cannot replace a process; there the command runs as a child, and this
process passes on its exit status.

Exit statuses of this process, as shells have them: 126 (the command cannot be executed), 127 (there
is no such command).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from tracer.bootstrap.environment import environment

CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
EXAMPLE: Final = "python -m tracer run -- python manage.py runserver"

_IGNORED: Final = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")
"""Signals that Python ignores. The command would inherit that, so they are set to the default."""


def add_parser(commands: Any) -> None:
    """Adds the command `run` to the command line's parser."""
    parser = commands.add_parser(
        "run",
        help="run a command, and trace every Django process that comes of it",
        usage="python -m tracer run [--journal DIR] [--no-console] -- COMMAND ...",
        description=f"Trace a Django project without editing it: {EXAMPLE}",
    )
    parser.add_argument("--journal", type=Path, metavar="DIR", help="directory for the journal")
    parser.add_argument(
        "--no-console", dest="console", action="store_false", help="draw nothing while it runs"
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run")
    parser.set_defaults(usage_error=parser.error)


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divides a command line at the first "--" if its command is `run`."""
    words = list(words)
    if words[:1] != ["run"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at:]


def command(arguments: argparse.Namespace, rest: Sequence[str]) -> list[str]:
    """Returns the command to run; exits with a usage error if there is none.

    `rest` is the second part from `split`. Its "--" belongs to the command if that began before it.
    """
    found = [*arguments.words, *(rest if arguments.words else rest[1:])]
    if not found or not found[0]:
        arguments.usage_error(f"name a command, as in: {EXAMPLE}")
    return found


def run(
    arguments: argparse.Namespace, words: Sequence[str], err: TextIO, base: Mapping[str, str]
) -> int:
    """Replaces this process with the command; returns a status if it cannot, or on Windows."""
    env = environment(base, journal=arguments.journal, console=arguments.console)
    if arguments.console and "TRACER_CONSOLE" in base:
        env["TRACER_CONSOLE"] = base["TRACER_CONSOLE"]
    try:
        if os.name == "nt":
            return supervise(words, env)
        replace(words, env)
    except FileNotFoundError:
        return _report_not_found(words[0], env, err)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"tracer: {words[0]} cannot be executed: {reason}.", file=err)
        return CANNOT_EXECUTE


def replace(words: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Replaces this process with the command. Raises OSError if there is no such command."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(words[0], list(words), env)


def supervise(words: Sequence[str], env: Mapping[str, str]) -> int:
    """Runs the command as a child and returns its exit status; the child alone handles Ctrl-C."""
    with subprocess.Popen(list(words), env=dict(env)) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def _report_not_found(word: str, env: Mapping[str, str], err: TextIO) -> int:
    """Says whether the command is missing or its interpreter, and returns the exit status."""
    there = shutil.which(word, path=env.get("PATH"))
    if there is not None:
        print(f"tracer: {there} cannot be executed: its interpreter is missing.", file=err)
        return CANNOT_EXECUTE
    print(
        f"tracer: there is no command {word!r}. Name it by its path, or activate the environment "
        "that it is installed in.",
        file=err,
    )
    return NOT_FOUND
