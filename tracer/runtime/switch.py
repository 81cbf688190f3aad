"""Switches the tracer of this process on and off."""

from __future__ import annotations

import atexit
import functools
import os
from typing import TextIO

from tracer.conf import Config
from tracer.recorder import boot, interpreter
from tracer.runtime import shutdown
from tracer.runtime.tracer import Tracer

_running: Tracer | None = None


def running() -> Tracer | None:
    """Returns this process's tracer, or None where it is off."""
    return _running


def start(config: Config, stream: TextIO | None = None) -> Tracer:
    """Installs the probes and begins to watch. A second start returns the tracer that runs.

    Raises NotSupported where this interpreter cannot be watched.
    """
    global _running
    if _running is None:
        why = interpreter.unsupported()
        if why is not None:
            raise interpreter.NotSupported(why[0])
        tracer = Tracer(config, stream)
        tracer.recorder.on_child = functools.partial(_child, tracer)
        tracer.installation.install()
        _running = tracer
        _listen_for_forks()
        atexit.register(shutdown.close, tracer)
    return _running


def stop(settle: bool = True) -> None:
    """Takes the probes away, and forgets the tracer; `settle` as in `shutdown.close`.

    For tests, for recordings that started it, and for those who switch it off by hand.
    """
    global _running
    tracer, _running = _running, None
    if tracer is not None:
        tracer.installation.uninstall()
        if tracer.recorder.boot is not None:
            tracer.recorder.boot.stop()
            boot.set_current_boot(None)
        atexit.unregister(shutdown.close)
        shutdown.close(tracer, settle)


def _child(tracer: Tracer, is_over: bool) -> None:
    """A child of multiprocessing that was forked begins its life, or is at its end."""
    if tracer.introduction.identity.forked:
        if is_over:
            shutdown.close(tracer)
        else:
            tracer.introduction.announce()


@functools.cache
def _listen_for_forks() -> None:
    """Once per process: Python offers no way to take such a hook back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    if _running is not None:
        try:
            _running.worker.before_fork()
        except Exception as fault:
            _running.recorder.fault("fork", fault)


def _after_fork() -> None:
    if _running is not None:
        # Who served the parent does not serve the child, as long as that has no request.
        _running.recorder.environ = {}
        _running.recorder.after_fork()
