"""Which Apache is here, which Python its modules were built for, and whether the two of us agree.

A module such as mod_wsgi brings an interpreter of its own into Apache: the system's. It can use the
packages of this environment only if both are the same minor version of Python, and only if the
account that Apache serves as can read them.
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
SYSTEM: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
"""Where the system keeps programs that are not on everybody's PATH."""
MODULES: Final = (
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/lib64/apache2",
    "/usr/libexec/apache2",
    "/usr/local/libexec/apache24",
)
HERE: Final = "{}.{}".format(*sys.version_info[:2])
"""The minor version of Python that runs this, such as "3.13"."""


@dataclass(frozen=True, slots=True)
class Apache:
    """An installed Apache, and whom it would serve as."""

    program: Path
    modules: Path
    account: Account | None
    """None where Apache is started by an ordinary user, and stays that user."""

    def module(self, name: str) -> Path:
        """Return where this module lies, or would."""
        return self.modules / f"mod_{name}.so"


def apache() -> Apache | Availability:
    """Return the installed Apache, or what keeps us from using one."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM])
    program = next(filter(None, (shutil.which(name, path=path) for name in PROGRAMS)), None)
    modules = next((Path(place) for place in MODULES if Path(place).is_dir()), None)
    if program is None or modules is None:
        return Availability(False, "Apache is not installed: apt install apache2")
    account = None
    if os.geteuid() == 0:
        account = accounts.for_serving()
        if account is None:
            known = ", ".join(accounts.NAMES)
            return Availability(
                False, f"Apache does not serve as root, and there is no user {known}: add one."
            )
    return Apache(Path(program), modules, account)


def usable(found: Apache, needed: tuple[str, ...], package: str) -> Availability:
    """Tell whether Apache has these modules, and can read what this environment runs on."""
    for name in needed:
        if not found.module(name).is_file():
            return Availability(
                False, f"Apache's mod_{name} is not installed: apt install {package}"
            )
    why = unreadable(found.account, packages())
    return Availability(not why, why, version(found, needed[-1]))


def embedding(found: Apache, name: str) -> str:
    """Return why the interpreter in module `name` cannot run this environment; empty if it can."""
    built = built_for(found.module(name))
    if built in ("", HERE):
        return ""
    return (
        f"mod_{name} is built for Python {built}, this environment is Python {HERE}: "
        f"run it from an environment of Python {built}"
    )


def built_for(module: Path) -> str:
    """Return the minor version of Python that a module links to, "" if it does not say."""
    try:
        linked = re.search(rb"libpython(\d+\.\d+)", module.read_bytes())
    except OSError:
        return ""
    return linked.group(1).decode() if linked else ""


def version(found: Apache, name: str) -> str:
    """Return the version of Apache, and that of its module where it states one."""
    said = subprocess.run(
        [found.program, "-v"], capture_output=True, text=True, timeout=10, check=False
    ).stdout
    number = re.search(r"Apache/([\d.]+)", said)
    word = name.encode()
    # Some have it beside their name, others right before they would put it there.
    stated = rb"mod_%b/(\d+\.[\d.]*\d)|(\d+\.[\d.]*\d)\0mod_%b/%%s" % (word, word)
    own = re.search(stated, found.module(name).read_bytes())
    words = [number.group(1)] if number else []
    words += [f"mod_{name} {(own.group(1) or own.group(2)).decode()}"] if own else []
    return " · ".join(words)


def packages() -> Iterator[Path]:
    """Yield what is imported from this environment wherever the application runs."""
    yield ROOT / "tracer"
    django = importlib.util.find_spec("django")
    if django is not None and django.origin is not None:
        yield Path(django.origin).parent
    yield from places()


def places() -> list[Path]:
    """Return the directories from which this interpreter imports installed packages."""
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        named.append(site.getusersitepackages())
    return [Path(place) for place in dict.fromkeys(named) if Path(place).is_dir()]


def unreadable(account: Account | None, paths: Iterator[Path] | list[Path]) -> str:
    """Return a sentence on the first of `paths` that the account cannot read; empty if it can."""
    if account is None:
        return ""
    for path in paths:
        barrier = account.barrier(path)
        if barrier is not None:
            return (
                f"Apache serves as {account.name}, which may not enter {barrier} and so cannot "
                f"read {path}: have it outside of {barrier}, or start as an ordinary user"
            )
    return ""


def interpreter(account: Account | None) -> Path | str:
    """Return the Python that the account can run scripts with, or a sentence why there is none.

    This one, unless it lies where only its owner may go; then the system's of the same version.
    """
    if account is None:
        return Path(sys.executable)
    homes = [Path(sysconfig.get_path("stdlib"))]
    barrier = account.barrier(Path(sys.executable), os.X_OK)
    barrier = barrier or next(filter(None, map(account.barrier, homes)), None)
    if barrier is None:
        return Path(sys.executable)
    for place in SYSTEM:
        candidate = Path(place) / f"python{HERE}"
        if candidate.is_file() and account.barrier(candidate, os.X_OK) is None:
            return candidate
    return (
        f"Apache serves as {account.name}, which may not enter {barrier} and so cannot run "
        f"{sys.executable}, and the system has no python{HERE}: apt install python{HERE}, or make "
        "the environment with a Python that everybody may run"
    )
