"""What a contestant can say of itself, and what it may do to a process that serves requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.site import Changes


class Contestant:
    """One tool, at the settings that its documentation recommends. The base does nothing."""

    name = "nothing"
    packages: tuple[str, ...] = ()
    """Distributions that must be installed, the first of which gives its version."""
    records = "nothing"
    """What it records of a request, in a few words."""
    note = ""
    """What must be known of how it was set up."""
    weight = 1
    """By what the numbers of requests to warm up and to count are divided: the dearer a tool, the
    fewer it takes."""
    uncounted: tuple[str, ...] = ()
    """Pages on which its instructions cannot be counted, since it samples by the clock: valgrind
    makes a page last so long that its samples take longer than anybody would wait."""
    layouts: tuple[int, ...] = (0,)
    """As in `instructions.measure`: the less a tool takes, the more of them it needs."""
    care = 1
    """Pairs of programs that are timed: the less a tool takes, the more of them it needs."""
    says = False
    """Whether it says itself what a request pays for it."""
    awaited = True
    """Whether it can be used under ASGI."""
    adds = False
    """Whether it is meant to add something to the page."""
    terminal = False
    """Whether it writes to a terminal, which then is a pseudo-terminal that somebody reads."""

    def changes(self, directory: str) -> Changes:
        """What to change in the project's settings; `directory` is empty and its own."""
        del directory
        return Changes()

    def before(self, directory: str) -> None:
        """Called before Django is set up."""

    def ready(self) -> None:
        """Called when Django is set up and the pages are there."""

    def around(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return the handler to call."""
        return handler

    def started(self) -> None:
        """Called when the process has warmed up, or before: right before requests are made."""

    def caught_up(self) -> None:
        """Called before counting begins, to let what the warm-up left be dealt with."""

    def recorded(self) -> str:
        """How much it has of the last request, in a few words; empty if it does not tell."""
        return ""
