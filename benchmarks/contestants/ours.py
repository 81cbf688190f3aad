"""This tracer in its modes: switched off, recording only, with a journal, with the console."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.contestants.base import Contestant
from benchmarks.site import Changes

LAYOUTS = (0, 37, 111)
"""Layouts for contestants that cost less than the difference between two layouts."""


class Nothing(Contestant):
    """The project without any tool, with which all others are compared."""

    layouts = LAYOUTS


class Tracer(Contestant):
    """The tracer recording, without console and journal."""

    name = "recording"
    records = "stages in order, objects with births and deaths, threads, collections"
    options: dict[str, Any] = {"ENABLED": True, "CONSOLE": False}  # noqa: RUF012
    program_pairs = 5
    layouts = LAYOUTS
    states_price = True

    def changes(self, directory: str) -> Changes:
        """Adds the app and its options, as in the README."""
        return Changes(apps=["tracer"], settings={"TRACER": self.options})

    def catch_up(self) -> None:
        """Lets it process the warm-up's recordings, or its first batch would be counted."""
        module = sys.modules.get("tracer.runtime.switch")
        running = module.running() if module is not None else None
        if running is not None:
            running.handle_recorded()

    def recorded(self) -> str:
        """Counts stages and objects of the newest request."""
        module = sys.modules.get("tracer.runtime.switch")
        running = module.running() if module is not None else None
        if running is None:
            return ""
        request = running.process().requests[-1]
        return f"{len(request.spans)} stages, {len(request.births)} objects"


class Off(Tracer):
    """The tracer in `INSTALLED_APPS`, switched off."""

    name = "switched off"
    records = "nothing"
    options = {"ENABLED": False}  # noqa: RUF012
    states_price = False


class Journal(Tracer):
    """The tracer with a journal."""

    name = "with journal"

    def changes(self, directory: str) -> Changes:
        """Adds a journal in the directory."""
        options = self.options | {"JOURNAL": f"{directory}/traces"}
        return Changes(apps=["tracer"], settings={"TRACER": options})


class Console(Tracer):
    """The tracer drawing timelines on a terminal."""

    name = "with console"
    options = {"ENABLED": True, "CONSOLE": True}  # noqa: RUF012
    terminal = True
    note = "skips timelines when it falls behind"


CONTESTANTS = (Nothing(), Off(), Tracer(), Journal(), Console())
