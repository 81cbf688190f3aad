"""Starts a server: finds a free port, starts its programs in turn and waits until it serves."""

from __future__ import annotations

import re
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.application.ready import READY
from tracer.bootstrap import environment as bootstrap
from tracer.servers import proc
from tracer.servers import project as projects
from tracer.servers.catalogue import RECIPES
from tracer.servers.errors import ServerFailed, ServerMissing
from tracer.servers.program import POLL_INTERVAL, Child
from tracer.servers.recipe import HOST, Launch, Plan, Program, Recipe
from tracer.servers.server import ProgramGroup, Server

PORT_ATTEMPTS: Final = 5
"""Ports to try: another program may take a free port before the server does."""
_PORT_IN_USE: Final = re.compile(
    r"address (is )?already in use|connection in use|port is already in use|could not bind|"
    r"error while attempting to bind|EADDRINUSE|Errno 98",
    re.IGNORECASE,
)


class PortTaken(Exception):
    """Another program took the port first."""


@dataclass(frozen=True, slots=True)
class ServeArguments:
    """The arguments of `serve`, checked; the port is not chosen yet."""

    recipe: Recipe
    version: str
    project: projects.Project
    workers: int
    threads: int
    options: tuple[str, ...]
    journal: Path | None
    environment: Mapping[str, str]
    timeout: float


def serve(
    server: str | Recipe,
    *,
    project: Path | None = None,
    settings: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    journal: Path | None = None,
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    timeout: float = 30.0,
    keep_failed: bool = False,
) -> Server:
    """Starts a Django project under a server and returns the server, running.

    `server` is a name of `RECIPES`, or a recipe of your own. `project` is the directory with
    manage.py (None: the demo), `settings` its settings module (None: the one that manage.py names).
    With a `journal` every process is traced and writes there; without one nothing is traced.
    `environment` is added to that of this process, `options` to the server's command line.
    `timeout` is in seconds, for the start and for each answer. With `keep_failed` the work
    directory of a server that does not start is kept.

    Raises ValueError for a wrong name, project or number, ServerMissing if the server is not
    installed, and ServerFailed, with the end of its log, if it does not start.
    """
    recipe = server if isinstance(server, Recipe) else _find_recipe(server)
    variables = dict(environment or {})
    found = projects.find_project(project, settings, variables)
    asked = _arguments(recipe, found, workers, threads, journal, variables, tuple(options), timeout)
    for _ in range(PORT_ATTEMPTS):
        try:
            return _start(asked, free_port(), keep_failed)
        except PortTaken:
            continue
    raise ServerFailed(f"{recipe.name} found {PORT_ATTEMPTS} ports in use, one after the other.")


def _find_recipe(name: str) -> Recipe:
    try:
        return RECIPES[name]
    except KeyError:
        raise ValueError(f"There is no server {name!r}; there is {', '.join(RECIPES)}.") from None


def _arguments(
    recipe: Recipe,
    project: projects.Project,
    workers: int | None,
    threads: int | None,
    journal: Path | None,
    environment: Mapping[str, str],
    options: tuple[str, ...],
    timeout: float,
) -> ServeArguments:
    """Checks that the recipe can be started with these arguments, and makes the journal."""
    found = recipe.available()
    if not found.ok:
        raise ServerMissing(f"{recipe.name} cannot be started: {found.why}")
    if journal is not None:
        journal = Path(journal).expanduser().absolute()
        journal.mkdir(parents=True, exist_ok=True)
    return ServeArguments(
        recipe=recipe,
        version=found.version,
        project=project,
        workers=_number(recipe, "workers", recipe.workers, workers),
        threads=_number(recipe, "threads", recipe.threads, threads),
        options=options,
        journal=journal,
        environment=environment,
        timeout=timeout,
    )


def _number(recipe: Recipe, what: str, usual: int | None, asked: int | None) -> int:
    """Returns how many workers or threads to start; 0 if the server has no such setting."""
    if asked is None:
        return usual or 0
    if usual is None:
        raise ValueError(f"{recipe.name} has no number of {what} to choose; leave it out.")
    if asked < 1:
        raise ValueError(f"{recipe.name} needs at least one of its {what}, not {asked}.")
    return asked


