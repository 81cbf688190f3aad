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
        with self.pipeline.lock:
            return self.backlog.history.newest > self.upto

    @property
    def is_urgent(self) -> bool:
        """Whether another walk soon would tell more."""
        with self.pipeline.lock:
            return self.backlog.history.objects.spots.has_suspects

    def skip(self) -> None:
        """Waits for another request before a walk is due."""
        with self.pipeline.lock:
            self.upto = self.backlog.history.newest

    def run(
        self, pause: Callable[[], Any] = lambda: None, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Walks, and reports what was found; nothing if it was given up.

        `pause` is called every few tenths of a millisecond.
        """
        with self.walking:
            with self.pipeline.lock:
                self.pipeline.run()
                upto, begun = self.backlog.history.newest, self.recorder.clock()
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
                    self.upto = upto
                    report = self._report(begun, walked)
                    self.pipeline.run(Batch(self.recorder, after=[report]))

    def _targets(self) -> tuple[dict[int, Ref], list[Ref]]:
        """Returns the weak references to all living objects; and to those that stand.

        An object stands if it was built outside requests and requests use it.
        """
        refs, objects = self.recorder.weakrefs.refs, self.backlog.history.objects
        targets = {token: refs[token] for token in objects.store.living_tokens() if token in refs}
        standing = [
            targets[token]
            for token, known in objects.tracked.items()
            if known.built_in is None and known.requests and token in targets
        ]
        return targets, standing

    def _report(self, begun: int, walked: Walked) -> Walk:
        """Returns what is different since the last walk."""
        found, lost = [], []
        refs, objects = self.recorder.weakrefs.refs, self.backlog.history.objects
        for token in objects.store.living_tokens():
            ref, known = refs.get(token), objects.tracked.get(token)
            if ref is None or ref.at:
                # Its death is still to be reported.
                continue
            here = walked.found.get(token)
            before = known.held if known is not None and known.is_held else None
            if here is not None:
                if before != _held(token, here):
                    found.append(_held(token, here))
            elif before is not None:
                lost.append(token)
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
