"""A client of Django's handlers with the tracer on, without console and journal.

`tracer.record` subscribes to the tracer and keeps a history of its own. Tests of the tracer itself
use this class: it sends requests and reads what the tracer of the process has recorded.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tracer import runtime
from tracer.conf import Config
from tracer.model import Lifetime, Process, Request, Span
from tracer.recording.client import Client
from tracer.recording.handlers import Answer, environ, serve, serve_async
from tracer.recording.view import Reading

__all__ = ["Answer", "Recording", "ancestors", "environ", "serve", "serve_async"]


@dataclass
class Recording(Client, Reading):
    """The tracer of this process, on within a `with` block, and a client that it traces."""

    watch: tuple[str, ...] = ()
    cache_keys: bool = False
    query_values: bool = False
    journal: Path | None = None

    def __post_init__(self) -> None:
        Client.__init__(self)

    def __enter__(self) -> Recording:
        gc.collect()
        config = Config(
            enabled=True,
            console=False,
            journal=self.journal,
            watch=self.watch,
            cache_keys=self.cache_keys,
            query_values=self.query_values,
        )
        self.tracer = runtime.start(config)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._let_go()
        runtime.stop()

    def settle(self) -> Process:
        """Runs a full collection with no request under way, and returns the process."""
        self.tracer.settle()
        return self.process

    @property
    def process(self) -> Process:
        """Returns the process as recorded so far."""
        return self.tracer.process()

    def lives(self, name: str, process: Process | None = None) -> tuple[Lifetime, ...]:
        """Returns the lifetimes of this name, in this process or in another."""
        return (Reading(process) if process else self).lifetimes_of(name)


def ancestors(request: Request, span: Span) -> Iterable[Span]:
    """Yields the spans around this one, innermost first."""
    while span.parent is not None:
        span = request.spans[span.parent]
        yield span
