"""Processes as a tree: who started whom, told from pids and times alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tracer.model.process import Process


@dataclass(frozen=True, slots=True)
class Member:
    """A process in its family."""

    pid: int
    process: Process | None = None
    """None of a parent that wrote no journal: nothing is known of it but its pid."""
    children: tuple[Member, ...] = ()
    """Oldest first."""

    def all(self) -> Iterator[Member]:
        """This one and everyone below it, as a tree is read."""
        yield self
        for child in self.children:
            yield from child.all()


def family(processes: Iterable[Process]) -> tuple[Member, ...]:
    """Return the oldest of each family.

    A pid is used again when its process is gone, so a parent is the latest of its pid that had
    begun before the child did.
    """
    ordered = sorted(processes, key=lambda process: process.about.started)
    below: dict[int, list[int]] = {}
    roots: dict[int, list[int]] = {}
    newest: dict[int, int] = {}
    for index, process in enumerate(ordered):
        parent = newest.get(process.about.parent)
        if parent is None:
            roots.setdefault(process.about.parent, []).append(index)
        else:
            below.setdefault(parent, []).append(index)
        # Of two interpreters in one process the first stands for both.
        known = newest.get(process.about.pid)
        if known is None or is_over(ordered[known]):
            newest[process.about.pid] = index

    def member(index: int) -> Member:
        children = tuple(map(member, below.get(index, ())))
        return Member(ordered[index].about.pid, ordered[index], children)

    return tuple(Member(pid, children=tuple(map(member, own))) for pid, own in roots.items())


def is_over(process: Process) -> bool:
    """Whether it is known to live no more."""
    return process.ended or process.alive is False


def at_once(members: Iterable[Member]) -> int:
    """Return how many of these there were at the same time, at most."""
    changes = []
    for each in members:
        if each.process is not None:
            changes.append((each.process.about.started, 1))
            if is_over(each.process):
                changes.append((each.process.moment(each.process.heard), -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def told_apart(processes: Sequence[Process]) -> list[Process]:
    """Return the processes, oldest first as given, with a letter for each whose pid is not its own.

    Two interpreters of one process have one pid, and so may a process and one that came later.
    """
    counts = Counter(process.about.pid for process in processes)
    given: Counter[int] = Counter()
    told = []
    for process in processes:
        pid = process.about.pid
        told.append(replace(process, letter=letter(given[pid])) if counts[pid] > 1 else process)
        given[pid] += 1
    return told


def letter(index: int) -> str:
    """Return a, b, ... z, ba, bb, ...: the letter of the so manieth of a pid, from 0."""
    text = ""
    while True:
        index, digit = divmod(index, 26)
        text = chr(ord("a") + digit) + text
        if not index:
            return text
