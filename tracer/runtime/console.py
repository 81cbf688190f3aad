"""The console of a running process: timelines as requests end, lifelines and ledger at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import RenderableType
from rich.text import Text

from tracer.model import Process, Request
from tracer.render.formats.terminal import Terminal
from tracer.render.pictures.boot import BootLine
from tracer.render.pictures.first_request import FirstRequest
from tracer.render.pictures.ledger import Ledger
from tracer.render.pictures.lifelines import Lifelines
from tracer.render.pictures.overview import Overview
from tracer.render.pictures.timeline import Timeline

FEW = 6
"""Requests that are drawn however far behind the drawing is: nobody waits for so few."""
AT_ONCE = 12
"""Timelines drawn in one go; when more wait, the newest are drawn and the rest are counted."""
SHARE = 0.1
"""Of its time that the background thread may spend on pictures while requests keep coming."""
WINDOW = 2.0
"""Seconds after which that time is counted anew."""


class Screen:
    """Draws on a terminal, and never more than it can without holding up the application."""

    def __init__(
        self,
        terminal: Callable[[], Terminal],
        fault: Callable[[str, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`terminal` is asked once, at the first block; `fault` is told of pictures that fail.

        `clock` counts seconds.
        """
        self._find = terminal
        self._fault = fault
        self._terminal: Terminal | None = None
        self.clock = clock
        self.skipped = 0
        self.settled = 0
        """Requests that are drawn, or will not be: nothing more comes of them."""
        self.spent = 0.0
        self.since = clock()

    @property
    def terminal(self) -> Terminal:
        """Where blocks go."""
        if self._terminal is None:
            self._terminal = self._find()
        return self._terminal

    def is_behind(self) -> bool:
        """Whether it has had its share of the time, so that nothing is to be drawn just now."""
        now = self.clock()
        if now - self.since > WINDOW:
            self.since, self.spent = now, 0.0
        return self.spent > SHARE * WINDOW

    def timelines(
        self, look: Callable[[Sequence[Request]], Process], requests: Sequence[Request]
    ) -> None:
        """Draw the newest of these requests, as many as the time allows; count the others.

        `look` returns the process as it stands, as far as the timelines of those it is given show
        it; given none, the whole of it.
        """
        began = self.clock()
        draw = () if len(requests) > FEW and self.is_behind() else requests[-AT_ONCE:]
        self.skipped += len(requests) - len(draw)
        if not draw:
            self.settled += len(requests)
            return
        if draw[0].number == 1:
            process = look(())
            self._draw(Overview, process)
            if process.boot is not None and process.boot.spans:
                self._draw(BootLine, process)
        process = look(draw)
        if self.skipped:
            self._draw(self._told)
        for request in draw:
            self._draw(Timeline, process, request)
        self.spent += self.clock() - began
        self.settled += len(requests)

    def skip(self, count: int) -> None:
        """So many requests are not drawn."""
        self.skipped += count
        self.settled += count

    def _told(self) -> Text:
        """One line for the timelines that were not drawn."""
        count, self.skipped = self.skipped, 0
        plural = "timeline was" if count == 1 else "timelines were"
        return Text(f"… {count} {plural} not drawn, to hold up no request", style="dim")

    def farewell(self, process: Process) -> None:
        """Draw what the first request paid, the lifelines and the ledger."""
        if self.skipped:
            self._draw(self._told)
        for picture in (FirstRequest, Lifelines, Ledger):
            self._draw(picture, process)

    def _draw(self, picture: Callable[..., RenderableType], *facts: object) -> None:
        """Draw one picture; one that fails keeps no other from being drawn."""
        try:
            self.terminal.write(picture(*facts))
        except Exception as fault:
            self._fault("the console", fault)
