"""The tree of processes: who started whom, and how processes of one pid are named."""

from __future__ import annotations

from tests.support.journals import BEGUN
from tracer.model import Ended, History, Process, ProcessStarted
from tracer.model.process_tree import (
    ProcessNode,
    build_process_tree,
    letter,
    most_at_once,
    with_letters,
)


def process(
    pid: int, parent: int, started: float, ended: float | None = None, alive: bool | None = None
) -> Process:
    """Makes a process that started, and perhaps ended, at these seconds."""
    history = History()
    history.feed(ProcessStarted(pid, parent, "gunicorn", "", "3.11", "5.2", started, BEGUN))
    if ended is not None:
        history.feed(Ended(BEGUN + int((ended - started) * 1e9)))
    found = history.snapshot()
    return Process(about=found.about, ended=found.ended, heard=found.heard, alive=alive)


def nested(nodes: tuple[ProcessNode, ...]) -> list[object]:
    """Returns the tree as nested lists; the pid of a process without a journal is negative."""
    return [[each.pid if each.process else -each.pid, *nested(each.children)] for each in nodes]


def test_workers_stand_below_their_parent_oldest_first() -> None:
    """Whether the parent wrote a journal or not."""
    arbiter, one, two = process(5, 1, 1.0), process(7, 5, 2.0), process(6, 5, 3.0)
    assert nested(build_process_tree([two, arbiter, one])) == [[-1, [5, [7], [6]]]]
    assert nested(build_process_tree([two, one])) == [[-5, [7], [6]]]
    assert nested(build_process_tree([])) == []


def test_a_grandchild_stands_below_its_own_parent() -> None:
    """Three generations."""
    found = build_process_tree([process(5, 1, 1.0), process(6, 5, 2.0), process(7, 6, 3.0)])
    assert nested(found) == [[-1, [5, [6, [7]]]]]
    assert [each.pid for each in found[0].walk()] == [1, 5, 6, 7]


def test_a_reused_pid_is_another_process() -> None:
    """A child belongs to the latest process of its parent's pid that had started before it."""
    first, second = process(5, 1, 1.0, ended=2.0), process(5, 1, 10.0)
    early, late = process(6, 5, 1.5), process(7, 5, 11.0)
    (root,) = build_process_tree([late, second, early, first])
    assert nested((root,)) == [[-1, [5, [6]], [5, [7]]]]


def test_a_child_older_than_every_process_of_its_parents_pid_has_an_untraced_parent() -> None:
    """The traced process of that pid started too late to be its parent."""
    assert nested(build_process_tree([process(6, 5, 1.0), process(5, 1, 2.0)])) == [
        [-5, [6]],
        [-1, [5]],
    ]


def test_children_of_two_interpreters_in_one_process_stand_below_the_first() -> None:
    """They have one parent pid, and nothing else distinguishes them."""
    found = build_process_tree(
        [process(5, 1, 1.0, alive=True), process(5, 1, 1.0), process(6, 5, 2.0)]
    )
    assert nested(found) == [[-1, [5, [6]], [5]]]


def test_no_damaged_journal_makes_a_circle() -> None:
    """Neither two processes that name each other as parent, nor one that names itself."""
    assert nested(build_process_tree([process(5, 6, 1.0), process(6, 5, 1.0)])) == [[-6, [5, [6]]]]
    assert nested(build_process_tree([process(5, 5, 1.0)])) == [[-5, [5]]]


def test_most_at_once_counts_running_processes() -> None:
    """A process counts from its start to its end; one that still runs counts to the last."""
    (root,) = build_process_tree(
        [
            process(6, 5, 1.0, ended=3.0),
            process(7, 5, 2.0, ended=4.0),
            process(8, 5, 3.5, alive=True),
            process(9, 5, 5.0, alive=True),
        ]
    )
    assert most_at_once(root.children) == 2
    assert most_at_once([]) == 0


def test_each_process_of_a_shared_pid_has_a_letter_and_others_have_none() -> None:
    """Letters follow the order of the processes."""
    names = [each.name for each in with_letters([process(5, 1, float(n)) for n in range(3)])]
    assert names == ["5a", "5b", "5c"]
    assert [each.name for each in with_letters([process(5, 1, 1.0), process(6, 1, 2.0)])] == [
        "5",
        "6",
    ]


def test_every_index_has_its_own_letter() -> None:
    """All differ, and none is empty."""
    found = [letter(index) for index in range(2000)]
    assert found[:3] == ["a", "b", "c"]
    assert len(set(found)) == 2000
    assert all(text.isalpha() for text in found)


def test_a_moment_of_its_clock_is_a_time_of_day() -> None:
    """It counts from the start of the process."""
    assert process(5, 1, 100.0).moment(BEGUN + 2_500_000_000) == 102.5
