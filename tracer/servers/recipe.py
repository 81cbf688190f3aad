"""Recipes: what each server needs, and which programs it consists of.

A recipe starts no process itself. `tracer.servers.start` gives it a `Launch` and runs the `Plan`
that it returns.
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
    """Whether a server is installed here; if not, `why` says what to install."""

    ok: bool
    why: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """The project, the port and everything else that a recipe plans the server's programs for."""

    project: Project
    python: str
    """The path of the interpreter."""
    port: int
    workers: int
    threads: int
    """Both as the caller asked, else the recipe's own; 0 if the recipe has no such setting."""
    options: tuple[str, ...]
    """Further arguments for the server's command line."""
    work: Path
    """A temporary directory of mode 755 for configuration, sockets and logs; removed at the end."""
    journal: Path | None
    environment: Mapping[str, str]
    """The whole environment of each program."""

    @property
    def bind(self) -> str:
        """Address and port in the form that most servers take."""
        return f"{HOST}:{self.port}"

    def module(self, name: str, *words: str) -> tuple[str, ...]:
        """Returns the command that runs a Python module as a program."""
        return (self.python, "-m", name, *words)


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a server."""

    command: tuple[str, ...]
    listens: int | Path
    """The port, or the Unix socket, that it opens once it has started."""
    stop: signal.Signals = signal.SIGTERM
    """The signal that ends it in order, with Python's exit handlers if the server allows it."""
    stop_target: Literal["main", "group", "leaves"] = "main"
    """Where that signal goes: to the started process, to its process group as with Ctrl-C in a
    terminal, or to those of its processes that have no child."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the launch's environment."""
    logs: tuple[Path, ...] = ()
    """Log files that it writes besides its output."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs of a server in the order of their start; the last opens the launch's port."""

    programs: tuple[Program, ...]
    loads: int = 0
    """How many processes must have loaded `tracer.application` before the server counts as started;
    0 if they load it with their first request."""
    journal: Path | None = None
    """Where the processes write their journals if their account may not write to the launch's; the
    journals are copied there at the end."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A server in one of its modes."""

    name: str
    title: str
    """One line about its processes and threads."""
    needs: str
    """What must be installed: a name for pip, or packages of the system."""
    find: Callable[[], Availability]
    plan: Callable[[Launch], Plan]
    workers: int | None = None
    """Worker processes by default; None: it has no such setting."""
    threads: int | None = None
    """Threads per process by default; None: it has no such setting."""

    def available(self) -> Availability:
        """Checks whether it is installed here, and in which version."""
        return self.find()


def package_check(
    name: str, *others: str, least: tuple[int, ...] = ()
) -> Callable[[], Availability]:
    """Returns a check that the Python package `name` is installed, at this version or later.

    `others` must be installed too.
    """

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
