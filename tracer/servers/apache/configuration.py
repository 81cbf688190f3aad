"""Apache's configuration files, as text: one function for each way to run Python under it.

Everything that Apache writes goes to the directory that it is given, nothing to the system's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.servers.apache.accounts import Account

RECYCLING: Final = 5
"""Requests after which a daemon of mod_wsgi's is replaced."""
CALLABLE: Final = "application"
"""What the entry module calls the WSGI application."""

# What CGI says about each request, and what a visitor's headers become, is not for us to set.
_REQUEST = re.compile(
    r"HTTP_\w+|REDIRECT_\w+|SERVER_(NAME|PORT|ADDR|ADMIN|SOFTWARE|PROTOCOL|SIGNATURE)|"
    r"REQUEST_(METHOD|URI|SCHEME)|REMOTE_(ADDR|HOST|PORT|USER|IDENT)|"
    r"SCRIPT_(NAME|FILENAME|URI|URL)|CONTEXT_(PREFIX|DOCUMENT_ROOT)|CONTENT_(TYPE|LENGTH)|"
    r"PATH_(INFO|TRANSLATED)|QUERY_STRING|AUTH_TYPE|GATEWAY_INTERFACE|DOCUMENT_ROOT"
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is that a configuration names."""

    directory: Path
    """Apache's own: process id, sockets, locks and logs."""
    modules: Path
    """Where its modules lie."""
    listen: str
    """Address and port."""
    account: Account | None
    """Whom to serve as; None where Apache is not started by root."""
    entry: Path
    """The Python file that has the application, to be imported by its name or run."""
    script: Path
    """The program for CGI and FastCGI."""
    project: Path
    """The directory of the project that is served."""
    workers: int
    threads: int
    """Of each worker; 1 is the prefork model where there is a choice."""

    @property
    def log(self) -> Path:
        """Apache's error log, and with it what the application writes to standard error."""
        return self.directory / "error.log"


def embedded(layout: Layout) -> str:
    """mod_wsgi in Apache's own processes; built by each with its first request."""
    return _text(
        *_head(layout, _model(layout), "wsgi"),
        *_processes(layout),
        f"WSGIScriptAlias / {_quoted(layout.entry)} application-group=%{{GLOBAL}}",
        *_open(layout.entry.parent),
    )


def daemon(layout: Layout) -> str:
    """mod_wsgi in processes of its own, replaced after a few requests."""
    return _text(
        *_head(layout, "event", "wsgi"),
        # Apache's own processes run no Python then.
        "WSGIRestrictEmbedded On",
        f"WSGISocketPrefix {_quoted(layout.directory / 'wsgi')}",
        # Usually it waits for an idle moment; under load there is none, and nothing is replaced.
        f"WSGIDaemonProcess tracer processes={layout.workers} threads={layout.threads} "
        # Not every account has a home, where daemons would start otherwise.
        f"maximum-requests={RECYCLING} graceful-timeout=0 home={_quoted(layout.project)}",
        f"WSGIScriptAlias / {_quoted(layout.entry)} "
        "process-group=tracer application-group=%{GLOBAL}",
        *_open(layout.entry.parent),
    )


def mod_python(layout: Layout) -> str:
    """mod_python, with the WSGI handler that it brings."""
    return _text(
        *_head(layout, "prefork", "python"),
        *_processes(layout),
        f"PythonOption mod_python.mutex_directory {_quoted(layout.directory)}",
        "<Location />",
        "  Require all granted",
        "  SetHandler mod_python",
        "  PythonHandler mod_python.wsgi",
        f"  PythonOption mod_python.wsgi.application {layout.entry.stem}::{CALLABLE}",
        "  PythonInterpreter main_interpreter",
        "</Location>",
    )


def cgi(layout: Layout, environment: Mapping[str, str]) -> str:
    """A new process for each request."""
    return _text(
        *_head(layout, "event", "alias", "env", "cgid"),
        f"ScriptSock {_quoted(layout.directory / 'cgid.sock')}",
        *(f"PassEnv {name}" for name in handed_on(environment)),
        f"ScriptAlias / {_quoted(f'{layout.script}/')}",
        *_open(layout.script.parent),
    )


def fastcgi(layout: Layout, sockets: Path) -> str:
    """Processes that mod_fcgid starts when they are needed, and uses again; no more than workers.

    They get nothing of Apache's environment, and mod_fcgid cuts off what is long: the script itself
    has to bring it. `sockets` is a directory that the account may write to.
    """
    return _text(
        *_head(layout, "event", "alias", "fcgid"),
        f"FcgidIPCDir {_quoted(sockets)}",
        f"FcgidProcessTableFile {_quoted(layout.directory / 'fcgid_shm')}",
        f"FcgidMaxProcesses {layout.workers}",
        f"ScriptAlias / {_quoted(f'{layout.script}/')}",
        f"<Directory {_quoted(layout.script.parent)}>",
        "  SetHandler fcgid-script",
        "  Options +ExecCGI",
        # It takes a script's path apart at every space, but not a wrapper's arguments.
        f"  FcgidWrapper {_quoted(f'/bin/sh {_quoted(layout.script)}')} virtual",
        "  Require all granted",
        "</Directory>",
    )


def _head(layout: Layout, model: str, *modules: str) -> list[str]:
    """What every configuration begins with; `model` is how Apache itself makes processes."""
    loaded = (f"mpm_{model}", "authz_core", *modules)
    lines = [
        f"LoadModule {name}_module {_quoted(layout.modules / f'mod_{name}.so')}" for name in loaded
    ]
    lines += [
        f"ServerRoot {_quoted(layout.directory)}",
        f"DefaultRuntimeDir {_quoted(layout.directory)}",
        f"PidFile {_quoted(layout.directory / 'httpd.pid')}",
        f"Listen {layout.listen}",
        "ServerName localhost",
        f"ErrorLog {_quoted(layout.log)}",
    ]
    if layout.account is not None:
        lines += [f"User {layout.account.name}", f"Group #{layout.account.gid}"]
    return lines


def _model(layout: Layout) -> str:
    return "event" if layout.threads > 1 else "prefork"


def _processes(layout: Layout) -> list[str]:
    """As many of Apache's own processes as there are workers, from beginning to end."""
    most = layout.workers * layout.threads
    lines = [
        f"ServerLimit {layout.workers}",
        f"StartServers {layout.workers}",
        f"MaxRequestWorkers {most}",
    ]
    if _model(layout) == "prefork":
        spare = layout.workers
        return [*lines, f"MinSpareServers {spare}", f"MaxSpareServers {spare + 1}"]
    return [
        *lines,
        f"ThreadLimit {layout.threads}",
        f"ThreadsPerChild {layout.threads}",
        f"MinSpareThreads {most}",
        f"MaxSpareThreads {most + layout.threads}",
    ]


def _open(directory: Path) -> list[str]:
    """Nothing is served from anywhere unless it is allowed."""
    return [f"<Directory {_quoted(directory)}>", "  Require all granted", "</Directory>"]


def handed_on(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that a script can be given, and that do not describe a request."""
    return sorted(n for n in environment if _NAME.fullmatch(n) and not _REQUEST.fullmatch(n))


def _quoted(word: object) -> str:
    """One word of a directive, whatever characters are in it."""
    return '"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
