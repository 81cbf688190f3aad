"""Which interpreters the tracer supports: those whose threads share one interpreter lock.

Without that lock, references cannot be counted and appended facts are not in order. A
subinterpreter with a lock of its own allows no daemon threads. The subinterpreters that mod_wsgi
and uWSGI make for each application share the main interpreter's lock, and are supported.
"""

from __future__ import annotations

import functools
import logging
import sys


class NotSupported(RuntimeError):
    """The tracer cannot watch in this interpreter."""


def unsupported() -> tuple[str, str] | None:
    """Returns why the tracer cannot watch in this interpreter, and what to do; None if it can."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return (
            "not supported: this Python runs without its interpreter lock",
            "Start Python with PYTHON_GIL=1, or use a build that is not free-threaded.",
        )
    if _has_own_lock():
        return (
            "not supported: this is not the main interpreter, and has a lock of its own",
            "Serve the project from the main interpreter, or from one that shares its lock.",
        )
    return None


def warn_if_unsupported() -> bool:
    """Returns whether the tracer cannot watch here. The first time, log the reason."""
    return unsupported() is not None and _warn_once()


@functools.cache
def _warn_once() -> bool:
    found = unsupported()
    if found is not None:
        logging.getLogger("tracer").warning("tracer: %s; nothing is watched.", found[0])
    return True


def _has_own_lock() -> bool:
    if sys.version_info < (3, 13):
        # Python 3.12 can make such interpreters, but Django cannot be imported in them: datetime
        # breaks.
        return False
    try:
        import _interpreters  # type: ignore[import-not-found]
    except ImportError:
        return False
    current, main = _interpreters.get_current()[0], _interpreters.get_main()[0]
    return current != main and _interpreters.get_config(current).gil == "own"
