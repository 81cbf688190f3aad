"""Writes the text of Apache's configuration: one function for each way to run Python under it.

All that Apache writes goes to the directory of its `Layout`, nothing to the system's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.servers.apache.accounts import Account

RECYCLING: Final = 5
"""Requests after which a daemon process of mod_wsgi is replaced."""
CALLABLE: Final = "application"
"""The name of the WSGI application in the entry module."""

# Variables that describe a request; CGI sets them, and so do a client's headers.
_REQUEST_VARIABLE = re.compile(
    r"HTTP_\w+|REDIRECT_\w+|SERVER_(NAME|PORT|ADDR|ADMIN|SOFTWARE|PROTOCOL|SIGNATURE)|"
    r"REQUEST_(METHOD|URI|SCHEME)|REMOTE_(ADDR|HOST|PORT|USER|IDENT)|"
    r"SCRIPT_(NAME|FILENAME|URI|URL)|CONTEXT_(PREFIX|DOCUMENT_ROOT)|CONTENT_(TYPE|LENGTH)|"
    r"PATH_(INFO|TRANSLATED)|QUERY_STRING|AUTH_TYPE|GATEWAY_INTERFACE|DOCUMENT_ROOT"
)
_SHELL_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths, the account and the numbers that a configuration names."""

    directory: Path
    """Apache's own directory: pid file, sockets, locks and logs."""
    modules: Path
    """The directory of Apache's modules."""
    listen: str
    """Address and port."""
    account: Account | None
    """The account to serve under; None if root does not start Apache."""
    entry: Path
    """The Python file that defines the application; Apache imports or runs it."""
    script: Path
    """The program for CGI and FastCGI."""
    project: Path
    """The directory of the served project."""
    workers: int
    threads: int
    """Threads of each worker; 1 chooses the prefork model where there is a choice."""

    @property
    def log(self) -> Path:
        """Apache's error log, which also gets the application's standard error."""
        return self.directory / "error.log"


def embedded(layout: Layout) -> str:
    """Configures mod_wsgi in Apache's own processes; each loads Django with its first request."""
    return _text(
        *_head(layout, _model(layout), "wsgi"),
        *_processes(layout),
        f"WSGIScriptAlias / {_quoted(layout.entry)} application-group=%{{GLOBAL}}",
        *_grant_access(layout.entry.parent),
    )


def daemon(layout: Layout) -> str:
    """Configures mod_wsgi in daemon processes, replaced after a few requests."""
    return _text(
        *_head(layout, "event", "wsgi"),
        # Apache's own processes run no Python then.
        "WSGIRestrictEmbedded On",
        f"WSGISocketPrefix {_quoted(layout.directory / 'wsgi')}",
        # graceful-timeout: otherwise it waits for an idle moment, which never comes under load.
        f"WSGIDaemonProcess tracer processes={layout.workers} threads={layout.threads} "
        # home: daemons start in the account's home directory otherwise, which may not exist.
        f"maximum-requests={RECYCLING} graceful-timeout=0 home={_quoted(layout.project)}",
        f"WSGIScriptAlias / {_quoted(layout.entry)} "
        "process-group=tracer application-group=%{GLOBAL}",
        *_grant_access(layout.entry.parent),
    )


def mod_python(layout: Layout) -> str:
    """Configures mod_python with its WSGI handler."""
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
    """Configures CGI: a new process for each request."""
    return _text(
        *_head(layout, "event", "alias", "env", "cgid"),
        f"ScriptSock {_quoted(layout.directory / 'cgid.sock')}",
        *(f"PassEnv {name}" for name in script_variables(environment)),
        f"ScriptAlias / {_quoted(f'{layout.script}/')}",
        *_grant_access(layout.script.parent),
    )


def fastcgi(layout: Layout, sockets: Path) -> str:
    """Configures FastCGI: mod_fcgid starts processes when it needs them, and uses them again.

    The processes get no environment from Apache, and mod_fcgid cuts off long values, so the script
    sets the environment. `sockets` is a directory that the account may write to.
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
        # mod_fcgid splits a script's path at spaces, but not a wrapper's arguments.
        f"  FcgidWrapper {_quoted(f'/bin/sh {_quoted(layout.script)}')} virtual",
        "  Require all granted",
        "</Directory>",
    )


def _head(layout: Layout, model: str, *modules: str) -> list[str]:
    """Returns the lines that every configuration begins with; `model` is Apache's process model."""
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
    """Returns the lines that keep as many of Apache's own processes as there are workers."""
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


def _grant_access(directory: Path) -> list[str]:
    """Returns the lines that let Apache serve from a directory."""
    return [f"<Directory {_quoted(directory)}>", "  Require all granted", "</Directory>"]


def script_variables(environment: Mapping[str, str]) -> list[str]:
    """Returns the names of variables that a script can be given and that describe no request."""
    return sorted(
        n for n in environment if _SHELL_NAME.fullmatch(n) and not _REQUEST_VARIABLE.fullmatch(n)
    )


def _quoted(word: object) -> str:
    """Returns a word as one quoted argument of a directive."""
    return '"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
