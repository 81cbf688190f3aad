"""The rules of scope, one test each, on facts written by hand."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

from tracer.model import scope
from tracer.model.scope import Facts, decide

BORN_IN_A_REQUEST = Facts(
    in_request=True,
    requests=1,
    later=0,
    threads=1,
    elsewhere=False,
    others_served=False,
    survived=False,
    dead=False,
    resource=False,
)


def test_built_outside_any_request_and_used_since_is_process() -> None:
    """Rule 1; an unused one is undecided."""
    outside = replace(BORN_IN_A_REQUEST, in_request=False)
    assert decide(outside) == scope.PROCESS
    assert decide(replace(outside, requests=0)) == scope.UNDECIDED


def test_dead_before_a_barrier_and_used_by_its_request_alone_is_request() -> None:
    """Rule 2."""
    assert decide(replace(BORN_IN_A_REQUEST, dead=True)) == scope.REQUEST
    assert decide(replace(BORN_IN_A_REQUEST, dead=True, later=1)) == scope.UNDECIDED


def test_a_resource_that_outlived_its_request_is_connection() -> None:
    """Rule 3; one that ended with its request has scope request."""
    resource = replace(BORN_IN_A_REQUEST, resource=True, dead=True)
    assert decide(replace(resource, outlived=True)) == scope.CONNECTION
    assert decide(resource) == scope.REQUEST


def test_used_again_after_a_barrier_on_several_threads_or_the_only_one_is_process() -> None:
    """Rule 4: built on first use and held since."""
    again = replace(BORN_IN_A_REQUEST, survived=True, requests=3, later=2)
    assert decide(again) == scope.PROCESS
    assert decide(replace(again, others_served=True, elsewhere=True)) == scope.PROCESS
    assert decide(replace(again, others_served=True, threads=2)) == scope.PROCESS


def test_used_again_on_its_own_thread_alone_while_others_served_is_thread() -> None:
    """Rule 5, for living objects and for those that died with their thread."""
    again = replace(BORN_IN_A_REQUEST, requests=3, later=2, others_served=True)
    assert decide(replace(again, survived=True)) == scope.THREAD
    assert decide(replace(again, dead=True, thread_ended=True)) == scope.THREAD


def test_survived_a_barrier_and_never_used_again_is_kept() -> None:
    """Rule 6, for dead and living ones; but undecided where others of its class were used again."""
    kept = replace(BORN_IN_A_REQUEST, survived=True)
    assert decide(kept) == scope.KEPT
    assert decide(replace(kept, dead=True)) == scope.KEPT
    assert decide(replace(kept, kin_used=True)) == scope.UNDECIDED


def test_anything_else_is_undecided() -> None:
    """Rule 7: nothing is guessed."""
    assert decide(BORN_IN_A_REQUEST) == scope.UNDECIDED
    assert decide(replace(BORN_IN_A_REQUEST, requests=5, later=4)) == scope.UNDECIDED


def test_no_rule_can_see_a_class() -> None:
    """The facts hold numbers and booleans only, and no rule asks for a type."""
    kinds = {field.type for field in Facts.__dataclass_fields__.values()}
    assert kinds == {"bool", "int"}
    names = {
        node.id for node in ast.walk(ast.parse(inspect.getsource(scope))) if type(node) is ast.Name
    }
    assert not names & {"type", "isinstance", "cls", "kind"}
