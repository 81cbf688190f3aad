"""The number of rows that came is said of the statement that fetched them."""

from __future__ import annotations

from tracer.model import stages
from tracer.model.assemble import ROWS, Whole, with_rows

UNKNOWN = -1


def query(at: int, thread: int = 1) -> Whole:
    """A statement of which nobody knows yet how many rows there are."""
    return at, at + 1, thread, stages.QUERY, None, "SELECT 1", ("default", UNKNOWN), ""


def rows(at: int, count: int, thread: int = 1) -> Whole:
    """So many came."""
    return at, at, thread, ROWS, None, count, "", ""


def counted(*events: Whole) -> dict[int, int]:
    """Returns the number of rows of each statement by the time at which it began."""
    return {event[0]: event[6][1] for event in with_rows([*events])}


def test_rows_are_those_of_the_statement_just_before() -> None:
    """The one before that may have had none, or none that Django fetched."""
    assert counted(query(1), query(3), rows(5, 7)) == {1: UNKNOWN, 3: 7}
    assert counted(query(1), rows(3, 7), query(5), rows(7, 8)) == {1: 7, 5: 8}


def test_rows_are_those_of_a_statement_on_the_same_thread() -> None:
    """Two threads of one request ask at the same time."""
    events = query(1), query(2, thread=2), rows(3, 7), rows(4, 8, thread=2)
    assert counted(*events) == {1: 7, 2: 8}
    assert counted(query(1), rows(3, 7, thread=2)) == {1: UNKNOWN}


def test_a_statement_is_counted_once() -> None:
    """Its rows may come in parts; what comes later is nobody's."""
    assert counted(query(1), rows(3, 7), rows(4, 8)) == {1: 7}
    assert counted(rows(1, 7)) == {}
