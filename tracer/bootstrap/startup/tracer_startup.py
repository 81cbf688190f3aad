"""Begins the import log when an interpreter starts, and loads the tracer when Django is imported.

It runs in every Python of a traced environment, so it imports built-in modules alone until Django
is there. A process that never imports Django loads nothing more and writes nothing.
"""

import os
import sys

# At the interpreter's start this directory is on the path, and the package `tracer` may not be.
if __name__ != "tracer_startup":
    from tracer.bootstrap.startup.tracer_import_log import SETTINGS, ImportLog, warn
else:
    from tracer_import_log import (  # type: ignore[import-not-found,no-redef]
        SETTINGS,
        ImportLog,
        warn,
    )


def begin() -> None:
    """Begins the import log, unless the environment switches the tracer off."""
    if os.environ.get("TRACER_ENABLED", "").strip().lower() not in ("1", "true", "yes", "on"):
        return
    log = ImportLog()
    log.when(SETTINGS, lambda _: _load_tracer(log))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=log.forked)
    log.install()


def _load_tracer(log: ImportLog) -> None:
    """Loads the tracer, now that Django is there, and lets it watch the rest of the boot."""
    log.forked()
    with log.clock:
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        from importlib import import_module

        why_not = _make_importable(package)
        refused = not why_not and import_module("tracer.recorder.interpreter").warn_if_unsupported()
        probe = None if why_not or refused else import_module("tracer.probes.django_boot")
    if probe is None:
        log.uninstall()
        if why_not:
            warn(f"tracer: {why_not}")
        return

    def ready() -> None:
        with log.clock:
            startup = import_module("tracer.runtime.startup")
        startup.start()

    probe.watch_boot(log, ready)


def _make_importable(package: str) -> str:
    """Makes `tracer` importable from its own directory. Returns why it cannot be, or "".

    Its parent directory does not go on the path, for that may hold other versions of what the
    project uses.
    """
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    loaded = sys.modules.get("tracer")
    spec = loaded.__spec__ if loaded is not None else find_spec("tracer")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if spec is not None and not any(
        os.path.exists(os.path.join(place, "recorder", "recorder.py")) for place in places
    ):
        return "not watching, because the project has another package of that name."
    if loaded is None:
        spec = spec_from_file_location(
            "tracer", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        if spec is None or spec.loader is None:
            return f"not watching, because {package} is not there any more."
        sys.modules["tracer"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return ""
