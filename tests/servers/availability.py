"""Skips the test of a server that is not installed, or that this Python cannot have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.services.programs import missing
from tracer.servers import RECIPES

PYTHON = "{}.{}".format(*sys.version_info[:2])
SYSTEM = "/usr/bin/python3"
"""The Python that the system's packages build their modules for."""


def require_server(name: str) -> None:
    """Skips the test if the server cannot be started; on a build machine it fails the test.

    A server that no environment of this Python can have is skipped there too, if it says so.
    """
    found = RECIPES[name].available()
    if found.ok:
        return
    if name.startswith(("apache-mod_wsgi", "apache-mod_python")) and system_python() not in (
        "",
        PYTHON,
    ):
        assert (
            f"built for Python {system_python()}, this environment is Python {PYTHON}" in found.why
        )
        pytest.skip(found.why)
    if name in ("apache-cgi", "apache-fcgi") and private_python():
        assert f"cannot run {sys.executable}" in found.why
        assert f"apt install python{PYTHON}" in found.why
        pytest.skip(found.why)
    missing(f"{name} ({found.why})", RECIPES[name].needs)


def system_python() -> str:
    """Returns the minor version of the system's Python; empty if there is none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([SYSTEM, "-c", code], text=True, timeout=120).strip()
    except OSError:
        return ""


def private_python() -> bool:
    """Tells whether root alone can run this Python, and the system has no other of its version."""
    if os.geteuid() != 0 or os.path.exists(f"/usr/bin/python{PYTHON}"):
        return False
    command = ["runuser", "-u", "www-data", "--", sys.executable, "-c", ""]
    return subprocess.run(command, capture_output=True, timeout=120).returncode != 0
