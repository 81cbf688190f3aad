"""Which servers must be here, and what an unusual Python explains."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.services.programs import missing
from tracer.servers import RECIPES

HERE = "{}.{}".format(*sys.version_info[:2])
SYSTEM = "/usr/bin/python3"
"""The Python for which a system's packages build their modules."""


def needed(name: str) -> None:
    """Go on if the server can be started; else skip by name, and on a build machine fail.

    A server that no environment of this Python can have is no failure, if it says just that.
    """
    found = RECIPES[name].available()
    if found.ok:
        return
    if name.startswith(("apache-mod_wsgi", "apache-mod_python")) and system() not in ("", HERE):
        assert f"built for Python {system()}, this environment is Python {HERE}" in found.why
        pytest.skip(found.why)
    if name in ("apache-cgi", "apache-fcgi") and private_python():
        assert f"cannot run {sys.executable}" in found.why
        assert f"apt install python{HERE}" in found.why
        pytest.skip(found.why)
    missing(f"{name} ({found.why})", RECIPES[name].needs)


def system() -> str:
    """The minor version of the system's Python, "" where it has none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([SYSTEM, "-c", code], text=True, timeout=120).strip()
    except OSError:
        return ""


def private_python() -> bool:
    """Whether nobody but root can run this Python, and no other of its version is there."""
    if os.geteuid() != 0 or os.path.exists(f"/usr/bin/python{HERE}"):
        return False
    command = ["runuser", "-u", "www-data", "--", sys.executable, "-c", ""]
    return subprocess.run(command, capture_output=True, timeout=120).returncode != 0
