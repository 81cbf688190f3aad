"""The account that a server's processes run under, and what that account may read.

A server that root starts switches to another account before it serves, and can then not read what
is private to root. This file reads classic permissions only, not access control lists.
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
"""Names of the account for web servers on different systems."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine with all its groups."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]
    home: Path

    def has_rights(self, path: Path, wanted: int) -> bool:
        """Tells whether the account has these rights (`os.R_OK | os.X_OK`) to the file itself.

        It does not check the directories above. False if there is no such file.
        """
        try:
            found = path.stat()
        except OSError:
            return False
        if self.uid == 0:
            return not wanted & os.X_OK or bool(found.st_mode & 0o111)
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid in self.groups else 0
        return (stat.S_IMODE(found.st_mode) >> shift) & wanted == wanted

    def blocked_at(self, path: Path, wanted: int = os.R_OK) -> Path | None:
        """Returns the first part of `path` that the account may not pass; None if it may pass all.

        It must reach both ends of a symbolic link. It must be able to enter a directory.
        """
        for end in dict.fromkeys((path.absolute(), path.resolve())):
            for above in reversed(end.parents):
                if not self.has_rights(above, os.X_OK):
                    return above
        if path.is_dir():
            wanted |= os.X_OK
        return None if self.has_rights(path, wanted) else path

    def take_ownership(self, paths: Iterable[Path]) -> None:
        """Gives these files to the account. They must be our own, never a user's."""
        for path in paths:
            shutil.chown(path, self.uid, self.gid)


def serving_account() -> Account | None:
    """Returns the account that a server of root switches to; None if this machine has none."""
    for name in NAMES:
        try:
            return named(name)
        except KeyError:
            continue
    return None


def named(name: str) -> Account:
    """Returns the account of this name. Raises KeyError if there is none."""
    entry = pwd.getpwnam(name)
    groups = frozenset(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, Path(entry.pw_dir))
