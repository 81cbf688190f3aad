"""The Django app: `INSTALLED_APPS += ["tracer"]` is enough."""

from __future__ import annotations

import logging
import os

from django.apps import AppConfig
from django.conf import settings

from tracer import checks, conf, runtime
from tracer.recorder import interpreter


class TracerConfig(AppConfig):
    """Starts the tracer when apps are ready, if the settings ask for it."""

    name = "tracer"
    verbose_name = "Request lifecycle tracer"

    def ready(self) -> None:
        """Never raises: an application must not fail to start for being watched."""
        try:
            checks.register()
            config, _problems = conf.load(settings, os.environ)
            if config.enabled and not interpreter.warn_if_unsupported():
                runtime.start(config)
        except Exception as fault:
            logging.getLogger("tracer").warning("tracer: could not start: %s", fault)
