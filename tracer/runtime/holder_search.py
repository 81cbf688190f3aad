"""The search for what holds an object that outlived its request."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.heap import retainers
from tracer.model import Held, History
from tracer.model import scope as scopes
from tracer.recorder.recorder import Recorder

MOST_AT_A_TIME = 24
"""Kept objects whose holders are searched for at a time."""


class HolderSearch:
    """Searches Python's heap. Never while a request is in flight, for the search takes seconds."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.not_found: set[int] = set()
        """Objects whose holder was searched for and not found: they come after all others."""

    def run(self, history: History, last: bool = False) -> list[Held]:
        """Returns what holds the objects that were kept.

        `last`: the process ends, and no way of looking can do harm any more.
        """
        if self.recorder.in_flight or history.about is None:
            return []
        kept = {
            life.id
            for life in history.snapshot().lifetimes
            if life.scope == scopes.KEPT and life.died_at is None and life.held_by is None
        }
        self.not_found &= kept
        sought = sorted(kept, key=lambda one: (one in self.not_found, one))[:MOST_AT_A_TIME]
        found = self.holders_of(sought, last)
        self.not_found.update(set(sought) - found.keys())
        return [Held(token, path) for token, path in found.items()]

    def holders_of(
        self, tokens: Iterable[int], last: bool = False, seconds: float = 1.0
    ) -> dict[int, str]:
        """Returns the path to each of these objects, as far as one is found; `last` as in `run`.

        No step of the search begins after `seconds`.
        """
        objects = {}
        for token in tokens:
            ref = self.recorder.weakrefs.refs.get(token)
            if ref is not None and (obj := ref()) is not None:
                objects[token] = obj
                del obj
        return retainers.paths(objects, seconds, running=last or retainers.CAN_READ_FRAMES)
