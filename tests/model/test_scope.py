"""The rules of scope, one test each, on facts written by hand."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tracer.model import pages, place, scope, spots
from tracer.model.scope import Facts, Spot, decide

BORN_IN_A_REQUEST = Facts(in_request=True)
BUILT_OUTSIDE = Facts(in_request=False)


def test_a_resource_that_outlived_its_request_is_connection() -> None:
    """Rule 1; one that ended with its request has scope request."""
    resource = replace(BORN_IN_A_REQUEST, resource=True, outlived=True)
    assert decide(resource) == scope.CONNECTION
    assert decide(replace(resource, dead=True)) == scope.CONNECTION
    assert decide(replace(resource, dead=True, outlived=False)) == scope.REQUEST


def test_built_outside_any_request_is_process_if_anybody_has_it() -> None:
    """Rule 2: a request that used it, or a path to it. Otherwise nothing is known."""
    assert decide(replace(BUILT_OUTSIDE, used=True)) == scope.PROCESS
    assert decide(replace(BUILT_OUTSIDE, root="module")) == scope.PROCESS
    assert decide(BUILT_OUTSIDE) == scope.UNDECIDED


def test_built_outside_and_in_a_thread_s_storage_is_thread() -> None:
    """Rule 2: a database wrapper in the main thread's storage lives for that thread."""
    assert decide(replace(BUILT_OUTSIDE, used=True, root="thread")) == scope.THREAD


def test_made_by_an_import_and_there_still_is_process() -> None:
    """Rule 3, though no later request used it, and wherever it lies; not once it is gone."""
    made = replace(BORN_IN_A_REQUEST, by_import=True)
    assert decide(made) == scope.PROCESS
    assert decide(replace(made, root="module", kept=True)) == scope.PROCESS
    assert decide(replace(made, dead=True)) == scope.REQUEST


def test_left_behind_as_a_rule_is_kept_whether_used_again_or_gone() -> None:
    """Rule 4: what is handed to the next request is kept and used."""
    kept = replace(BORN_IN_A_REQUEST, root="module", kept=True)
    assert decide(kept) == scope.KEPT
    assert decide(replace(kept, used=True)) == scope.KEPT
    assert decide(replace(kept, dead=True)) == scope.KEPT


@pytest.mark.parametrize(("root", "expected"), list(scope.ROOTS.items()))
def test_what_is_held_lives_as_long_as_its_holder(root: str, expected: str) -> None:
    """Rule 5; used again or not. What only a task holds is undecided: it may end at any time."""
    held = replace(BORN_IN_A_REQUEST, root=root)
    assert decide(held) == expected
    assert decide(replace(held, used=True)) == expected


def test_ended_with_its_thread_is_thread() -> None:
    """Rule 6: no walk comes by while a thread lives that ends with its request."""
    assert decide(replace(BORN_IN_A_REQUEST, with_thread=True, dead=True)) == scope.THREAD
    assert decide(replace(BORN_IN_A_REQUEST, with_thread=True)) == scope.THREAD


def test_gone_and_used_by_its_own_request_alone_is_request() -> None:
    """Rule 7."""
    assert decide(replace(BORN_IN_A_REQUEST, dead=True)) == scope.REQUEST


def test_anything_else_is_undecided() -> None:
    """Rule 8: nothing is guessed."""
    assert decide(BORN_IN_A_REQUEST) == scope.UNDECIDED
    assert decide(replace(BORN_IN_A_REQUEST, used=True)) == scope.UNDECIDED
    assert decide(replace(BORN_IN_A_REQUEST, used=True, dead=True)) == scope.UNDECIDED


@pytest.mark.parametrize(
    ("left", "requests", "lately", "kept"),
    [
        (3, 3, True, True),
        (2, 2, True, False),  # two may be two memos
        (3, 6, True, True),
        (3, 7, True, False),  # less than half
        (30, 40, False, False),  # it was so once
    ],
)
def test_kept_are_three_and_half_of_the_requests_and_one_of_the_last(
    left: int, requests: int, lately: bool, kept: bool
) -> None:
    """The counts of a place by what lies there."""
    assert Spot(left=left, requests=requests, lately=lately).is_kept is kept


@pytest.mark.parametrize(("count", "kept"), [(5, False), (6, True)])
def test_where_a_key_leads_to_it_kept_are_six(count: int, kept: bool) -> None:
    """As many visitors, one after the other, may fill a memo."""
    assert Spot(keyed=True, left=count, requests=count, lately=True).is_kept is kept
    assert Spot(keyed=True, found=count, walks=count, found_lately=True).is_kept is kept


@pytest.mark.parametrize(
    ("found", "walks", "lately", "kept"),
    [(3, 3, True, True), (2, 2, True, False), (3, 7, True, False), (3, 4, False, False)],
)
def test_the_same_counts_for_walks(found: int, walks: int, lately: bool, kept: bool) -> None:
    """The counts of a place by whether the newest request's object was there."""
    assert Spot(found=found, walks=walks, found_lately=lately).is_kept is kept


def test_no_rule_can_see_a_name() -> None:
    """The rules' only literals are their own words; none names a class, module or package."""
    own = {*scope.SCOPES, *scope.ROOTS, "", ".", "]", "[*]"}
    for module in (scope, spots, place, pages):
        tree = ast.parse(Path(module.__file__ or "").read_text())
        slots = {
            node.value for node in ast.walk(tree) if type(node) is ast.Assign and _is_slots(node)
        }
        said = {
            node.value
            for node in ast.walk(tree)
            if type(node) is ast.Constant and type(node.value) is str
        }
        names = {each for each in said if " " not in each and not each[:1].isupper()}
        words = {
            each.value
            for tuple_ in slots
            for each in ast.walk(tuple_)
            if type(each) is ast.Constant
        }
        assert names - words <= own, module


def _is_slots(node: ast.Assign) -> bool:
    return any(type(each) is ast.Name and each.id == "__slots__" for each in node.targets)
