"""A contestant: its description, and its hooks in the measured program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.site import Changes


class Contestant:
    """A tool with the settings that its documentation recommends. The base class does nothing."""

    name = "nothing"
    packages: tuple[str, ...] = ()
    """Packages that must be installed; the first one gives its version."""
    records = "nothing"
    """What it records of a request, in a few words."""
    note = ""
    """A note on how it was set up."""
    request_divisor = 1
    """Divides the numbers of requests to warm up and to count; an expensive tool needs fewer."""
    pages_not_counted: tuple[str, ...] = ()
    """Pages whose instructions cannot be counted: it samples by the clock, and valgrind makes a
    page so slow that its samples take too long."""
    layouts: tuple[int, ...] = (0,)
    """Explained in `instructions.measure`; a tool of low cost needs more of them."""
    program_pairs = 1
    """Pairs of programs that are timed; a tool of low cost needs more of them."""
    states_price = False
    """Whether it states itself what it costs a request."""
    is_async = True
    """Whether it supports ASGI."""
    terminal = False
    """Whether it gets a pseudo-terminal to write to, which a thread reads."""

    def changes(self, directory: str) -> Changes:
        """Returns the changes to the project; `directory` is empty and the contestant's own."""
        del directory
        return Changes()

    def before_setup(self, directory: str) -> None:
        """Called before Django is set up."""

    def after_setup(self) -> None:
        """Called after Django is set up and the pages are added."""

    def wrap(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the handler to call."""
        return handler

    def switch_on(self) -> None:
        """Called right before the first request, that of the warm-up."""

    def catch_up(self) -> None:
        """Called before counting begins, to process what the warm-up has left."""

    def recorded(self) -> str:
        """Returns in a few words what it recorded of the last request; empty if it cannot say."""
        return ""
