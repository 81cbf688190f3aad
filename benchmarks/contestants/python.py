"""Python's own profilers, which show what it costs to hook every call."""

from __future__ import annotations

import cProfile
import sys
import threading
from typing import Any

from benchmarks.contestants.base import Contestant


class Profile(Contestant):
    """The profiler of the standard library, on for the whole process."""

    name = "cProfile"
    records = "how often each function was called, and for how long"

    def switch_on(self) -> None:
        """Switches it on."""
        self.profile = cProfile.Profile()
        self.profile.enable()

    def recorded(self) -> str:
        """Returns how many functions it has counted."""
        self.profile.disable()
        return f"{len(self.profile.getstats())} functions in all"


def _ignore(frame: Any, event: str, arg: Any) -> None:
    """Does nothing: the smallest profile hook."""


class Hook(Contestant):
    """A hook that does nothing, called for every call and return."""

    name = "no-op profile hook"
    records = "nothing: the price of the hook"

    def switch_on(self) -> None:
        """Switches it on in this thread and all later ones."""
        threading.setprofile(_ignore)
        sys.setprofile(_ignore)


CONTESTANTS = (Profile(), Hook())
