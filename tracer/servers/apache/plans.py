"""Recipes for Apache: one for each way to run Python under it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote

from tracer.servers.apache import configuration, discovery
from tracer.servers.apache.accounts import Account
from tracer.servers.apache.configuration import Layout
from tracer.servers.apache.discovery import Apache
from tracer.servers.errors import ServerFailed
from tracer.servers.recipe import Availability, Launch, Plan, Program, Recipe, package_check

MODULE = "tracer_entry"
"""The name of the generated entry module; no project should have a module of this name."""

_ENTRY = """\
import site

for place in {places!r}:
    # addsitedir also reads .pth files, through which editable installs are found.
    site.addsitedir(place)

from tracer.application.wsgi import application
"""
_CGI = """\
#!{python}
from {module} import application

from wsgiref.handlers import CGIHandler

CGIHandler().run(application)
"""
_FASTCGI = """\
from {module} import application

# mod_fcgid sends a process one request at a time.
from flup.server.fcgi_single import WSGIServer
import signal

# It ends at the first SIGTERM; mod_fcgid sends more of them while the exit handlers run.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
WSGIServer(application).run()
"""
_LAUNCHER = """\
#!/bin/sh
{exports}
exec {python} {program}
"""

Writer = Callable[[Layout, Mapping[str, str]], str]
"""Returns the text of a configuration and writes the script that it names, if there is one.

Takes the layout and the environment.
"""


def _entry(launch: Launch, account: Account | None) -> tuple[Path, dict[str, str]]:
    """Writes the entry module; returns its path and the variables that its Python needs."""
    directory = _make_directory(launch.work / "entry")
    entry = directory / f"{MODULE}.py"
    places = [str(place) for place in discovery.package_directories()]
    _write(entry, _ENTRY.format(places=places))
    path = [launch.environment.get("PYTHONPATH", ""), str(directory), *places]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        # The interpreter inside Apache finds its library through the first Python on the PATH.
        "PATH": os.pathsep.join(
            [*discovery.SYSTEM_DIRECTORIES, launch.environment.get("PATH", "")]
        ),
    }
    if "PYTHONHOME" in launch.environment:
        variables["PYTHONHOME"] = ""
    if account is not None:
        variables["HOME"] = str(account.home)
    return entry, variables


def _staging_directory(launch: Launch, account: Account | None) -> Path | None:
    """Makes a directory below the work directory if the account may not write to the journal's."""
    if launch.journal is None or account is None:
        return None
    if account.blocked_at(launch.journal, os.R_OK | os.W_OK) is None:
        return None
    staging = _make_directory(launch.work / "journal")
    account.take_ownership([staging])
    return staging


def _layout(launch: Launch, here: Apache, entry: Path) -> Layout:
    return Layout(
        directory=_make_directory(launch.work / "apache"),
        modules=here.modules,
        listen=launch.bind,
        account=here.account,
        entry=entry,
        script=_make_directory(launch.work / "script") / "application",
        project=launch.project.directory,
        workers=launch.workers,
        threads=launch.threads or 1,
    )


def _plan(write: Writer, launch: Launch, loads: int) -> Plan:
    """Plans an Apache with the configuration that `write` returns."""
    here = discovery.find_apache()
    if isinstance(here, Availability):
        raise ServerFailed(here.why)
    account = here.account
    why = discovery.unreadable(account, [launch.work, launch.project.directory])
    if why:
        raise ServerFailed(f"{why}.")
    entry, variables = _entry(launch, account)
    staging = _staging_directory(launch, account)
    if staging is not None:
        variables["TRACER_JOURNAL"] = str(staging)
    if account is not None:
        # The demo's database was copied for this start. A user's own files keep their owner.
        account.take_ownership([*launch.work.glob("demo"), *launch.work.glob("demo/*")])
    layout = _layout(launch, here, entry)
    file = layout.directory / "httpd.conf"
    _write(file, write(layout, {**launch.environment, **variables}))
    line = (str(here.program), "-D", "FOREGROUND", "-f", str(file), *launch.options)
    program = Program(line, launch.port, environment=variables, logs=(layout.log,))
    return Plan((program,), loads=loads, journal=staging)


def _embedded(layout: Layout, environment: Mapping[str, str]) -> str:
    return configuration.embedded(layout)


