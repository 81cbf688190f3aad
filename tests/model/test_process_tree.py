"""Who began whom, and what processes are called: told from pids and times alone."""

from __future__ import annotations

from tests.support.journals import BEGUN
from tracer.model import Ended, History, Process, ProcessStarted
from tracer.model.process_tree import Member, at_once, family, letter, told_apart


def process(
    pid: int, parent: int, started: float, ended: float | None = None, alive: bool | None = None
) -> Process:
    """A process that began, and perhaps ended, at these seconds."""
    history = History()
    history.feed(ProcessStarted(pid, parent, "gunicorn", "", "3.11", "5.2", started, BEGUN))
    if ended is not None:
        history.feed(Ended(BEGUN + int((ended - started) * 1e9)))
    found = history.snapshot()
    return Process(about=found.about, ended=found.ended, heard=found.heard, alive=alive)


def drawn(members: tuple[Member, ...]) -> list[object]:
    """The tree as nested lists; a pid without a journal is negative."""
    return [[each.pid if each.process else -each.pid, *drawn(each.children)] for each in members]


def test_workers_stand_below_their_parent_oldest_first() -> None:
    """Whether it wrote a journal or not."""
    arbiter, one, two = process(5, 1, 1.0), process(7, 5, 2.0), process(6, 5, 3.0)
    assert drawn(family([two, arbiter, one])) == [[-1, [5, [7], [6]]]]
    assert drawn(family([two, one])) == [[-5, [7], [6]]]
    assert drawn(family([])) == []


def test_a_grandchild_stands_below_its_own_parent() -> None:
    """Three generations."""
    found = family([process(5, 1, 1.0), process(6, 5, 2.0), process(7, 6, 3.0)])
    assert drawn(found) == [[-1, [5, [6, [7]]]]]
    assert [each.pid for each in found[0].all()] == [1, 5, 6, 7]


def test_a_pid_that_is_used_again_is_another_process() -> None:
    """The child belongs to the latest that had begun before it."""
    first, second = process(5, 1, 1.0, ended=2.0), process(5, 1, 10.0)
    early, late = process(6, 5, 1.5), process(7, 5, 11.0)
    (root,) = family([late, second, early, first])
    assert drawn((root,)) == [[-1, [5, [6]], [5, [7]]]]


def test_a_child_that_is_older_than_all_of_its_parents_pid_has_another_parent() -> None:
    """That one is not traced."""
    assert drawn(family([process(6, 5, 1.0), process(5, 1, 2.0)])) == [[-5, [6]], [-1, [5]]]


def test_of_two_interpreters_in_one_process_the_first_stands_for_both() -> None:
    """Their children cannot be told apart."""
    found = family([process(5, 1, 1.0, alive=True), process(5, 1, 1.0), process(6, 5, 2.0)])
    assert drawn(found) == [[-1, [5, [6]], [5]]]


def test_no_odd_journal_makes_a_circle() -> None:
    """Not even one in which two claim to have begun each other, or one itself."""
    assert drawn(family([process(5, 6, 1.0), process(6, 5, 1.0)])) == [[-6, [5, [6]]]]
    assert drawn(family([process(5, 5, 1.0)])) == [[-5, [5]]]


def test_how_many_there_were_at_once() -> None:
    """Those that are over make room for others; who lives still stays."""
    (root,) = family(
        [
            process(6, 5, 1.0, ended=3.0),
            process(7, 5, 2.0, ended=4.0),
            process(8, 5, 3.5, alive=True),
            process(9, 5, 5.0, alive=True),
        ]
    )
    assert at_once(root.children) == 2
    assert at_once([]) == 0


def test_processes_of_one_pid_have_a_letter_each_and_others_none() -> None:
    """In the order in which they are given."""
    names = [each.name for each in told_apart([process(5, 1, float(n)) for n in range(3)])]
    assert names == ["5a", "5b", "5c"]
    assert [each.name for each in told_apart([process(5, 1, 1.0), process(6, 1, 2.0)])] == [
        "5",
        "6",
    ]


def test_there_are_letters_for_any_number() -> None:
    """All different, and none empty."""
    found = [letter(index) for index in range(2000)]
    assert found[:3] == ["a", "b", "c"]
    assert len(set(found)) == 2000
    assert all(text.isalpha() for text in found)


def test_a_moment_of_its_clock_is_a_time_of_day() -> None:
    """Counted from when the process began."""
    assert process(5, 1, 100.0).moment(BEGUN + 2_500_000_000) == 102.5
