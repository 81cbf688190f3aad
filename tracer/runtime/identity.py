"""Who a process is: its number, its parent, its server and mode, and whether it was forked."""

from __future__ import annotations

import os
import platform
import sys

import django
from django.conf import settings

from tracer.model import ProcessStarted
from tracer.recorder import server_info
from tracer.recorder.recorder import Recorder


class Identity:
    """What is known of this process when the tracer begins in it, or when it is forked."""

    def __init__(self, recorder: Recorder, forked: bool = False, inherited: bool = False) -> None:
        """`inherited`: it received a built handler from its parent."""
        self.recorder = recorder
        self.forked = forked
        self.inherited = inherited
        self.pid = os.getpid()
        self.parent = os.getppid()
        self.started = server_info.process_start_time()
        self.callers = server_info.callers()
        """Whose code runs just now: before the first request, this tells the server."""

    def about(self) -> ProcessStarted:
        """Returns who this process is, as far as its first request tells."""
        first = self.recorder.environ
        if first:
            server, mode = server_info.server(first, sys.modules, os.environ)
        else:
            server, mode = server_info.server_before_requests(
                self.callers, self.forked, sys.modules, os.environ, sys.argv
            )
        return ProcessStarted(
            pid=self.pid,
            parent=self.parent,
            server=server,
            mode=mode,
            python=platform.python_version(),
            django=django.get_version(),
            started=self.started,
            begun=int((self.started - self.recorder.epoch) * 1e9),
            inherited=self.inherited,
            forked=self.forked,
            urlconf=str(getattr(settings, "ROOT_URLCONF", None) or ""),
            application=str(getattr(settings, "SETTINGS_MODULE", None) or ""),
        )
