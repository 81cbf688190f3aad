"""Finds Apache, and checks whether its modules can run the Python packages of this environment.

A module such as mod_wsgi brings the system's Python interpreter into Apache. It can use this
environment's packages only if both are the same minor version of Python, and only if Apache's
account can read them.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.servers.apache import accounts
from tracer.servers.apache.accounts import Account
from tracer.servers.project import ROOT
from tracer.servers.recipe import Availability

PROGRAMS: Final = ("apache2", "httpd")
SYSTEM_DIRECTORIES: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
"""Where the system keeps programs that may not be on the PATH."""
MODULE_DIRECTORIES: Final = (
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/lib64/apache2",
    "/usr/libexec/apache2",
    "/usr/local/libexec/apache24",
)
PYTHON: Final = "{}.{}".format(*sys.version_info[:2])
"""The minor version of the Python that runs this, such as "3.13"."""


@dataclass(frozen=True, slots=True)
class Apache:
    """An installed Apache, and the account it would serve under."""

    program: Path
    modules: Path
    account: Account | None
    """None if an ordinary user starts Apache: it then keeps that user's account."""

    def module(self, name: str) -> Path:
        """Returns the path that this module has if it is installed."""
        return self.modules / f"mod_{name}.so"


def find_apache() -> Apache | Availability:
    """Returns the installed Apache, or the reason why none can be used."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_DIRECTORIES])
    program = next(filter(None, (shutil.which(name, path=path) for name in PROGRAMS)), None)
    modules = next((Path(place) for place in MODULE_DIRECTORIES if Path(place).is_dir()), None)
    if program is None or modules is None:
        return Availability(False, "Apache is not installed: apt install apache2")
    account = None
    if os.geteuid() == 0:
        account = accounts.serving_account()
        if account is None:
            known = ", ".join(accounts.NAMES)
            return Availability(
                False, f"Apache does not serve as root, and there is no user {known}: add one."
            )
    return Apache(Path(program), modules, account)


def check_modules(found: Apache, needed: tuple[str, ...], package: str) -> Availability:
    """Checks that Apache has these modules and can read this environment's packages."""
    for name in needed:
        if not found.module(name).is_file():
            return Availability(
                False, f"Apache's mod_{name} is not installed: apt install {package}"
            )
    why = unreadable(found.account, imported_directories())
    return Availability(not why, why, version(found, needed[-1]))


def python_mismatch(found: Apache, name: str) -> str:
    """Returns why the Python in module `name` cannot run this environment; empty if it can."""
    built = linked_python(found.module(name))
    if built in ("", PYTHON):
        return ""
    return (
        f"mod_{name} is built for Python {built}, this environment is Python {PYTHON}: "
        f"run it from an environment of Python {built}"
    )


def linked_python(module: Path) -> str:
    """Returns the minor version of Python that a module links to; empty if it does not say."""
    try:
        linked = re.search(rb"libpython(\d+\.\d+)", module.read_bytes())
    except OSError:
        return ""
    return linked.group(1).decode() if linked else ""


def version(found: Apache, name: str) -> str:
    """Returns the version of Apache, and that of its module if it states one."""
    said = subprocess.run(
        [found.program, "-v"], capture_output=True, text=True, timeout=10, check=False
    ).stdout
    number = re.search(r"Apache/([\d.]+)", said)
    word = name.encode()
    # Some modules contain "mod_x/1.2", others the version and then the format "mod_x/%s".
    stated = rb"mod_%b/(\d+\.[\d.]*\d)|(\d+\.[\d.]*\d)\0mod_%b/%%s" % (word, word)
    own = re.search(stated, found.module(name).read_bytes())
    words = [number.group(1)] if number else []
    words += [f"mod_{name} {(own.group(1) or own.group(2)).decode()}"] if own else []
    return " · ".join(words)


def imported_directories() -> Iterator[Path]:
    """Yields the directories that every application imports from in this environment."""
    yield ROOT / "tracer"
    django = importlib.util.find_spec("django")
    if django is not None and django.origin is not None:
        yield Path(django.origin).parent
    yield from package_directories()


def package_directories() -> list[Path]:
    """Returns the directories from which this interpreter imports installed packages."""
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        named.append(site.getusersitepackages())
    return [Path(place) for place in dict.fromkeys(named) if Path(place).is_dir()]


def unreadable(account: Account | None, paths: Iterator[Path] | list[Path]) -> str:
    """Returns a sentence about the first path that the account cannot read; empty if it can."""
    if account is None:
        return ""
    for path in paths:
        blocked_at = account.blocked_at(path)
        if blocked_at is not None:
            return (
                f"Apache serves as {account.name}, which may not enter {blocked_at} and so cannot "
                f"read {path}: have it outside of {blocked_at}, or start as an ordinary user"
            )
    return ""


def interpreter(account: Account | None) -> Path | str:
    """Returns a Python that the account can run scripts with, or a sentence why there is none.

    It is this interpreter, or the system's of the same version if the account may not run this one.
    """
    if account is None:
        return Path(sys.executable)
    homes = [Path(sysconfig.get_path("stdlib"))]
    blocked_at = account.blocked_at(Path(sys.executable), os.X_OK)
    blocked_at = blocked_at or next(filter(None, map(account.blocked_at, homes)), None)
    if blocked_at is None:
        return Path(sys.executable)
    for place in SYSTEM_DIRECTORIES:
        candidate = Path(place) / f"python{PYTHON}"
        if candidate.is_file() and account.blocked_at(candidate, os.X_OK) is None:
            return candidate
    return (
        f"Apache serves as {account.name}, which may not enter {blocked_at} and so cannot run "
        f"{sys.executable}, and the system has no python{PYTHON}: apt install python{PYTHON}, or "
        "make the environment with a Python that everybody may run"
    )
