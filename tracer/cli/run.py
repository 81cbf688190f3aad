"""`python -m tracer run -- COMMAND …`: any Django project, traced from its interpreter's start.

The command takes this process's place, so there is nothing between it and whoever started it:
signals, terminal, open files and exit status are its own. Only where a process cannot be replaced
(Windows) it runs as a child, and its status is passed on.

Exit statuses of our own, as shells have them: 126 (the command cannot be executed), 127 (there is
no such command).
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

CANNOT: Final = 126
UNKNOWN: Final = 127
EXAMPLE: Final = "python -m tracer run -- python manage.py runserver"

_IGNORED: Final = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")
"""Signals that Python ignores for itself; ignored signals would stay so in the command."""


def add_parser(commands: Any) -> None:
    """Add the command to the command line's parser."""
    parser = commands.add_parser(
        "run",
        help="run a command, and trace every Django process that comes of it",
        usage="python -m tracer run [--journal DIR] [--no-console] -- COMMAND ...",
        description=f"Trace a Django project without a line of it edited: {EXAMPLE}",
    )
    parser.add_argument("--journal", type=Path, metavar="DIR", help="where each process writes")
    parser.add_argument(
        "--no-console", dest="console", action="store_false", help="draw nothing while it runs"
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run")
    parser.set_defaults(refuse=parser.error)


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide a command line at its first "--"; only that of `run` has one that is ours."""
    words = list(words)
    if words[:1] != ["run"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at:]


def command(asked: argparse.Namespace, rest: Sequence[str]) -> list[str]:
    """Return the command to run; exits with a usage error if there is none.

    `rest` is what `split` cut off: its "--" is the command's own if that began before it.
    """
    found = [*asked.words, *(rest if asked.words else rest[1:])]
    if not found or not found[0]:
        asked.refuse(f"name a command, as in: {EXAMPLE}")
    return found


def run(
    asked: argparse.Namespace, words: Sequence[str], err: TextIO, base: Mapping[str, str]
) -> int:
    """Become the command. Returns a status only if that is impossible, or on Windows."""
    env = environment(base, journal=asked.journal, console=asked.console)
    if asked.console and "TRACER_CONSOLE" in base:
        env["TRACER_CONSOLE"] = base["TRACER_CONSOLE"]
    try:
        if os.name == "nt":
            return supervise(words, env)
        replace(words, env)
    except FileNotFoundError:
        return _missing(words[0], env, err)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"tracer: {words[0]} cannot be executed: {reason}.", file=err)
        return CANNOT


def replace(words: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Put the command in this process's place. Raises OSError where there is no such command."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(words[0], list(words), env)


def supervise(words: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the command as a child and return its status; Ctrl-C is for the child to answer."""
    with subprocess.Popen(list(words), env=dict(env)) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def _missing(word: str, env: Mapping[str, str], err: TextIO) -> int:
    """Tell a command that is not there from one whose interpreter is not."""
    there = shutil.which(word, path=env.get("PATH"))
    if there is not None:
        print(f"tracer: {there} cannot be executed: its interpreter is missing.", file=err)
        return CANNOT
    print(
        f"tracer: there is no command {word!r}. Name it by its path, or activate the environment "
        "that it is installed in.",
        file=err,
    )
    return UNKNOWN
