"""This tracer: switched off, recording only, with a journal, with the console."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.contestants.base import Contestant
from benchmarks.site import Changes

LAYOUTS = (0, 37, 111)
"""What is lighter than the difference between two of them is measured in all three."""


class Nothing(Contestant):
    """What all the others are compared with."""

    layouts = LAYOUTS


class Tracer(Contestant):
    """Recording, with nobody who draws or writes."""

    name = "recording"
    records = "stages in order, objects with births and deaths, threads, collections"
    options: dict[str, Any] = {"ENABLED": True, "CONSOLE": False}  # noqa: RUF012
    care = 5
    layouts = LAYOUTS
    says = True

    def changes(self, directory: str) -> Changes:
        """The one line of the README, and how to run."""
        return Changes(apps=["tracer"], settings={"TRACER": self.options})

    def caught_up(self) -> None:
        """Let it look at what the warm-up left, or its very first look would be counted."""
        module = sys.modules.get("tracer.runtime.tracer")
        running = module.running() if module is not None else None
        if running is not None:
            running.look()

    def recorded(self) -> str:
        """Stages and objects of the newest request."""
        module = sys.modules.get("tracer.runtime.tracer")
        running = module.running() if module is not None else None
        if running is None:
            return ""
        request = running.process().requests[-1]
        return f"{len(request.spans)} stages, {len(request.births)} objects"


class Off(Tracer):
    """In `INSTALLED_APPS`, and switched off."""

    name = "switched off"
    records = "nothing"
    options = {"ENABLED": False}  # noqa: RUF012
    says = False


class Journal(Tracer):
    """Everything is written to a journal."""

    name = "with journal"

    def changes(self, directory: str) -> Changes:
        """A journal in the directory."""
        options = self.options | {"JOURNAL": f"{directory}/traces"}
        return Changes(apps=["tracer"], settings={"TRACER": options})


class Console(Tracer):
    """Timelines are drawn on a terminal."""

    name = "with console"
    options = {"ENABLED": True, "CONSOLE": True}  # noqa: RUF012
    terminal = True
    note = "skips timelines when it falls behind"


CONTESTANTS = (Nothing(), Off(), Tracer(), Journal(), Console())
