"""`from tracer import record`: the tracer for the time of a `with` block, in any program.

    import django; django.setup()
    from tracer import record

    with record() as recording:
        recording.get("/menu/")
    print(recording.timeline())

It works with the app installed or not. Where a tracer runs in this process already, it is shared:
what happens inside the block is recorded, and the tracer goes on as it was. Recordings may be
nested. Handlers, and test clients, that are built inside the block show their middleware; one
that is older shows only what happens inside its layers.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from django.apps import apps
from django.conf import settings

from tracer.checks import unwatchable
from tracer.model import Process
from tracer.recorder import interpreter
from tracer.recording.assertions import Assertions
from tracer.recording.client import Client
from tracer.recording.handlers import Answer
from tracer.recording.session import Session
from tracer.recording.view import Reading, RecordingError
from tracer.render.layout.wording import plural

__all__ = ["Answer", "Reading", "Recording", "RecordingError", "Settled", "record"]

KEEP = 10_000
"""Requests that a recording remembers one by one, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a full collection did; see `Recording.settle`."""

    freed: int
    """Objects that it freed, of whatever kind."""
    in_flight: int
    """Requests that were under way, so that it proves nothing; 0 as a rule."""

    def __repr__(self) -> str:
        said = f"The tracer ran a full collection: it freed {plural(self.freed, 'object')}."
        if self.in_flight:
            said += f" It proves nothing: {plural(self.in_flight, 'request')} were under way."
        return said


def record(
    *,
    watch: Iterable[type | str] = (),
    cache_keys: bool = False,
    query_values: bool = False,
    journal: str | os.PathLike[str] | None = None,
    keep: int | None = KEEP,
    settle: bool = True,
) -> Recording:
    """Returns a recording that lasts as long as its `with` block, and is read in and after it.

    - `watch`: classes of your own to follow, or their dotted paths.
    - `cache_keys`, `query_values`: record these as they are instead of leaving them out.
    - `journal`: a directory to which everything recorded is written, too.
    - `keep`: requests remembered one by one; older ones are only counted. None remembers all.
    - `settle`: whether the block ends with a full collection, which tells what only waits for the
      collector from what is held.

    RecordingError, when the block is entered, if Django is not set up.
    """
    return Recording(
        watch=watch,
        cache_keys=cache_keys,
        query_values=query_values,
        journal=journal,
        keep=keep,
        settle=settle,
    )


class Recording(Client, Assertions):
    """What `record` returns: serves requests, and shows what was recorded of them.

    - After its block it stays readable, and frozen: it serves and settles no more.
    - It can be entered once.
    - Several threads may serve and read at once.
    """

    def __init__(
        self,
        *,
        watch: Iterable[type | str] = (),
        cache_keys: bool = False,
        query_values: bool = False,
        journal: str | os.PathLike[str] | None = None,
        keep: int | None = KEEP,
        settle: bool = True,
    ) -> None:
        """See `record`."""
        super().__init__()
        if keep is not None and (not isinstance(keep, int) or keep < 0):
            raise RecordingError(
                f"record(keep=…) takes a number of requests, or None for all, not {keep!r}."
            )
        self._watch = _watched(watch)
        self._shown = query_values, cache_keys
        self._journal = Path(journal).absolute() if journal is not None else None
        self._keep = keep
        self._settles = settle
        self._session: Session | None = None
        self._process: Process | None = None
        """The process as it stood when the block ended."""

    # -- the block ---------------------------------------------------------------------------

    def __enter__(self) -> Recording:
        if self._session is not None:
            raise RecordingError("A recording is made once: call record() again for another.")
        _demand_django()
        for path in self._watch:
            wrong = unwatchable(path) if isinstance(path, str) else None
            if wrong is not None:
                raise RecordingError(f"record(watch=…) names {path}, but {wrong[1]}.")
        # What nobody holds any more is no part of the recording.
        gc.collect()
        self._session = Session(self, self._watch, self._journal, self._keep, *self._shown)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session = self._begun()
        try:
            session.finish(settle=self._settles and kind is None)
        finally:
            self._process = session.close()
            self._let_go()
            session.stop()

    def _begun(self) -> Session:
        if self._session is None:
            raise RecordingError("The recording has not begun: with record() as recording: …")
        return self._session

    # -- while it lasts, and after -----------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether its block was entered."""
        return self._session is not None

    @property
    def ended(self) -> bool:
        """Whether its block is over: what it shows is frozen."""
        return self._process is not None

    @property
    def process(self) -> Process:
        """The process as recorded so far: one object that never changes, and another later."""
        if self._process is not None:
            return self._process
        session = self._begun()
        session.tracer.gather()
        return session.subscription.snapshot()

    def settle(self) -> Settled:
        """Runs a full collection with no request in flight, finds what holds the rest, and says so.

        What is alive afterwards is held by something; what was only waiting is gone.
        """
        if self.ended:
            raise RecordingError(
                "The recording has ended: settle() belongs inside the block, before its end."
            )
        tracer = self._begun().tracer
        in_flight = len(tracer.recorder.in_flight)
        return Settled(tracer.settle(draw=False), in_flight)

    def _on_demand(self) -> None:
        """Before an assertion that needs it: settles, where that can still be done."""
        if not self.ended:
            self.settle()

    def _serving(self) -> None:
        if self.ended:
            raise RecordingError(
                "The recording has ended: requests and run() belong inside the block."
            )
        self._begun().subscription.server = "record()"

    def __repr__(self) -> str:
        if self._session is None:
            return "<Recording, not begun>"
        process = self.process
        state = "ended" if self.ended else "running"
        lives = plural(len(process.lifetimes), "lifetime")
        return f"<Recording, {state}: {plural(process.served, 'request')}, {lives}>"


def _demand_django() -> None:
    """Raises RecordingError, with the mend, unless Django is set up."""
    if not settings.configured and not os.environ.get("DJANGO_SETTINGS_MODULE"):
        raise RecordingError(
            "Django has no settings yet: set DJANGO_SETTINGS_MODULE (or call "
            "django.conf.settings.configure()), then django.setup(), before record()."
        )
    if not apps.ready:
        raise RecordingError("Django is not set up yet: call django.setup() before record().")
    why = interpreter.unsupported()
    if why is not None:
        raise RecordingError(f"record() is {why[0]}. {why[1]}")


def _watched(named: Iterable[type | str]) -> tuple[type | str, ...]:
    """Returns the classes to watch. RecordingError for what cannot be one."""
    several = isinstance(named, Iterable) and not isinstance(named, str | type)
    found: tuple[type | str, ...] = tuple(named) if several else (named,)  # type: ignore[assignment]
    for each in found:
        if not isinstance(each, type) and not (isinstance(each, str) and "." in each):
            raise RecordingError(
                f"record(watch=…) takes classes and dotted paths of classes, not {each!r}."
            )
    return found
