"""The orderly end of a process's tracer: settle, write the end, draw the last pictures."""

from __future__ import annotations

import os

from tracer.model import Ended
from tracer.recorder import boot
from tracer.runtime.tracer import Tracer


def close(tracer: Tracer, settle: bool = True) -> None:
    """Closes a tracer in the process that it belongs to. Each step fails by itself, in one line.

    Without `settle` no collection is run: the caller has done what there was to do.
    """
    if os.getpid() != tracer.worker.pid:
        return
    tracer.worker.end()
    finish = _settle_and_end if settle else _end
    for step in (land, _introduce_idle_child, finish, _draw_last):
        try:
            with boot.imports_not_counted():
                step(tracer)
        except Exception as fault:
            tracer.recorder.fault("the end", fault)


def land(tracer: Tracer) -> None:
    """Finishes the requests in flight, which come to no end of their own any more."""
    for trace in list(tracer.recorder.in_flight.values()):
        tracer.recorder.finish(trace, "never closed")
    tracer.handle_recorded(draw=not tracer.worker.is_stuck)


def _introduce_idle_child(tracer: Tracer) -> None:
    """Says who a forked child was that served nothing.

    Not before its end: it might have been about to become another program.
    """
    journal, is_forked = tracer.journal, tracer.introduction.identity.forked
    if journal is not None and not journal.is_open and is_forked:
        tracer.introduction.announce()


def _settle_and_end(tracer: Tracer) -> None:
    try:
        if tracer.introduction.is_done:
            tracer.settle(draw=not tracer.worker.is_stuck)
    finally:
        _end(tracer)


def _end(tracer: Tracer) -> None:
    """Reports the end of a process that has said who it is."""
    journal = tracer.journal
    if not tracer.introduction.is_done and (journal is None or not journal.is_open):
        return
    with tracer.lock:
        tracer.introduction.report_boot()
        ended = Ended(tracer.recorder.clock())
        tracer.backlog.history.feed(ended)
        if journal is not None:
            journal.append([ended])
            journal.close()


def _draw_last(tracer: Tracer) -> None:
    if tracer.introduction.is_done and tracer.console is not None and not tracer.worker.is_stuck:
        tracer.console.draw_last(tracer.snapshot())
