"""What happens as a recording's block begins and ends: a tracer is found or started, and shared."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from tracer import runtime
from tracer.conf import Config, accepted
from tracer.journal.writer import Journal
from tracer.model import Process
from tracer.probes.user_classes import UserClasses
from tracer.recorder.patching import Patches
from tracer.runtime import shutdown
from tracer.runtime.subscription import Subscription

_started: runtime.Tracer | None = None
"""The tracer that recordings started; None where another one is shared."""
_open: list[Session] = []
_lock = threading.RLock()


class Session:
    """One recording's share of the tracer of this process, from `__init__` to `stop`."""

    def __init__(
        self,
        recording: object,
        watch: Sequence[type | str],
        journal: Path | None,
        keep: int | None,
        query_values: bool,
        cache_keys: bool,
    ) -> None:
        """`recording`: what the session is for. The other parameters are those of `record`."""
        global _started
        with _lock:
            running, own_journal = runtime.running(), None
            if running is None:
                config = Config(
                    enabled=True,
                    console=False,
                    journal=journal,
                    cache_keys=cache_keys,
                    query_values=query_values,
                    known=accepted(settings),
                )
                running = _started = runtime.start(config)
            elif journal is not None:
                own_journal = Journal(journal)
            self.tracer = running
            self.recording = recording
            # It holds the handlers that it serves with, as in a server nobody would.
            running.walker.own.append(recording)
            recorder = running.recorder
            self.subscription = Subscription(running, keep, own_journal, query_values, cache_keys)
            self.subscription.open()
            self.keys_before = recorder.cache_keys
            recorder.cache_keys = recorder.cache_keys or cache_keys
            self.patches = Patches()
            self._watch(watch)
            _open.append(self)

    def _watch(self, watch: Sequence[type | str]) -> None:
        names = [each for each in watch if isinstance(each, str)]
        self.watching = UserClasses(self.tracer.recorder, self.patches, names)
        self.watching.install(self.tracer.installation.imports)
        for each in watch:
            if isinstance(each, type):
                self.watching.add(each)
        self.watching.watch_new_subclasses()

    def finish(self, settle: bool) -> None:
        """Takes what was recorded until now; with `settle`, after a full collection."""
        if self._is_last():
            # Requests in flight come to no end of their own any more.
            shutdown.land(self.tracer)
        if settle:
            self.tracer.settle()
        self.tracer.gather()

    def close(self) -> Process:
        """Takes no more, and returns the process as this recording saw it."""
        with _lock:
            self.subscription.close()
            self.tracer.walker.own.remove(self.recording)
            process = self.subscription.snapshot()
            self.watching.forget()
            self.patches.restore()
            self.tracer.recorder.cache_keys = self.keys_before
            _open.remove(self)
        return process

    def stop(self) -> None:
        """Stops the tracer if recordings started it, and this was the last of them."""
        global _started
        with _lock:
            if self._is_last():
                _started = None
                if runtime.running() is self.tracer:
                    runtime.stop(settle=False)

    def _is_last(self) -> bool:
        """Whether recordings started this tracer, and no other recording shares it."""
        others = [each for each in _open if each is not self]
        return _started is self.tracer and all(each.tracer is not self.tracer for each in others)
