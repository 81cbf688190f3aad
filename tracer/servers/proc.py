"""Who is there: the machine's processes and who listens on a port, where /proc tells.

On systems without /proc nothing is known: every answer is empty or None, and the callers do with
process groups and connections what they can.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


@dataclass(frozen=True, slots=True)
class Member:
    """A living process; its start tells it from a later one with the same number."""

    pid: int
    parent: int
    session: int
    started: int
    """Ticks since the machine started."""


def living() -> dict[int, Member]:
    """Return every process that lives, by pid; those that only wait to be reaped are dead."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return {}
    return {pid: member for pid in pids if (member := _member(pid)) is not None}


def _member(pid: int) -> Member | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:  # gone since the directory was listed
        return None
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return Member(pid, int(fields[1]), int(fields[3]), int(fields[19]))


def family(root: int) -> list[Member]:
    """Return the living processes of the session that `root` leads, and all its descendants."""
    everyone = living()
    found = {pid for pid, member in everyone.items() if root in (pid, member.session)}
    while True:
        more = {m.pid for m in everyone.values() if m.parent in found} - found
        if not more:
            return [everyone[pid] for pid in sorted(found)]
        found |= more


def alive(members: list[Member]) -> list[Member]:
    """Return those of them that still live."""
    return [each for each in members if _same(_member(each.pid), each)]


def _same(now: Member | None, then: Member) -> bool:
    return now is not None and now.started == then.started


def leaves(members: list[Member]) -> list[Member]:
    """Return those that are nobody's parent among them."""
    parents = {member.parent for member in members}
    return [member for member in members if member.pid not in parents]


def listens(port: int, root: int) -> bool | None:
    """Tell whether `root`, or a process of its family, listens on TCP `port`; None: unknown."""
    sockets = _listening(port)
    if sockets is None:
        return None
    if not sockets:
        return False
    return any(sockets & _sockets(member.pid) for member in family(root))


def _listening(port: int) -> set[str] | None:
    """Return the inodes of the sockets that listen on `port`, of whatever process."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines]
        except OSError:
            if table.endswith("tcp"):
                return None
            continue
        ending = f":{port:04X}"
        found.update(r[9] for r in rows if len(r) > 9 and r[1].endswith(ending) and r[3] == _LISTEN)
    return found


def _sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets, as far as we may look."""
    found: set[str] = set()
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"{directory}/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