def free_port() -> int:
    """Returns a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _start(asked: ServeArguments, port: int, keep_failed: bool) -> Server:
    """Starts all programs of the server. If one fails, it ends all of them."""
    work = Path(tempfile.mkdtemp(prefix="tracer-"))
    # A server may read its files under another account.
    work.chmod(0o755)
    programs = ProgramGroup(work)
    try:
        launch = _launch(asked, port, work)
        begun = time.monotonic()
        deadline = begun + asked.timeout
        plan = asked.recipe.plan(launch)
        programs.staging, programs.journal = plan.journal, asked.journal
        _start_programs(asked.recipe.name, programs, plan, launch, deadline)
        _wait_until_loaded(asked.recipe.name, programs, plan, work / "ready", deadline)
    except PortTaken:
        # Some servers retry the same port for seconds and ignore every signal meanwhile.
        programs.close(force=True)
        raise
    except ServerFailed as error:
        if keep_failed:
            programs.keep = True
            error.directory = work
        programs.close()
        raise
    except BaseException:
        programs.close()
        raise
    boot = time.monotonic() - begun
    return Server(asked.recipe, asked.version, port, programs, asked.journal, boot, asked.timeout)


def _launch(asked: ServeArguments, port: int, work: Path) -> Launch:
    """Completes the arguments with a port, a work directory and the programs' environment."""
    ready = work / "ready"
    ready.mkdir()
    ready.chmod(0o777)
    return Launch(
        project=asked.project,
        python=sys.executable,
        port=port,
        workers=asked.workers,
        threads=asked.threads,
        options=asked.options,
        work=work,
        journal=asked.journal,
        environment=_environment(asked, work, ready),
    )


def _environment(asked: ServeArguments, work: Path, ready: Path) -> dict[str, str]:
    """Returns the programs' environment; the caller's own TRACER_* variables win."""
    made = projects.environment(asked.project, asked.environment, work)
    if asked.journal is None:
        made = {"TRACER_ENABLED": "0", **made}
    else:
        made = bootstrap.environment(made, journal=asked.journal, console=False)
        made |= {name: value for name, value in asked.environment.items() if name[:7] == "TRACER_"}
    return {**made, READY: str(ready)}


def _start_programs(
    name: str, programs: ProgramGroup, plan: Plan, launch: Launch, deadline: float
) -> None:
    """Starts the programs one after the other, each once the one before it listens."""
    for program in plan.programs:
        log = launch.work / f"{name}-{len(programs.children) + 1}.log"
        directory = launch.project.directory
        try:
            child = Child(program, launch.environment, directory, log, launch.python)
        except OSError as error:
            what = program.command[0]
            raise ServerFailed(f"{name}: {what} cannot be run ({error.strerror}).") from error
        programs.children.append(child)
        while not _listens(child, program):
            _check_start(name, programs, deadline, "opened no port")
            time.sleep(POLL_INTERVAL)


def _listens(child: Child, program: Program) -> bool:
    """Tells whether the program listens: from /proc where there is one, else by connecting."""
    if isinstance(program.listens, Path):
        return _accepts_connections(socket.AF_UNIX, str(program.listens))
    listens = proc.listens(program.listens, child.pid)
    if listens is None:
        return _accepts_connections(socket.AF_INET, (HOST, program.listens))
    return listens


def _accepts_connections(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _wait_until_loaded(
    name: str, programs: ProgramGroup, plan: Plan, ready: Path, deadline: float
) -> None:
    """Returns when as many processes as planned have loaded the application."""
    while len(list(ready.iterdir())) < plan.loads:
        _check_start(name, programs, deadline, "did not load the application")
        time.sleep(POLL_INTERVAL)


def _check_start(name: str, programs: ProgramGroup, deadline: float, what: str) -> None:
    """Raises PortTaken or ServerFailed if this start has failed or is late."""
    dead = [child for child in programs.children if not child.running]
    late = time.monotonic() >= deadline
    log = programs.log()
    if _PORT_IN_USE.search(log):
        raise PortTaken
    if dead:
        status = dead[0].popen.returncode
        ending = f"signal {-status}" if status < 0 else f"status {status}"
        raise ServerFailed(f"{name} ended at its start, with {ending}.", log)
    if late:
        raise ServerFailed(f"{name} {what} in time.", log)
