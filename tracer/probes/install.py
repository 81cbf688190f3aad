"""All probes, installed together and taken away together."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from tracer.model import stages
from tracer.probes import (
    cache,
    connection_pools,
    constructors,
    database,
    exceptions,
    forks,
    handlers,
    middleware,
    redis,
    responses,
    signals,
    templates,
    threads,
    urls,
    views,
)
from tracer.probes.garbage_collector import Collections
from tracer.probes.imports import Imports
from tracer.probes.user_classes import Watch
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder

PROBES = (
    constructors,
    middleware,
    handlers,
    views,
    urls,
    responses,
    exceptions,
    database,
    connection_pools,
    redis,
    templates,
    signals,
    threads,
    forks,
)


class Installation:
    """What is patched for one recorder. `uninstall` leaves everything exactly as it was."""

    def __init__(
        self, recorder: Recorder, watch: Sequence[str] = (), show_cache_keys: bool = False
    ) -> None:
        self.recorder = recorder
        self.patches = Patches()
        self.imports = Imports(recorder)
        self.collections = Collections(recorder)
        self.watch = Watch(recorder, self.patches, watch)
        self.show_cache_keys = show_cache_keys

    def install(self) -> None:
        """Patch what is loaded, and the rest when it is. Undoes itself if any of it fails.

        Doing so again changes nothing.
        """
        if len(self.patches):
            return
        try:
            for probe in PROBES:
                probe.install(self.recorder, self.patches, self.imports)
            cache.install(self.recorder, self.patches, self.imports, self.show_cache_keys)
            self.watch.install(self.imports)
            urlconf = getattr(settings, "ROOT_URLCONF", None)
            if isinstance(urlconf, str):
                self.imports.stages[urlconf] = stages.URLCONF
            self.imports.install()
            self.collections.install()
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Take everything away; twice is harmless."""
        self.collections.uninstall()
        self.imports.uninstall()
        self.patches.restore()
