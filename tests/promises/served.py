"""What the programs of the fork tests have in common: a site, and a way to serve it.

Run in processes of their own, never in the test's: `boot()` reads the settings.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def boot() -> Any:
    """Set Django up, and return a WSGIHandler as a server builds one."""
    import django

    django.setup()
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def ask(handler: Any, *paths: str) -> None:
    """Serve these pages."""
    from tests.support.client import environ, serve

    for path in paths:
        assert serve(handler, environ(path)).status == 200


def in_child(work: Any) -> int:
    """Fork, let the child work, end it as a server's worker ends, and return its pid."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        from tracer import runtime
        from tracer.runtime import shutdown

        running = runtime.running()
        if running is not None:
            shutdown.close(running)
        status = 0
    finally:
        os._exit(status)


def reap(*pids: int) -> None:
    """Wait for children; all must have ended well."""
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert status == 0, (pid, status)
