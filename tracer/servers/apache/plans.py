"""Apache, with each of the ways in which Python has been run under it."""

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
from tracer.servers.recipe import Availability, Order, Plan, Program, Recipe, wheel

MODULE = "tracer_entry"
"""Name of the module that is made for each start, so that no project's name is taken."""

_ENTRY = """\
import site

for place in {places!r}:
    # Not only onto the path: what was installed "editable" is found through the .pth files there.
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

# One request at a time: that is what mod_fcgid sends to a process.
from flup.server.fcgi_single import WSGIServer
import signal

# Ends at the first SIGTERM; mod_fcgid sends more of them, in the middle of Python's exit handlers.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
WSGIServer(application).run()
"""
_LAUNCHER = """\
#!/bin/sh
{exports}
exec {python} {program}
"""

Writer = Callable[[Layout, Mapping[str, str]], str]
"""Makes the text of a configuration, and the script that it names; gets the environment, too."""


def _entry(order: Order, account: Account | None) -> tuple[Path, dict[str, str]]:
    """Write the module that has the application; return it, and the environment it needs."""
    directory = _made(order.work / "entry")
    entry = directory / f"{MODULE}.py"
    places = [str(place) for place in discovery.places()]
    _write(entry, _ENTRY.format(places=places))
    path = [order.environment.get("PYTHONPATH", ""), str(directory), *places]
    given = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        # The interpreter inside Apache finds its library by the first Python on the PATH.
        "PATH": os.pathsep.join([*discovery.SYSTEM, order.environment.get("PATH", "")]),
    }
    if "PYTHONHOME" in order.environment:
        given["PYTHONHOME"] = ""
    if account is not None:
        given["HOME"] = str(account.home)
    return entry, given


def _journal(order: Order, account: Account | None) -> Path | None:
    """Return where to keep the journal for now, if the account cannot write to where it belongs."""
    if order.journal is None or account is None:
        return None
    if account.barrier(order.journal, os.R_OK | os.W_OK) is None:
        return None
    staging = _made(order.work / "journal")
    account.own([staging])
    return staging


def _layout(order: Order, here: Apache, entry: Path) -> Layout:
    return Layout(
        directory=_made(order.work / "apache"),
        modules=here.modules,
        listen=order.bind,
        account=here.account,
        entry=entry,
        script=_made(order.work / "script") / "application",
        project=order.project.directory,
        workers=order.workers,
        threads=order.threads or 1,
    )


def _plan(write: Writer, order: Order, loads: int) -> Plan:
    """Plan an Apache with the configuration that `write` makes."""
    here = discovery.apache()
    if isinstance(here, Availability):
        raise ServerFailed(here.why)
    account = here.account
    why = discovery.unreadable(account, [order.work, order.project.directory])
    if why:
        raise ServerFailed(f"{why}.")
    entry, given = _entry(order, account)
    journal = _journal(order, account)
    if journal is not None:
        given["TRACER_JOURNAL"] = str(journal)
    if account is not None:
        # The demo's database was laid out for this start; of a user's files, none is touched.
        account.own([*order.work.glob("demo"), *order.work.glob("demo/*")])
    layout = _layout(order, here, entry)
    file = layout.directory / "httpd.conf"
    _write(file, write(layout, {**order.environment, **given}))
    line = (str(here.program), "-D", "FOREGROUND", "-f", str(file), *order.options)
    program = Program(line, order.port, environment=given, logs=(layout.log,))
    return Plan((program,), loads=loads, journal=journal)


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
    names = configuration.handed_on(environment)
    exports = "\n".join(f"export {name}={quote(environment[name])}" for name in names)
    launcher = _LAUNCHER.format(
        exports=exports, python=quote(str(python)), program=quote(str(program))
    )
    # What stands in it is nobody's business but of those who run it.
    _write(layout.script, launcher, 0o700)
    sockets = _made(layout.directory / "fcgid")
    if layout.account is not None:
        layout.account.own([layout.script, sockets])
    return configuration.fastcgi(layout, sockets)


def _python(layout: Layout) -> Path:
    """Return the interpreter for scripts. Raises ServerFailed if there is none."""
    python = discovery.interpreter(layout.account)
    if isinstance(python, str):
        raise ServerFailed(f"{python}.")
    return python


def _made(directory: Path) -> Path:
    """Make a directory that everybody may enter, whatever the umask."""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    return directory


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file; whoever may not read it in the end may not at any time."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _find(*modules: str, package: str, needs: str = "") -> Callable[[], Availability]:
    """Return the check for Apache with these modules, of which the last runs the application.

    `needs` is a Python distribution without which its script cannot run.
    """

    def find() -> Availability:
        here = discovery.apache()
        if isinstance(here, Availability):
            return here
        usable = discovery.usable(here, modules, package)
        if not usable.ok:
            return usable
        if needs and not wheel(needs)().ok:
            return wheel(needs)()
        if modules[-1] in ("cgid", "fcgid"):
            python = discovery.interpreter(here.account)
            why = python if isinstance(python, str) else ""
        else:
            why = discovery.embedding(here, modules[-1])
        return Availability(not why, why, usable.version)

    return find


def _row(
    name: str,
    title: str,
    write: Writer,
    find: Callable[[], Availability],
    needs: str,
    workers: int | None = None,
    threads: int | None = None,
) -> Recipe:
    # A daemon loads the application when it starts, everything else with its first request.
    def plan(order: Order) -> Plan:
        return _plan(write, order, order.workers if write is _daemon else 0)

    return Recipe(name, title, needs, find, plan, workers, threads)


_WSGI = "libapache2-mod-wsgi-py3"
_PYTHON = "libapache2-mod-python"
_FCGID = "libapache2-mod-fcgid"

RECIPES = (
    _row(
        "apache-cgi", "Apache starts a new process for each request",
        _cgi, _find("mpm_event", "authz_core", "alias", "env", "cgid", package="apache2"),
        "apache2",
    ),
    _row(
        "apache-mod_wsgi-embedded", "the application runs in each of Apache's own processes",
        _embedded, _find("mpm_prefork", "authz_core", "wsgi", package=_WSGI),
        f"apache2 {_WSGI}", workers=5, threads=1,
    ),
    _row(
        "apache-mod_wsgi-daemon",
        f"two processes beside Apache's, a pool of threads in each, replaced after "
        f"{configuration.RECYCLING} requests",
        _daemon, _find("mpm_event", "authz_core", "wsgi", package=_WSGI),
        f"apache2 {_WSGI}", workers=2, threads=5,
    ),
    _row(
        "apache-mod_python", "the application runs in each of Apache's own processes",
        _mod_python, _find("mpm_prefork", "authz_core", "python", package=_PYTHON),
        f"apache2 {_PYTHON}", workers=5,
    ),
    _row(
        "apache-fcgi", "Apache starts processes as it needs them, and uses them again",
        _fastcgi, _find("mpm_event", "authz_core", "alias", "fcgid", package=_FCGID, needs="flup"),
        f"apache2 {_FCGID} flup", workers=2,
    ),
)  # fmt: skip
