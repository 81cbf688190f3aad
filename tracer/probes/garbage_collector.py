"""Python's garbage collector: when it runs, for how long, and what it frees."""

from __future__ import annotations

import gc
from threading import get_ident
from typing import Any

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current

OLDEST_GENERATION = 2
"""A collection of this generation is a full one."""


class CollectionProbe:
    """A listener in `gc.callbacks`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.start = 0
        self.by = "collector"
        """Who runs the collection: "collector" or "tracer"."""

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        recorder = self.recorder
        try:
            if phase == "start":
                self.start = recorder.clock()
                recorder.weakrefs.set_collection(get_ident(), self.start)
                recorder.classes.clear_memos()
                return
            recorder.weakrefs.set_collection(0, 0)
            now = recorder.clock()
            if info["generation"] == OLDEST_GENERATION:
                recorder.barriers.append((now, self.by, self.start))
            trace = current.get()
            if trace is not None:
                what = stages.COLLECTION, None, info["generation"], info["collected"], ""
                far = trace.other_threads
                if far is None:
                    trace.add((self.start, now, what))
                elif not trace.closed:
                    far.append((recorder.threads.current(), self.start, now, what))
        except Exception as fault:
            recorder.fault("collector", fault)

    def collect(self, generation: int = OLDEST_GENERATION) -> int:
        """Runs a collection of the tracer's own. Returns how many objects it freed."""
        self.by = "tracer"
        try:
            return gc.collect(generation)
        finally:
            self.by = "collector"
        """Who runs the collection: "collector" or "tracer"."""

    def install(self) -> None:
        """Starts listening."""
        gc.callbacks.append(self)

    def uninstall(self) -> None:
        """Stops listening."""
        if self in gc.callbacks:
            gc.callbacks.remove(self)
        self.recorder.classes.clear_memos()
