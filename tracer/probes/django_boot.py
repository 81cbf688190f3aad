"""The stages of the boot: settings, the app registry with each of its apps, and the URLconf.

Watched from the moment that `django.conf` is loaded until all apps are ready. Then everything that
was patched here is given back, and the tracer itself is started. Handlers and middleware are built
later; the probes that see them being born tell of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from tracer.model import stages
from tracer.recorder import boot
from tracer.recorder.boot import Booting, Log
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches

_OURS: Final = "tracer"

Naming = Callable[[tuple[Any, ...], str], str]
"""(arguments, name of the exception if any) to a stage's name; "" when it is not worth telling."""


def begin(log: Log, ready: Callable[[], None]) -> None:
    """Watch this process's boot from here on; `ready` is called once, when all apps are ready."""
    booting = Booting(log)
    watch = Watch(booting, ready)
    booting.stop = watch.stop
    boot.know(booting)
    try:
        watch.install()
    except BaseException:
        watch.stop()
        raise


class Watch:
    """What is patched while Django boots. `stop` leaves everything exactly as it was."""

    def __init__(self, booting: Booting, ready: Callable[[], None]) -> None:
        self.booting = booting
        self.log = booting.log
        self.ready = ready
        self.patches = Patches()
        self.setting_up = 0
        self.over = False
        self._timed_ready: set[type] = set()

    def install(self) -> None:
        """Patch what is loaded, and the rest when it is."""
        self.patches.wrap(sys.modules["django"], "setup", self._setup)
        self.log.when("django.conf", self._conf)
        self.log.when("django.apps.config", self._config)
        self.log.when("django.apps.registry", self._registry)

    def stop(self) -> None:
        """Take everything away, and stop the log; twice is harmless."""
        self.over = True
        self.patches.restore()
        self.log.uninstall()

    # -- what is wrapped --------------------------------------------------------------------

    def _conf(self, conf: Any) -> None:
        self.patches.wrap(conf.Settings, "__init__", self._settings)

    def _settings(self, init: Callable[..., None]) -> Any:
        timed = self._timed(stages.SETTINGS, init, lambda args, _: str(args[1]))

        def __init__(settings: Any, *args: Any, **kwargs: Any) -> None:
            try:
                timed(settings, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            self._expect(vars(settings).get("ROOT_URLCONF"))

        return __init__

    def _expect(self, urlconf: object) -> None:
        """From here on it is known which module the URLconf is."""
        if isinstance(urlconf, str):
            self.log.during(urlconf, lambda *told: self._imported(urlconf, *told))

    def _imported(self, urlconf: str, start: int, end: int, failed: bool) -> None:
        begun = self.log.now() - (end - start)
        self.booting.stage(stages.URLCONF, urlconf, begun, None, "ImportError" if failed else "")

    def _setup(self, call: Callable[..., None]) -> Any:
        timed = self._timed(stages.SETUP, call, lambda args, _: "django.setup")

        def setup(*args: Any, **kwargs: Any) -> None:
            self.setting_up += 1
            try:
                timed(*args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                self.setting_up -= 1
            self._when_ready()

        return setup

    def _config(self, config: Any) -> None:
        base = config.AppConfig
        create = vars(base)["create"].__func__
        timed = self._timed(stages.APP, create, lambda args, _: str(args[1]))

        def made(cls: Any, entry: Any) -> Any:
            try:
                if str(entry).partition(".")[0] == _OURS:
                    with self.log:
                        return create(cls, entry)
                return timed(cls, entry)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        made.__name__, made.__qualname__ = create.__name__, create.__qualname__
        self.patches.replace(base, "create", classmethod(made))
        self.patches.wrap(base, "import_models", lambda call: self._models(base, call))

    def _models(self, base: Any, call: Callable[..., None]) -> Any:
        timed = self._timed(stages.MODELS, call, _label_with_models)

        def import_models(config: Any) -> None:
            try:
                self._time_ready(base, type(config))
            except Exception as fault:
                self.booting.fault(stages.READY, fault)
            try:
                timed(config)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return import_models

    def _time_ready(self, base: Any, cls: Any) -> None:
        """Time a config's `ready`, which comes after all models; the base class's does nothing."""
        if cls.ready is base.ready or cls in self._timed_ready:
            return
        self._timed_ready.add(cls)
        ours = cls.__module__.partition(".")[0] == _OURS
        self.patches.wrap(
            cls,
            "ready",
            self._aside if ours else lambda call: self._timed(stages.READY, call, _label),
        )

    def _aside(self, call: Callable[..., Any]) -> Any:
        def ready(*args: Any) -> Any:
            try:
                with self.log:
                    return call(*args)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return ready

    def _registry(self, registry: Any) -> None:
        def around(call: Callable[..., None]) -> Any:
            def populate(apps: Any, *args: Any, **kwargs: Any) -> None:
                try:
                    call(apps, *args, **kwargs)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise
                if apps is registry.apps and not self.setting_up:
                    if "setup" in self.log.marks:
                        # It was running before anybody could watch it; this was its last step.
                        began = self.log.marks["setup"]
                        self.booting.stage(stages.SETUP, "django.setup", began)
                    self._when_ready()

            return populate

        self.patches.wrap(registry.Apps, "populate", around)

    # -- what is told -----------------------------------------------------------------------

    def _timed(self, stage: str, call: Callable[..., Any], naming: Naming) -> Any:
        """Return a function that times `call`; its result or exception passes untouched."""
        now, tell = self.booting.now, self._tell

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = now()
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                drop_own_frames(error)
                tell(stage, naming, args, start, type(error).__name__)
                raise
            tell(stage, naming, args, start, "")
            return result

        return timed

    def _tell(
        self, stage: str, naming: Naming, args: tuple[Any, ...], start: int, error: str
    ) -> None:
        try:
            name = naming(args, error)
            if name:
                self.booting.stage(stage, name, start, None, error)
        except Exception as fault:
            self.booting.fault(stage, fault)

    def _when_ready(self) -> None:
        """Nothing more is to be seen here: give everything back, and start the tracer, once."""
        registry = sys.modules.get("django.apps.registry")
        if self.over or registry is None or not registry.apps.ready:
            return
        self.over = True
        self.patches.restore()
        try:
            self._expect(getattr(sys.modules["django.conf"].settings, "ROOT_URLCONF", None))
            with self.log:
                self.ready()
        except Exception as fault:
            self.booting.fault("its start", fault)


def _label(args: tuple[Any, ...], _error: str) -> str:
    return str(vars(args[0]).get("label", ""))


def _label_with_models(args: tuple[Any, ...], error: str) -> str:
    """An app without models has no stage of its own, unless finding that out went wrong."""
    return _label(args, error) if error or vars(args[0]).get("models_module") else ""


pass_over(__name__)