def _daemon(layout: Layout, environment: Mapping[str, str]) -> str:
    return configuration.daemon(layout)


def _mod_python(layout: Layout, environment: Mapping[str, str]) -> str:
    return configuration.mod_python(layout)


def _cgi(layout: Layout, environment: Mapping[str, str]) -> str:
    _write(layout.script, _CGI.format(python=_python(layout), module=MODULE), 0o755)
    return configuration.cgi(layout, environment)


def _fastcgi(layout: Layout, environment: Mapping[str, str]) -> str:
    python, program = _python(layout), layout.script.with_suffix(".py")
    _write(program, _FASTCGI.format(module=MODULE))
    names = configuration.script_variables(environment)
    exports = "\n".join(f"export {name}={quote(environment[name])}" for name in names)
    launcher = _LAUNCHER.format(
        exports=exports, python=quote(str(python)), program=quote(str(program))
    )
    # Its environment may hold secrets, so only its account may read it.
    _write(layout.script, launcher, 0o700)
    sockets = _make_directory(layout.directory / "fcgid")
    if layout.account is not None:
        layout.account.take_ownership([layout.script, sockets])
    return configuration.fastcgi(layout, sockets)


def _python(layout: Layout) -> Path:
    """Returns the interpreter for scripts. Raises ServerFailed if there is none."""
    python = discovery.interpreter(layout.account)
    if isinstance(python, str):
        raise ServerFailed(f"{python}.")
    return python


def _make_directory(directory: Path) -> Path:
    """Makes a directory that everybody may enter, whatever the umask."""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    return directory


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file with this mode, and keeps it unreadable for others until then."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _find(*modules: str, package: str, needs: str = "") -> Callable[[], Availability]:
    """Returns the check for Apache with these modules, of which the last runs the application.

    `needs` is a Python package that its script imports.
    """

    def find() -> Availability:
        here = discovery.find_apache()
        if isinstance(here, Availability):
            return here
        usable = discovery.check_modules(here, modules, package)
        if not usable.ok:
            return usable
        if needs and not package_check(needs)().ok:
            return package_check(needs)()
        if modules[-1] in ("cgid", "fcgid"):
            python = discovery.interpreter(here.account)
            why = python if isinstance(python, str) else ""
        else:
            why = discovery.python_mismatch(here, modules[-1])
        return Availability(not why, why, usable.version)

    return find


def _recipe(
    name: str,
    title: str,
    write: Writer,
    find: Callable[[], Availability],
    needs: str,
    workers: int | None = None,
    threads: int | None = None,
) -> Recipe:
    # A daemon loads the application when it starts, all others with their first request.
    def plan(launch: Launch) -> Plan:
        return _plan(write, launch, launch.workers if write is _daemon else 0)

    return Recipe(name, title, needs, find, plan, workers, threads)


_WSGI = "libapache2-mod-wsgi-py3"
_PYTHON = "libapache2-mod-python"
_FCGID = "libapache2-mod-fcgid"

RECIPES = (
    _recipe(
        "apache-cgi", "Apache starts a new process for each request",
        _cgi, _find("mpm_event", "authz_core", "alias", "env", "cgid", package="apache2"),
        "apache2",
    ),
    _recipe(
        "apache-mod_wsgi-embedded", "the application runs in each of Apache's own processes",
        _embedded, _find("mpm_prefork", "authz_core", "wsgi", package=_WSGI),
        f"apache2 {_WSGI}", workers=5, threads=1,
    ),
    _recipe(
        "apache-mod_wsgi-daemon",
        f"two processes beside Apache's, a pool of threads in each, replaced after "
        f"{configuration.RECYCLING} requests",
        _daemon, _find("mpm_event", "authz_core", "wsgi", package=_WSGI),
        f"apache2 {_WSGI}", workers=2, threads=5,
    ),
    _recipe(
        "apache-mod_python", "the application runs in each of Apache's own processes",
        _mod_python, _find("mpm_prefork", "authz_core", "python", package=_PYTHON),
        f"apache2 {_PYTHON}", workers=5,
    ),
    _recipe(
        "apache-fcgi", "Apache starts processes as it needs them, and uses them again",
        _fastcgi, _find("mpm_event", "authz_core", "alias", "fcgid", package=_FCGID, needs="flup"),
        f"apache2 {_FCGID} flup", workers=2,
    ),
)  # fmt: skip
