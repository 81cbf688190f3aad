"""Faults of the tracer's own: each is one line in the log, and the application goes on."""

from __future__ import annotations

import logging

logger = logging.getLogger("tracer")

MOST = 100
"""Kinds of faults that are logged."""


class Faults:
    """Logs each kind of fault once."""

    def __init__(self) -> None:
        self.faults: dict[str, object] = {}

    def fault(self, where: str, exc: BaseException) -> None:
        """Logs a fault, unless one of its place and kind was logged before.

        The line names the place that failed and the kind of exception, never what the exception
        says: that may be a key or a value of the application's.
        """
        kind = type(exc).__name__
        key = f"{where}: {kind}"
        mine = object()
        # In one step: two threads may fail at the same place at once.
        if len(self.faults) < MOST and self.faults.setdefault(key, mine) is mine:
            try:
                line = _raised_at(exc)
                logger.warning("tracer: a fault of its own in %s (%s%s)", where, kind, line)
            except Exception:
                return


def _raised_at(exc: BaseException) -> str:
    """Returns where an exception was raised, as " at module:line"; empty if it was not raised."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None:
        return ""
    return f" at {tb.tb_frame.f_globals.get('__name__', '?')}:{tb.tb_lineno}"
