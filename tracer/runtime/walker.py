"""The walker: finds out what holds the objects that outlived their requests, and reports it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context
from typing import Any

from tracer.heap.spelling import Found
from tracer.heap.walk import Walk as HeapWalk
from tracer.heap.walk import Walked
from tracer.model import Held, Walk
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current
from tracer.recorder.weakrefs import Ref
from tracer.runtime.backlog import Backlog
from tracer.runtime.batch import Batch
from tracer.runtime.pipeline import Pipeline


class Walker:
    """Walks through the heap for every object that is alive, of requests that have closed."""

    def __init__(self, recorder: Recorder, pipeline: Pipeline, backlog: Backlog) -> None:
        self.recorder = recorder
        self.pipeline = pipeline
        self.backlog = backlog
        self.walking = threading.Lock()
        """Held during a walk: a second one at the same time would find nothing else."""
        self.upto = 0
        """The newest request that was known at the last walk."""
        self.own: list[object] = []
        """Further objects of the tracer's, such as recordings: no path leads through them."""

    @property
    def is_due(self) -> bool:
        """Whether there were requests since the last walk."""
        return self.backlog.newest > self.upto

    @property
    def is_urgent(self) -> bool:
        """Whether another walk soon would tell more."""
        return self.backlog.history.objects.spots.has_suspects

    def run(
        self, pause: Callable[[], Any] = lambda: None, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Walks, and reports what was found; nothing if it was given up.

        `pause` is called every few tenths of a millisecond.
        """
        with self.walking:
            with self.pipeline.lock:
                self.pipeline.run()
                self.backlog.update_history()
                upto, begun = self.backlog.newest, self.recorder.clock()
                targets, standing = self._targets()
            walked = HeapWalk(
                targets,
                pause=pause,
                give_up=give_up,
                standing=standing,
                is_open=_is_open,
                current=self.recorder.current_thread,
                own=(self, self.backlog, self.recorder, *self.recorder.classes.memos, *self.own),
            ).run()
            del targets, standing
            if walked.complete:
                with self.pipeline.lock:
                    # What has died meanwhile does not lie there beside what came after it.
                    self.pipeline.run()
                    self.backlog.update_history()
                    self.upto = upto
                    report = self._report(begun, walked)
                    self.pipeline.run(Batch(self.recorder, after=[report]))

    def _targets(self) -> tuple[dict[int, Ref], list[Ref]]:
        """Returns the weak references to all living objects; and to those that stand.

        An object stands if it was built outside requests and requests use it.
        """
        refs = self.recorder.weakrefs.refs
        targets: dict[int, Ref] = {}
        standing: list[Ref] = []
        for token, known in self.backlog.history.objects.tracked.items():
            ref = refs.get(token)
            if ref is not None and known.death is None:
                targets[token] = ref
                if known.built_in is None and known.requests:
                    standing.append(ref)
        return targets, standing

    def _report(self, begun: int, walked: Walked) -> Walk:
        """Returns what is different since the last walk."""
        found, lost = [], []
        refs = self.recorder.weakrefs.refs
        for token, known in self.backlog.history.objects.tracked.items():
            ref = refs.get(token)
            if known.death is not None or ref is None or ref.at:
                # It died, or its death is still to be reported.
                continue
            here = walked.found.get(token)
            if here is None:
                if known.is_held:
                    lost.append(token)
            elif not known.is_held or known.held != _held(token, here):
                found.append(_held(token, here))
        return Walk(begun, self.recorder.clock(), tuple(found), tuple(lost))

    def forked(self) -> None:
        """Begins anew in a forked child: a walk may have been going on in the parent."""
        self.walking = threading.Lock()
        self.upto = 0


def _is_open(context: Context) -> bool:
    """Whether the request for which a context was made is under way."""
    trace = context.get(current)
    return trace is not None and not trace.closed


def _held(token: int, found: Found) -> Held:
    return Held(token, found.path, found.spot, found.root, found.thread, found.storage, found.keyed)
