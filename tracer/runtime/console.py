"""The console of a running process: timelines as requests end, lifelines and ledger at the end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import RenderableType
from rich.text import Text

from tracer.model import Barrier, Fate, Process, Request, Walk
from tracer.render.formats.terminal import Terminal
from tracer.render.pictures.boot import BootLine
from tracer.render.pictures.first_request import FirstRequest
from tracer.render.pictures.ledger import Ledger
from tracer.render.pictures.lifelines import Lifelines
from tracer.render.pictures.overview import Overview
from tracer.render.pictures.timeline import Timeline
from tracer.render.pictures.verdicts import Verdicts
from tracer.runtime.backlog import Backlog
from tracer.runtime.batch import Batch

FEW = 6
"""Requests that are drawn however far behind the drawing is, as they hold up nothing."""
AT_ONCE = 12
"""Timelines drawn in one go; when more wait, the newest are drawn and the rest are counted."""
MOST_UNDECIDED = 64
"""Drawn requests of which it is said later what became of their objects."""
SHARE = 0.1
"""Of its time that the worker thread may spend on pictures while requests keep coming."""
WINDOW = 2.0
"""Seconds after which that time is counted anew."""


class Console:
    """A sink that draws on a terminal, and never so much that it holds up the application.

    `take` chooses what is to be drawn, under the pipeline's lock; `draw` draws it without.
    """

    name = "the console"

    def __init__(
        self,
        terminal: Callable[[], Terminal],
        backlog: Backlog,
        fault: Callable[[str, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`terminal` is called once, at the first block; `fault` reports pictures that fail."""
        self._find = terminal
        self._fault = fault
        self._terminal: Terminal | None = None
        self.backlog = backlog
        self.clock = clock
        self.drawing = threading.RLock()
        self.waiting: deque[Request] = deque()
        self.undecided: dict[int, Request] = {}
        """Requests that were drawn, with objects that were not decided then."""
        self.has_news = False  # whether a walk or a collection may have decided on some
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

    def take(self, batch: Batch) -> None:
        """Chooses the newest requests of a batch for drawing; when it is behind, none of many."""
        self.has_news |= any(isinstance(fact, Walk | Barrier) for fact in batch.after)
        count = len(batch.numbers)
        if not count:
            return
        if count > FEW and self.is_behind():
            self.skip(count)
            return
        began = self.clock()
        asked = map(self.backlog.history.request, batch.numbers[-AT_ONCE:])
        newest = [request for request in asked if request is not None]
        self.skip(count - len(newest))
        self.waiting.extend(newest)
        self.spent += self.clock() - began

    def draw(self, snapshot: Callable[[Sequence[Request]], Process]) -> None:
        """Draws the timelines that wait, as many as the time allows; counts the others.

        `snapshot` returns the process as far as these requests' timelines show it; given none, the
        whole of it.
        """
        with self.drawing:
            if self.has_news and self.undecided:
                self._draw_verdicts(snapshot(list(self.undecided.values())))
            self.has_news = False
            requests = [self.waiting.popleft() for _ in range(len(self.waiting))]
            if not requests:
                return
            began = self.clock()
            drawn = requests[-AT_ONCE:] if len(requests) <= FEW or not self.is_behind() else []
            self.skip(len(requests) - len(drawn))
            self._timelines(snapshot, drawn)
            self.spent += self.clock() - began
            self.settled += len(drawn)

    def _timelines(
        self, snapshot: Callable[[Sequence[Request]], Process], requests: Sequence[Request]
    ) -> None:
        if not requests:
            return
        if requests[0].number == 1:
            process = snapshot(())
            self._draw(Overview, process)
            if process.boot is not None and process.boot.spans:
                self._draw(BootLine, process)
        process = snapshot(requests)
        if self.skipped:
            self._draw(self._skipped_line)
        for request in requests:
            self._draw(Timeline, process, request)
            if process.fates.get(request.number, Fate()).waiting:
                self.undecided[request.number] = request
        while len(self.undecided) > MOST_UNDECIDED:
            del self.undecided[next(iter(self.undecided))]

    def _draw_verdicts(self, process: Process) -> None:
        """Draws a line for what was decided since the timelines were drawn."""
        decided = []
        for number in list(self.undecided):
            fate = process.fates.get(number)
            if fate is None or fate.kept or not fate.waiting:
                decided.append(self.undecided.pop(number))
        if decided:
            self._draw(Verdicts, process, decided)

    def skip_waiting(self) -> None:
        """Draws none of the timelines that wait: the terminal may take its time just now."""
        count = len(self.waiting)
        for _ in range(count):
            self.waiting.popleft()
        self.skip(count)

    def skip(self, count: int) -> None:
        """Counts requests that are not drawn."""
        self.skipped += count
        self.settled += count

    def _skipped_line(self) -> Text:
        """Returns one line for the timelines that were not drawn."""
        count, self.skipped = self.skipped, 0
        plural = "timeline was" if count == 1 else "timelines were"
        return Text(f"… {count} {plural} not drawn, to hold up no request", style="dim")

    def draw_last(self, process: Process) -> None:
        """Draws what the first request cost more, the lifelines and the ledger."""
        if self.skipped:
            self._draw(self._skipped_line)
        for picture in (FirstRequest, Lifelines, Ledger):
            self._draw(picture, process)

    def _draw(self, picture: Callable[..., RenderableType], *facts: object) -> None:
        """Draws one picture; one that fails keeps no other from being drawn."""
        try:
            self.terminal.write(picture(*facts))
        except Exception as fault:
            self._fault("the console", fault)

    def forked(self) -> None:
        """Begins anew in a forked child, whose parent may have been drawing."""
        self.drawing = threading.RLock()


def terminal_of(stream: TextIO | None, environ: Mapping[str, Any]) -> Terminal:
    """Returns where to draw; None finds it.

    Under CGI standard output is the response, so the pictures go to standard error there.
    `environ` is that of the first request.
    """
    if stream is not None:
        return Terminal(stream)
    is_cgi = os.environ.get("GATEWAY_INTERFACE") and environ.get("wsgi.run_once")
    return Terminal(sys.stderr if is_cgi else sys.stdout)
