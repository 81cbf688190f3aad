"""The account that a server's processes serve as, and what that account may read.

A server started by root gives up its rights before it serves; what was private to root is then out
of its reach. Only the classic permissions are looked at: access control lists are not known here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAMES: Final = ("www-data", "apache", "httpd", "http", "www", "_www", "daemon")
"""Accounts made for serving, as different systems call them."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, with all groups."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]
    home: Path

    def may(self, path: Path, wanted: int) -> bool:
        """Tell whether the account has these rights (`os.R_OK | os.X_OK`) to the thing itself.

        Directories above it are not looked at. False if it is not there.
        """
        try:
            found = path.stat()
        except OSError:
            return False
        if self.uid == 0:
            return not wanted & os.X_OK or bool(found.st_mode & 0o111)
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid in self.groups else 0
        return (stat.S_IMODE(found.st_mode) >> shift) & wanted == wanted

    def barrier(self, path: Path, wanted: int = os.R_OK) -> Path | None:
        """Return the first thing on the way to `path` that keeps the account out; None: none does.

        Where it is a symbolic link, both ends must be reached. A directory must let it enter.
        """
        for end in dict.fromkeys((path.absolute(), path.resolve())):
            for above in reversed(end.parents):
                if not self.may(above, os.X_OK):
                    return above
        if path.is_dir():
            wanted |= os.X_OK
        return None if self.may(path, wanted) else path

    def own(self, paths: Iterable[Path]) -> None:
        """Give these to the account: for what was made for it a moment ago, never for a user's."""
        for path in paths:
            shutil.chown(path, self.uid, self.gid)


def for_serving() -> Account | None:
    """Return the account that a server of root's drops to; None if this machine has none."""
    for name in NAMES:
        try:
            return named(name)
        except KeyError:
            continue
    return None


def named(name: str) -> Account:
    """Return the account of this name. Raises KeyError if there is none."""
    entry = pwd.getpwnam(name)
    groups = frozenset(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, Path(entry.pw_dir))
