"""nginx in front of an application server, which it reaches through a Unix socket."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tracer.servers import gunicorn, uwsgi
from tracer.servers.recipe import Availability, Order, Plan, Program, Recipe, wheel

SYSTEM: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where nginx lies when it is not on the PATH."""

# What is not absolute lies in the directory that the command line names.
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


def program() -> str | None:
    """Return the path of nginx, None if it is not here."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM])
    return shutil.which("nginx", path=path)


def _find(name: str, others: Callable[[], Availability]) -> Callable[[], Availability]:
    """Return the check for nginx, and for what serves behind it under this name."""

    def find() -> Availability:
        behind = others()
        nginx = program()
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


def _front(order: Order, location: str, socket: Path) -> Program:
    """Write nginx's configuration, and return the program."""
    directory = order.work / "nginx"
    directory.mkdir()
    log = directory / "error.log"
    text = _CONFIGURATION.format(
        # Started by root it would serve as another user, who may not reach the socket.
        user="user root;\n" if os.geteuid() == 0 else "",
        listen=order.bind,
        location=location.format(socket=str(socket).replace("\\", "\\\\").replace('"', '\\"')),
    )
    file = directory / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    # The log is named twice: what goes wrong before the file is read would go to the system's.
    line = (program() or "nginx", "-p", str(directory), "-c", str(file), "-e", str(log))
    return Program(line, order.port, logs=(log,))


def _before_gunicorn(order: Order) -> Plan:
    socket = order.work / "application.sock"
    line = gunicorn.command(order, f"unix:{socket}")
    front = _front(order, _PROXY, socket)
    return Plan((Program(line, socket), front), loads=order.workers)


def _before_uwsgi(order: Order) -> Plan:
    socket = order.work / "application.sock"
    line = uwsgi.command(order, "--socket", str(socket))
    front = _front(order, _UWSGI, socket)
    return Plan((Program(line, socket), front), loads=1)


RECIPES = (
    Recipe(
        "nginx-gunicorn",
        "nginx passes requests on over HTTP to two worker processes of gunicorn",
        "nginx gunicorn",
        _find("gunicorn", wheel("gunicorn", least=gunicorn.LEAST)),
        _before_gunicorn,
        workers=2,
    ),
    Recipe(
        "nginx-uwsgi",
        "nginx passes requests on in uWSGI's protocol to two worker processes",
        "nginx pyuwsgi",
        _find("uWSGI", uwsgi.find),
        _before_uwsgi,
        workers=2,
    ),
)
