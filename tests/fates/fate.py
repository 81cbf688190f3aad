"""What is expected of an object, written where its class is: a scope, and what holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

PROCESS: Final = "process"
THREAD: Final = "thread"
CONNECTION: Final = "connection"
REQUEST: Final = "request"
KEPT: Final = "kept"

C = TypeVar("C", bound=type)


@dataclass(frozen=True, slots=True)
class Fate:
    """How long an object lives, by the way it is made.

    An object that a later request replaces is there for the next visitor: it is kept. Once it was
    let go, it is as true to say that it was its request's, freed late. So `let_go` names a second
    scope, for those that are no longer there.
    """

    scope: str
    held_by: str = ""
    """A part of the path that leads to it while it is there; empty if no path is expected."""
    let_go: str = ""
    """What is also true of one that was let go; empty if nothing is."""
    on_its_thread: bool = False
    """A thread's storage holds it: only what that thread served counts."""
    own_thread: str = ""
    """The scope where each request has a thread of its own, which ends with it; "" if the same."""
    asgi: tuple[str, ...] = ()
    """The scopes that are true where each request has a thread and a context of its own; empty if
    those are the same."""
    in_a_variable: bool = False
    """Only a variable of a running function holds it, so no verdict is expected while it lives."""


FATES: dict[str, Fate] = {}
"""Dotted path of a class of the site to the fate of its objects."""


def fate(
    scope: str,
    held_by: str = "",
    *,
    let_go: str = "",
    on_its_thread: bool = False,
    own_thread: str = "",
    asgi: tuple[str, ...] = (),
    in_a_variable: bool = False,
) -> Callable[[C], C]:
    """Writes the fate of a class's objects down; the arguments are those of `Fate`."""
    made = Fate(scope, held_by, let_go, on_its_thread, own_thread, asgi, in_a_variable)

    def note(cls: C) -> C:
        FATES[f"{cls.__module__}.{cls.__qualname__}"] = made
        return cls

    return note
