"""The stages of Django's boot: settings, the app registry with each of its apps, and the URLconf.

The boot is watched from the moment that `django.conf` is loaded until all apps are ready. Then all
patches made here are undone, and the tracer itself is started. Handlers and middleware are built
later; the probes that record their birth report them as stages of the boot.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from tracer.model import stages
from tracer.recorder import boot
from tracer.recorder.boot import BootRecorder, ImportLog
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches

_OWN_PACKAGE: Final = "tracer"

Naming = Callable[[tuple[Any, ...], str], str]
"""(arguments, name of the exception if any) to a stage's name; "" leaves the stage out."""


def watch_boot(log: ImportLog, ready: Callable[[], None]) -> None:
    """Watches this process's boot from here on. Calls `ready` once, when all apps are ready."""
    recorder = BootRecorder(log)
    probe = BootProbe(recorder, ready)
    recorder.stop = probe.stop
    boot.set_current_boot(recorder)
    try:
        probe.install()
    except BaseException:
        probe.stop()
        raise


class BootProbe:
    """The patches that are in place while Django boots. `stop` leaves everything as it was."""

    def __init__(self, recorder: BootRecorder, ready: Callable[[], None]) -> None:
        self.recorder = recorder
        self.log = recorder.log
        self.ready = ready
        self.patches = Patches()
        self.timer = _StageTimer(recorder)
        self.app_configs = _AppConfigs(recorder, self.patches, self.timer)
        self.setup_depth = 0
        self.is_over = False

    def install(self) -> None:
        """Patches what is loaded now, and the rest when it is loaded."""
        self.patches.wrap(sys.modules["django"], "setup", self._setup)
        self.log.when("django.conf", self._conf_loaded)
        self.log.when("django.apps.config", self.app_configs.module_loaded)
        self.log.when("django.apps.registry", self._registry_loaded)

    def stop(self) -> None:
        """Undoes all patches and stops the import log. A second call is harmless."""
        self.is_over = True
        self.patches.restore()
        self.log.uninstall()

    def _conf_loaded(self, conf: Any) -> None:
        self.patches.wrap(conf.Settings, "__init__", self._settings_init)

    def _settings_init(self, init: Callable[..., None]) -> Any:
        timed = self.timer.timed(stages.SETTINGS, init, lambda args, _: str(args[1]))

        def __init__(settings: Any, *args: Any, **kwargs: Any) -> None:
            try:
                timed(settings, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            self._time_urlconf(vars(settings).get("ROOT_URLCONF"))

        return __init__

    def _time_urlconf(self, urlconf: object) -> None:
        """Times the import of the URLconf, if the settings name one."""
        if isinstance(urlconf, str):
            self.log.during(urlconf, lambda *times: self._urlconf_imported(urlconf, *times))

    def _urlconf_imported(self, urlconf: str, start: int, end: int, failed: bool) -> None:
        began = self.log.clock.now() - (end - start)
        self.recorder.add_stage(
            stages.URLCONF, urlconf, began, None, "ImportError" if failed else ""
        )

    def _setup(self, call: Callable[..., None]) -> Any:
        timed = self.timer.timed(stages.SETUP, call, lambda args, _: "django.setup")

        def setup(*args: Any, **kwargs: Any) -> None:
            self.setup_depth += 1
            try:
                timed(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                self.setup_depth -= 1
            self._start_if_ready()

        return setup

    def _registry_loaded(self, registry: Any) -> None:
        def around(call: Callable[..., None]) -> Any:
            def populate(apps: Any, *args: Any, **kwargs: Any) -> None:
                try:
                    call(apps, *args, **kwargs)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise
                if apps is registry.apps and not self.setup_depth:
                    if "setup" in self.log.marks:
                        # `setup` was running before it could be wrapped; this was its last step.
                        began = self.log.marks["setup"]
                        self.recorder.add_stage(stages.SETUP, "django.setup", began)
                    self._start_if_ready()

            return populate

        self.patches.wrap(registry.Apps, "populate", around)

    def _start_if_ready(self) -> None:
        """Once all apps are ready, undoes all patches and starts the tracer."""
        registry = sys.modules.get("django.apps.registry")
        if self.is_over or registry is None or not registry.apps.ready:
            return
        self.is_over = True
        self.patches.restore()
        try:
            self._time_urlconf(getattr(sys.modules["django.conf"].settings, "ROOT_URLCONF", None))
            with self.log.clock:
                self.ready()
        except Exception as fault:
            self.recorder.fault("its start", fault)


class _AppConfigs:
    """The patches of `AppConfig`: each app's creation, its models and its `ready`."""

    def __init__(self, recorder: BootRecorder, patches: Patches, timer: _StageTimer) -> None:
        self.recorder = recorder
        self.log = recorder.log
        self.patches = patches
        self.timer = timer
        self._timed_ready: set[type] = set()

    def module_loaded(self, config: Any) -> None:
        """Patches `AppConfig` when its module is loaded."""
        base = config.AppConfig
        create = vars(base)["create"].__func__
        timed = self.timer.timed(stages.APP, create, lambda args, _: str(args[1]))

        def made(cls: Any, entry: Any) -> Any:
            try:
                if str(entry).partition(".")[0] == _OWN_PACKAGE:
                    with self.log.clock:
                        return create(cls, entry)
                return timed(cls, entry)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        made.__name__, made.__qualname__ = create.__name__, create.__qualname__
        self.patches.replace(base, "create", classmethod(made))
        self.patches.wrap(base, "import_models", lambda call: self._import_models(base, call))

    def _import_models(self, base: Any, call: Callable[..., None]) -> Any:
        timed = self.timer.timed(stages.MODELS, call, _label_if_models)

        def import_models(config: Any) -> None:
            try:
                self.time_ready(base, type(config))
            except Exception as fault:
                self.recorder.fault(stages.READY, fault)
            try:
                timed(config)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return import_models

    def time_ready(self, base: Any, cls: Any) -> None:
        """Times a config's `ready`, which runs after all models are imported.

        The base class's `ready` does nothing, and is left alone.
        """
        if cls.ready is base.ready or cls in self._timed_ready:
            return
        self._timed_ready.add(cls)
        is_own = cls.__module__.partition(".")[0] == _OWN_PACKAGE
        self.patches.wrap(
            cls,
            "ready",
            self._not_counted
            if is_own
            else lambda call: self.timer.timed(stages.READY, call, _label),
        )

    def _not_counted(self, call: Callable[..., Any]) -> Any:
        def ready(*args: Any) -> Any:
            try:
                with self.log.clock:
                    return call(*args)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return ready


class _StageTimer:
    """A maker of wrappers that time a call as a stage of the boot."""

    def __init__(self, recorder: BootRecorder) -> None:
        self.recorder = recorder

    def timed(self, stage: str, call: Callable[..., Any], naming: Naming) -> Any:
        """Returns a function that times `call`. Its result or exception passes untouched."""
        now, add = self.recorder.now, self._add

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = now()
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                drop_own_frames(error)
                add(stage, naming, args, start, type(error).__name__)
                raise
            add(stage, naming, args, start, "")
            return result

        return timed

    def _add(
        self, stage: str, naming: Naming, args: tuple[Any, ...], start: int, error: str
    ) -> None:
        try:
            name = naming(args, error)
            if name:
                self.recorder.add_stage(stage, name, start, None, error)
        except Exception as fault:
            self.recorder.fault(stage, fault)


def _label(args: tuple[Any, ...], _error: str) -> str:
    return str(vars(args[0]).get("label", ""))


def _label_if_models(args: tuple[Any, ...], error: str) -> str:
    """Leaves out an app without models, unless the import failed before that was known."""
    return _label(args, error) if error or vars(args[0]).get("models_module") else ""


hide_functions(__name__)
