"""Which interpreters the tracer can watch: those whose threads share one interpreter lock.

Without that lock references cannot be counted and what it appends is not in order. A
subinterpreter with a lock of its own allows no daemon threads. Those that mod_wsgi and uWSGI make
for each application share the lock of the main interpreter, and are watched.
"""

from __future__ import annotations

import functools
import logging
import sys


class NotSupported(RuntimeError):
    """The tracer cannot watch in this interpreter."""


def unsupported() -> tuple[str, str] | None:
    """Return why the tracer cannot watch in this interpreter, and what to do; None if it can."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return (
            "not supported: this Python runs without its interpreter lock",
            "Start Python with PYTHON_GIL=1, or use a build that is not free-threaded.",
        )
    if _has_a_lock_of_its_own():
        return (
            "not supported: this is not the main interpreter, and has a lock of its own",
            "Serve the project from the main interpreter, or from one that shares its lock.",
        )
    return None


def refuses() -> bool:
    """Return whether the tracer cannot watch here; the first time, log why not."""
    return unsupported() is not None and _told()


@functools.cache
def _told() -> bool:
    found = unsupported()
    if found is not None:
        logging.getLogger("tracer").warning("tracer: %s; nothing is watched.", found[0])
    return True


def _has_a_lock_of_its_own() -> bool:
    if sys.version_info < (3, 13):
        # Python 3.12 can make them, but Django cannot be imported there: datetime breaks.
        return False
    try:
        import _interpreters  # type: ignore[import-not-found]
    except ImportError:
        return False
    current, main = _interpreters.get_current()[0], _interpreters.get_main()[0]
    return current != main and _interpreters.get_config(current).gil == "own"
