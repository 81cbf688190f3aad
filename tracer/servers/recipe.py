"""How a server is started: a recipe says what it needs, and plans its programs for a port.

A recipe writes no process and no port of its own: `tracer.servers.start` hands it an `Order` and
runs the `Plan` that comes back.
"""

from __future__ import annotations

import importlib.metadata
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tracer.servers.project import Project

HOST = "127.0.0.1"
WSGI = "tracer.application.wsgi:application"
ASGI = "tracer.application.asgi:application"


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a server is here; if not, `why` is a sentence with the mend."""

    ok: bool
    why: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be served, and where."""

    project: Project
    python: str
    """The interpreter, by its path."""
    port: int
    workers: int
    threads: int
    """Both as asked for, else the recipe's own; 0 where the recipe has no such thing."""
    options: tuple[str, ...]
    """Further words for the server's command line."""
    work: Path
    """Temporary, mode 755, for configuration, sockets and logs; removed at the end."""
    journal: Path | None
    environment: Mapping[str, str]
    """The whole environment that each program will get."""

    @property
    def bind(self) -> str:
        """Address and port, as most servers want them."""
        return f"{HOST}:{self.port}"

    def module(self, name: str, *words: str) -> tuple[str, ...]:
        """Return the command that runs a Python module as a program."""
        return (self.python, "-m", name, *words)


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a plan."""

    command: tuple[str, ...]
    listens: int | Path
    """The port, or the Unix socket, by which it is known to be there."""
    stop: signal.Signals = signal.SIGTERM
    """What ends it in an orderly way, with Python's exit handlers wherever it can be had."""
    whom: Literal["main", "group", "leaves"] = "main"
    """Who gets that signal: the process that was started, its process group as with Ctrl-C in a
    terminal, or those of its processes that have no child."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """In addition to the order's."""
    logs: tuple[Path, ...] = ()
    """Files to which it writes its log, beside its output."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs of a server, in the order in which they start; the last has the order's port."""

    programs: tuple[Program, ...]
    loads: int = 0
    """How many processes must have loaded `tracer.application` before it counts as started; 0
    where they do so only with their first request."""
    journal: Path | None = None
    """Where the processes keep their journals meanwhile, if they may not write to the order's;
    they are put there at the end."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A server and the mode in which it is run."""

    name: str
    title: str
    """One line on what it does with processes and threads."""
    needs: str
    """What must be installed: a name for pip, or packages of the system."""
    find: Callable[[], Availability]
    plan: Callable[[Order], Plan]
    workers: int | None = None
    """Worker processes unless others are asked for; None: it has no such setting."""
    threads: int | None = None
    """Threads per process unless others are asked for; None: it has no such setting."""

    def available(self) -> Availability:
        """Look whether it is installed here, and in which version."""
        return self.find()


def wheel(name: str, *others: str, least: tuple[int, ...] = ()) -> Callable[[], Availability]:
    """Return the check for a Python distribution of at least this version, and its companions."""

    def find() -> Availability:
        for each in (name, *others):
            try:
                version = importlib.metadata.version(each)
            except importlib.metadata.PackageNotFoundError:
                return Availability(False, f"{each} is not installed: pip install {each}")
        version = importlib.metadata.version(name)
        if least and tuple(map(int, re.findall(r"\d+", version)[: len(least)])) < least:
            wanted = ".".join(map(str, least))
            return Availability(
                False, f"{name} {version} is older than {wanted}: pip install -U {name}", version
            )
        return Availability(True, version=version)

    return find
