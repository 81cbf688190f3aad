"""Starts the tracer in a process that was started with the bootstrap in its environment.

The project need not list the tracer among its apps; where it does, the tracer is running by now.
"""

from __future__ import annotations

import logging
import os

from django.conf import settings

from tracer import checks, conf, runtime
from tracer.recorder import boot

logger = logging.getLogger("tracer")


def start() -> None:
    """Called when all apps are ready: watch requests if the settings and the environment say so."""
    config, _problems = conf.load(settings, os.environ)
    if not config.enabled:
        booting = boot.current_boot()
        if booting is not None:
            booting.stop()
            boot.set_current_boot(None)
        return
    if config.console and not runtime.CAN_DRAW:
        logger.warning(
            "tracer: nothing can be drawn here, because this Python has no rich: install it "
            "(pip install rich), or keep a journal and draw it elsewhere (--journal, --no-console)"
        )
    checks.register()
    runtime.start(config).introduction.announce()
