"""Python's own profilers, as a measure of what it costs to look at every call."""

from __future__ import annotations

import cProfile
import sys
import threading
from typing import Any

from benchmarks.contestants.base import Contestant


class Profile(Contestant):
    """The profiler of the standard library, switched on for the whole process."""

    name = "cProfile"
    records = "how often each function was called, and for how long"

    def started(self) -> None:
        """Switch it on."""
        self.profile = cProfile.Profile()
        self.profile.enable()

    def recorded(self) -> str:
        """How many functions it knows."""
        self.profile.disable()
        return f"{len(self.profile.getstats())} functions in all"


def _ignore(frame: Any, event: str, arg: Any) -> None:
    """What a profile hook is at the least."""


class Hook(Contestant):
    """A hook that does nothing, called for every call and return."""

    name = "no-op profile hook"
    records = "nothing: the price of being asked"

    def started(self) -> None:
        """Switch it on, in this thread and all later ones."""
        threading.setprofile(_ignore)
        sys.setprofile(_ignore)


CONTESTANTS = (Profile(), Hook())
