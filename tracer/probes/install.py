"""All probes, installed together and removed together."""

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
    request_signals,
    responses,
    signals,
    templates,
    threads,
    urls,
    views,
)
from tracer.probes.garbage_collector import CollectionProbe
from tracer.probes.imports import Imports
from tracer.probes.user_classes import UserClasses
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
    request_signals,
    signals,
    threads,
    forks,
)


class Installation:
    """The probes of one recorder. `uninstall` leaves everything exactly as it was."""

    def __init__(
        self, recorder: Recorder, watch: Sequence[str] = (), show_cache_keys: bool = False
    ) -> None:
        self.recorder = recorder
        self.patches = Patches()
        self.imports = Imports(recorder)
        self.collections = CollectionProbe(recorder)
        self.user_classes = UserClasses(recorder, self.patches, watch)
        self.show_cache_keys = show_cache_keys

    def install(self) -> None:
        """Patches what is loaded now, and the rest when it is loaded. If a part fails, undoes all.

        A second call changes nothing.
        """
        if len(self.patches):
            return
        try:
            for probe in PROBES:
                probe.install(self.recorder, self.patches, self.imports)
            cache.install(self.recorder, self.patches, self.imports, self.show_cache_keys)
            self.user_classes.install(self.imports)
            urlconf = getattr(settings, "ROOT_URLCONF", None)
            if isinstance(urlconf, str):
                self.imports.stages[urlconf] = stages.URLCONF
            self.imports.install(self.patches)
            self.collections.install()
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Removes everything. A second call is harmless."""
        self.collections.uninstall()
        self.imports.uninstall()
        self.patches.restore()
