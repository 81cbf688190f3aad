"""nginx in front of gunicorn or uWSGI, which it reaches through a Unix socket."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tracer.servers import gunicorn, uwsgi
from tracer.servers.recipe import Availability, Launch, Plan, Program, Recipe, package_check

SYSTEM_DIRECTORIES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where nginx may lie if it is not on the PATH."""

# Relative paths lie in the directory that the command line names.
_CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{
    worker_connections 256;
}}
http {{
    access_log off;
    client_body_temp_path client_body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {listen};
        location / {{
{location}
        }}
    }}
}}
"""
_PROXY = """\
            proxy_pass "http://unix:{socket}:";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;"""
_UWSGI = """\
            uwsgi_pass "unix:{socket}";
            uwsgi_param REQUEST_METHOD $request_method;
            uwsgi_param REQUEST_URI $request_uri;
            uwsgi_param PATH_INFO $document_uri;
            uwsgi_param QUERY_STRING $query_string;
            uwsgi_param CONTENT_TYPE $content_type;
            uwsgi_param CONTENT_LENGTH $content_length;
            uwsgi_param SERVER_PROTOCOL $server_protocol;
            uwsgi_param SERVER_NAME $server_name;
            uwsgi_param SERVER_PORT $server_port;
            uwsgi_param REMOTE_ADDR $remote_addr;
            uwsgi_param REMOTE_PORT $remote_port;
            uwsgi_param UWSGI_SCHEME $scheme;"""


def find_program() -> str | None:
    """Returns the path of nginx, or None if it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_DIRECTORIES])
    return shutil.which("nginx", path=path)


def _find(name: str, others: Callable[[], Availability]) -> Callable[[], Availability]:
    """Returns the check for nginx and for the server behind it, called `name`."""

    def find() -> Availability:
        behind = others()
        nginx = find_program()
        if nginx is None:
            return Availability(False, "nginx is not installed: apt install nginx")
        if not behind.ok:
            return behind
        said = subprocess.run(
            [nginx, "-v"], capture_output=True, text=True, timeout=10, check=False
        )
        number = re.search(r"nginx/([\d.]+)", said.stderr)
        version = number.group(1) if number else ""
        return Availability(True, version=f"{version} · {name} {behind.version}")

    return find


def _nginx(launch: Launch, location: str, socket: Path) -> Program:
    """Writes nginx's configuration and returns the program."""
    directory = launch.work / "nginx"
    directory.mkdir()
    log = directory / "error.log"
    text = _CONFIGURATION.format(
        # As root it would serve under another account, which may not reach the socket.
        user="user root;\n" if os.geteuid() == 0 else "",
        listen=launch.bind,
        location=location.format(socket=str(socket).replace("\\", "\\\\").replace('"', '\\"')),
    )
    file = directory / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    # -e: errors before nginx has read the file would go to the system's log.
    line = (find_program() or "nginx", "-p", str(directory), "-c", str(file), "-e", str(log))
    return Program(line, launch.port, logs=(log,))


def _with_gunicorn(launch: Launch) -> Plan:
    socket = launch.work / "application.sock"
    line = gunicorn.command(launch, f"unix:{socket}")
    nginx = _nginx(launch, _PROXY, socket)
    return Plan((Program(line, socket), nginx), loads=launch.workers)


def _with_uwsgi(launch: Launch) -> Plan:
    socket = launch.work / "application.sock"
    line = uwsgi.command(launch, "--socket", str(socket))
    nginx = _nginx(launch, _UWSGI, socket)
    return Plan((Program(line, socket), nginx), loads=1)


RECIPES = (
    Recipe(
        "nginx-gunicorn",
        "nginx passes requests on over HTTP to two worker processes of gunicorn",
        "nginx gunicorn",
        _find("gunicorn", package_check("gunicorn", least=gunicorn.LEAST)),
        _with_gunicorn,
        workers=2,
    ),
    Recipe(
        "nginx-uwsgi",
        "nginx passes requests on in uWSGI's protocol to two worker processes",
        "nginx pyuwsgi",
        _find("uWSGI", uwsgi.find),
        _with_uwsgi,
        workers=2,
    ),
)
