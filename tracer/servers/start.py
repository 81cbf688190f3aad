"""Starting a server: a free port, its programs one after the other, and its first sign of life."""

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
from tracer.servers.program import PAUSE, Child
from tracer.servers.recipe import HOST, Order, Plan, Program, Recipe
from tracer.servers.server import Server, Site

PORTS: Final = 5
"""Ports to try: another program may take one in the moment between finding and using it."""
_TAKEN: Final = re.compile(
    r"address (is )?already in use|connection in use|port is already in use|could not bind|"
    r"error while attempting to bind|EADDRINUSE|Errno 98",
    re.IGNORECASE,
)


class PortTaken(Exception):
    """Somebody else was quicker."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, before there is a port."""

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
    """Start a Django project under a server and return it, running.

    `server` is a name of `RECIPES`, or a recipe of your own.

    `project` is the directory with manage.py (None: the demo), `settings` its settings module
    (None: the one that manage.py names). With a `journal` every process is traced and writes
    there; without one nothing is traced. `environment` is added to that of this process,
    `options` to the server's command line. `timeout` is in seconds, for the start and for each
    answer. With `keep_failed` the work directory of a server that does not start is kept.

    Raises ValueError for a name, project or number that makes no sense, ServerMissing if the
    server is not installed, and ServerFailed, with the end of its log, if it does not start.
    """
    recipe = server if isinstance(server, Recipe) else _recipe(server)
    extra = dict(environment or {})
    chosen = projects.find_project(project, settings, extra)
    found = recipe.available()
    if not found.ok:
        raise ServerMissing(f"{recipe.name} cannot be started: {found.why}")
    if journal is not None:
        journal = Path(journal).expanduser().absolute()
        journal.mkdir(parents=True, exist_ok=True)
    wish = Wish(
        recipe=recipe,
        version=found.version,
        project=chosen,
        workers=_number(recipe, "workers", recipe.workers, workers),
        threads=_number(recipe, "threads", recipe.threads, threads),
        options=tuple(options),
        journal=journal,
        environment=extra,
        timeout=timeout,
    )
    for _ in range(PORTS):
        try:
            return _start(wish, free_port(), keep_failed)
        except PortTaken:
            continue
    raise ServerFailed(f"{recipe.name} found {PORTS} ports in use, one after the other.")


def _recipe(name: str) -> Recipe:
    try:
        return RECIPES[name]
    except KeyError:
        raise ValueError(f"There is no server {name!r}; there is {', '.join(RECIPES)}.") from None


def _number(recipe: Recipe, what: str, usual: int | None, asked: int | None) -> int:
    """Return how many workers or threads; 0 where the server has no such thing."""
    if asked is None:
        return usual or 0
    if usual is None:
        raise ValueError(f"{recipe.name} has no number of {what} to choose; leave it out.")
    if asked < 1:
        raise ValueError(f"{recipe.name} needs at least one of its {what}, not {asked}.")
    return asked


def free_port() -> int:
    """Return a loopback port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _start(wish: Wish, port: int, keep_failed: bool) -> Server:
    """Start all programs; whatever goes wrong, none of them is left behind."""
    work = Path(tempfile.mkdtemp(prefix="tracer-"))
    # A server may read its files as another user.
    work.chmod(0o755)
    site = Site(work)
    try:
        ready = work / "ready"
        ready.mkdir()
        ready.chmod(0o777)
        order = Order(
            project=wish.project,
            python=sys.executable,
            port=port,
            workers=wish.workers,
            threads=wish.threads,
            options=wish.options,
            work=work,
            journal=wish.journal,
            environment=_environment(wish, work, ready),
        )
        begun = time.monotonic()
        deadline = begun + wish.timeout
        plan = wish.recipe.plan(order)
        site.staging, site.journal = plan.journal, wish.journal
        _start_programs(wish.recipe.name, site, plan, order, deadline)
        _wait_for_loads(wish.recipe.name, site, plan, ready, deadline)
    except PortTaken:
        # Some would try the same port for seconds yet, deaf to everything else.
        site.close(force=True)
        raise
    except ServerFailed as error:
        if keep_failed:
            site.keep = True
            error.directory = work
        site.close()
        raise
    except BaseException:
        site.close()
        raise
    boot = time.monotonic() - begun
    return Server(wish.recipe, wish.version, port, site, wish.journal, boot, wish.timeout)


def _environment(wish: Wish, work: Path, ready: Path) -> dict[str, str]:
    """Return what every program gets; the tracer's own variables only from who called."""
    made = projects.environment(wish.project, wish.environment, work)
    if wish.journal is None:
        made = {"TRACER_ENABLED": "0", **made}
    else:
        made = bootstrap.environment(made, journal=wish.journal, console=False)
        made |= {name: value for name, value in wish.environment.items() if name[:7] == "TRACER_"}
    return {**made, READY: str(ready)}


def _start_programs(name: str, site: Site, plan: Plan, order: Order, deadline: float) -> None:
    for program in plan.programs:
        log = order.work / f"{name}-{len(site.children) + 1}.log"
        directory = order.project.directory
        try:
            child = Child(program, order.environment, directory, log, order.python)
        except OSError as error:
            what = program.command[0]
            raise ServerFailed(f"{name}: {what} cannot be run ({error.strerror}).") from error
        site.children.append(child)
        while not _is_there(child, program):
            _look_for_trouble(name, site, deadline, "opened no port")
            time.sleep(PAUSE)


def _is_there(child: Child, program: Program) -> bool:
    """Tell whether the program listens. Where /proc tells, no connection is made to find out."""
    if isinstance(program.listens, Path):
        return _answers(socket.AF_UNIX, str(program.listens))
    listens = proc.listens(program.listens, child.pid)
    return _answers(socket.AF_INET, (HOST, program.listens)) if listens is None else listens


def _answers(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _wait_for_loads(name: str, site: Site, plan: Plan, ready: Path, deadline: float) -> None:
    """Return when as many processes as planned have loaded the application."""
    while len(list(ready.iterdir())) < plan.loads:
        _look_for_trouble(name, site, deadline, "did not load the application")
        time.sleep(PAUSE)


def _look_for_trouble(name: str, site: Site, deadline: float, what: str) -> None:
    """Raise PortTaken or ServerFailed if this start will come to nothing."""
    dead = [child for child in site.children if not child.running]
    late = time.monotonic() >= deadline
    log = site.log()
    if _TAKEN.search(log):
        raise PortTaken
    if dead:
        status = dead[0].popen.returncode
        ending = f"signal {-status}" if status < 0 else f"status {status}"
        raise ServerFailed(f"{name} ended at its start, with {ending}.", log)
    if late:
        raise ServerFailed(f"{name} {what} in time.", log)
