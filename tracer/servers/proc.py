"""Reads /proc: which processes live, and which of them listens on a port.

On systems without /proc every answer is empty or None; the callers then use process groups and
connections.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


@dataclass(frozen=True, slots=True)
class LivingProcess:
    """A living process; its start time distinguishes it from a later one with the same pid."""

    pid: int
    parent: int
    session: int
    started: int
    """Clock ticks since the machine started."""


def living() -> dict[int, LivingProcess]:
    """Returns every living process by its pid; zombies count as dead."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return {}
    return {pid: member for pid in pids if (member := _read_process(pid)) is not None}


def _read_process(pid: int) -> LivingProcess | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:  # it ended after the directory was listed
        return None
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return LivingProcess(pid, int(fields[1]), int(fields[3]), int(fields[19]))


def family(root: int) -> list[LivingProcess]:
    """Returns the living processes of the session that `root` leads, and all its descendants."""
    everyone = living()
    found = {pid for pid, member in everyone.items() if root in (pid, member.session)}
    while True:
        more = {m.pid for m in everyone.values() if m.parent in found} - found
        if not more:
            return [everyone[pid] for pid in sorted(found)]
        found |= more


def alive(members: list[LivingProcess]) -> list[LivingProcess]:
    """Returns those of the processes that still live."""
    return [each for each in members if _same(_read_process(each.pid), each)]


def _same(now: LivingProcess | None, then: LivingProcess) -> bool:
    return now is not None and now.started == then.started


def leaves(members: list[LivingProcess]) -> list[LivingProcess]:
    """Returns those of the processes that are not the parent of another one of them."""
    parents = {member.parent for member in members}
    return [member for member in members if member.pid not in parents]


def listens(port: int, root: int) -> bool | None:
    """Tells whether `root` or a process of its family listens on TCP `port`; None: unknown."""
    sockets = _listening_sockets(port)
    if sockets is None:
        return None
    if not sockets:
        return False
    return any(sockets & _sockets(member.pid) for member in family(root))


def _listening_sockets(port: int) -> set[str] | None:
    """Returns the inodes of all sockets that listen on `port`; None if /proc does not say."""
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
    """Returns the inodes of a process's sockets, as far as our permissions go."""
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
