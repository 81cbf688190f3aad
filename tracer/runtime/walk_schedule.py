"""When a walk begins, and how it shares the processor with the application."""

from __future__ import annotations

import time
from collections.abc import Callable

from tracer.runtime.walker import Walker

SHARE = 0.05
"""Of one processor that a walk may take."""
EARLY, LATE = 2, 20
"""Where requests never cease, a walk begins after so many times the quiet that it waits for: first
the one, then each time twice as long, up to the other."""


class WalkSchedule:
    """Has the walker walk when no request has finished for a while, or when it is late."""

    def __init__(
        self, walker: Walker, quiet: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`quiet`: so many seconds without a request. `clock` counts seconds."""
        self.walker = walker
        self.quiet = quiet
        self.clock = clock
        self.last = 0.0
        """When the last walk was over, or the worker thread began."""
        self.late = EARLY

    def begin(self) -> None:
        """Begins to count the time."""
        self.last = self.clock()

    def walk_in_time(
        self,
        idle: float,
        wait: Callable[[float], object],
        pid: int,
        is_to_end: Callable[[int], bool],
    ) -> None:
        """Walks, if it is time to, when no request has finished for `idle` seconds.

        `wait` waits so many seconds and does meanwhile what there is to do. `is_to_end` says
        whether the worker thread of the process `pid` is to end; the walk is then given up.
        """
        if not self.walker.is_due or not (idle >= self.quiet or self._is_late()):
            return
        worked = time.thread_time()

        def pause() -> None:
            nonlocal worked
            wait((time.thread_time() - worked) * (1 / SHARE - 1))
            worked = time.thread_time()

        try:
            self.walker.run(pause, lambda: is_to_end(pid))
        except Exception as fault:
            self.walker.recorder.fault("the walk", fault)
            self.walker.skip()
        self.last = self.clock()
        self.late = min(2 * self.late, LATE)

    def _is_late(self) -> bool:
        late = 1 if self.walker.is_urgent else self.late
        return self.clock() - self.last > late * self.quiet
