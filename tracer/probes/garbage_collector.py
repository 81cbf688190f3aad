"""Python's cycle collector: when it runs, for how long, and what it frees."""

from __future__ import annotations

import gc
from threading import get_ident
from typing import Any

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current

FULL = 2
"""The oldest generation: a collection of it is a full one."""


class Collections:
    """Listens to `gc.callbacks`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.start = 0
        self.idle = False
        self.by = "collector"

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        recorder = self.recorder
        try:
            if phase == "start":
                self.idle = not recorder.flying
                self.start = recorder.clock()
                recorder.lives.collecting(get_ident(), self.start)
                recorder.classes.let_go()
                return
            recorder.lives.collecting(0, 0)
            now = recorder.clock()
            if info["generation"] == FULL and self.idle and not recorder.flying:
                recorder.barriers.append((now, self.by))
            trace = current.get()
            if trace is not None:
                what = stages.COLLECTION, None, info["generation"], info["collected"], ""
                far = trace.far
                if far is None:
                    trace.add((self.start, now, what))
                elif not trace.closed:
                    far.append((recorder.threads.here(), self.start, now, what))
        except Exception as fault:
            recorder.fault("collector", fault)

    def collect(self, generation: int = FULL) -> int:
        """Run a collection of the tracer's own; return how many objects it freed."""
        self.by = "tracer"
        try:
            return gc.collect(generation)
        finally:
            self.by = "collector"

    def install(self) -> None:
        """Begin to listen."""
        gc.callbacks.append(self)

    def uninstall(self) -> None:
        """Stop listening."""
        if self in gc.callbacks:
            gc.callbacks.remove(self)
        self.recorder.classes.let_go()
