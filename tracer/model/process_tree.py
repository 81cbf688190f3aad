"""Processes as a tree: who started whom, found from pids and start times alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tracer.model.process import Process


@dataclass(frozen=True, slots=True)
class ProcessNode:
    """A process in the tree, with the processes that it started."""

    pid: int
    process: Process | None = None
    """None for a parent that wrote no journal: only its pid is known."""
    children: tuple[ProcessNode, ...] = ()
    """Oldest first."""

    def walk(self) -> Iterator[ProcessNode]:
        """Yields this node and all nodes below it, each parent before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def build_process_tree(processes: Iterable[Process]) -> tuple[ProcessNode, ...]:
    """Returns the roots of the tree.

    The system reuses the pid of a process that is gone, so a process's parent is the latest of
    the parent's pid that had started before it.
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
        # Two interpreters in one process share a pid: children are drawn below the first.
        known = newest.get(process.about.pid)
        if known is None or has_ended(ordered[known]):
            newest[process.about.pid] = index

    def node(index: int) -> ProcessNode:
        children = tuple(map(node, below.get(index, ())))
        return ProcessNode(ordered[index].about.pid, ordered[index], children)

    return tuple(ProcessNode(pid, children=tuple(map(node, own))) for pid, own in roots.items())


def has_ended(process: Process) -> bool:
    """Whether a process is known to have ended, in order or not."""
    return process.ended or process.alive is False


def most_at_once(nodes: Iterable[ProcessNode]) -> int:
    """Returns how many of these processes ran at the same time, at most."""
    changes = []
    for each in nodes:
        if each.process is not None:
            changes.append((each.process.about.started, 1))
            if has_ended(each.process):
                changes.append((each.process.moment(each.process.heard), -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def with_letters(processes: Sequence[Process]) -> list[Process]:
    """Returns the processes, oldest first as given, with a letter for each that shares its pid.

    Two interpreters of one process have one pid, and so may a process and a later one.
    """
    counts = Counter(process.about.pid for process in processes)
    given: Counter[int] = Counter()
    named = []
    for process in processes:
        pid = process.about.pid
        named.append(replace(process, letter=letter(given[pid])) if counts[pid] > 1 else process)
        given[pid] += 1
    return named


def letter(index: int) -> str:
    """Returns the letter of a process by its index among those of one pid: a to z, ba, bb, …"""
    text = ""
    while True:
        index, digit = divmod(index, 26)
        text = chr(ord("a") + digit) + text
        if not index:
            return text
