"""What a forked child received from its parent: objects that were built and are alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tracer.model import Birth, Built
from tracer.model.assemble import birth_in
from tracer.recorder.recorder import Recorder
from tracer.runtime.backlog import Backlog
from tracer.runtime.intake import Intake


def inherit(recorder: Recorder, intake: Intake, backlog: Backlog) -> None:
    """Starts the child's own history with the objects that its parent had built."""
    refs = recorder.weakrefs.refs
    closed = {token for token, _ in recorder.closings}
    received: dict[int, Birth] = {}
    for born in _known_to_the_parent(recorder, intake, backlog):
        ref = refs.get(born.token)
        is_alive = not ref.at if ref is not None else not born.mortal
        if is_alive and born.token not in closed:
            received.setdefault(born.token, replace(born, phase="inherited"))
    backlog.forked()
    intake.boot = list(received.values())
    intake.has_served = False
    _announce_current_thread(recorder, intake)
    if received:
        backlog.history.feed(Built(tuple(received.values())))


def _known_to_the_parent(recorder: Recorder, intake: Intake, backlog: Backlog) -> Iterator[Birth]:
    """Yields every birth that the parent knew of when it forked; some more than once."""
    yield from backlog.history.objects.store.living()
    yield from intake.boot
    for built in intake.outside():
        yield from built.births
    for trace in (*recorder.finished, *recorder.in_flight.values()):
        recorder.weakrefs.take_over(trace.births)
        (recorded,) = [one for several in backlog.masking.recorded([trace]) for one in several]
        yield from [birth_in(recorded, index) for index in range(len(recorded.tokens))]


def _announce_current_thread(recorder: Recorder, intake: Intake) -> None:
    """Reports the thread that forked, by the name that the parent knew.

    After a fork only this thread is left, and the child's history does not know its name yet.
    """
    token = recorder.current_thread.token
    if token in intake.thread_names:
        recorder.threads_met.append((token, intake.thread_names[token], recorder.clock()))
