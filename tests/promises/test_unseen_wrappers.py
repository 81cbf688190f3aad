"""No wrapper shows: a warning, a log record and a traceback are what they are without it.

Through everything that is wrapped, whatever it is: nothing here is a list of what there is.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import AppConfig

from tests.promises import blame
from tests.promises.blame import Wrapped
from tests.promises.test_restore import LIBRARIES
from tracer import apps as tracer_apps
from tracer import middleware
from tracer.bootstrap.startup.tracer_import_log import ImportLog
from tracer.probes import imports, install
from tracer.probes.django_boot import BootProbe
from tracer.probes.install import Installation
from tracer.recorder import timing
from tracer.recorder.boot import BootRecorder
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder

assert LIBRARIES, "loaded, so that there is something to wrap"


class Pot:
    """A class of the project's own, to be watched."""

    def __init__(self, size: int = 3, *, lid: bool = True) -> None:
        self.size = size

    def stir(self, times: int = 3, *, slowly: bool = False) -> int:
        """A public method."""
        return self.size

    async def wait(self, seconds: int = 1, *, gladly: bool = True) -> int:
        """A coroutine function."""
        return self.size


class Kitchen(AppConfig):
    """An app of the project's own, with something to do when all are ready."""

    def ready(self) -> None:
        """Does nothing."""


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """Where it is recorded."""
    return Recorder()


@pytest.fixture(scope="module")
def everything(recorder: Recorder) -> list[Wrapped]:
    """All that is wrapped while requests are served, and while a process boots."""
    with blame.noticing() as found:
        whole = Installation(recorder, [f"{__name__}.Pot"])
        whole.install()
        for module in list(whole.imports.pending):
            # Some are loaded only when a project needs them.
            importlib.import_module(module)
        whole.uninstall()
        probe = BootProbe(BootRecorder(ImportLog()), lambda: None)
        probe.install()
        probe.app_configs.time_ready(AppConfig, Kitchen)
        probe.app_configs.time_ready(AppConfig, tracer_apps.TracerConfig)
        probe.stop()
    assert len(found) > 70
    return found


def shown(wrapped: Wrapped) -> str:
    """What it is, in words."""
    owner, name, _around, _original = wrapped
    return f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"


def test_what_is_wrapped_sees_its_own_caller(
    everything: list[Wrapped], recorder: Recorder, caplog: Any
) -> None:
    """It warns, logs and raises as if there were nothing between it and its caller."""
    caplog.set_level(logging.CRITICAL, "tracer")
    missed = [(shown(each), blame.misses(each, recorder)) for each in everything]
    assert [(name, found) for name, found in missed if found] == []


def _wrappers(everything: list[Wrapped]) -> Iterator[Any]:
    for _owner, _name, around, original in everything:
        yield around(blame.stand_in(original))


def test_all_code_that_may_stand_between_is_passed_over(everything: list[Wrapped]) -> None:
    """And so are the functions beside it, of which wrappers are made when somebody calls.

    Python's own two judges say so, the one of warnings and the one of log records.
    """
    made = list(_wrappers(everything))
    modules = {wrapper.__globals__.get("__name__") for wrapper in made} - {None}
    modules |= {probe.__name__ for probe in install.PROBES}
    modules |= {module.__name__ for module in (imports, middleware, timing)}
    functions = made + [each for name in modules for each in _functions(name)]
    assert len(modules) > 15
    assert len(functions) > 200
    for function in functions:
        for code in blame.codes(function):
            frame: Any = types.SimpleNamespace(f_code=code)
            assert warnings._is_internal_frame(frame), code  # type: ignore[attr-defined]
            assert logging._is_internal_frame(frame), code  # type: ignore[attr-defined]


def _functions(module: str) -> Iterator[Any]:
    """The functions of a module, and the methods of its classes."""
    names = vars(sys.modules[module])
    classes = [each for each in names.values() if inspect.isclass(each)]
    for value in [*names.values(), *(v for cls in classes for v in vars(cls).values())]:
        function = getattr(value, "__func__", value)
        if inspect.isfunction(function) and function.__module__ == module:
            yield function


def test_the_code_is_still_found_where_it_lies(everything: list[Wrapped]) -> None:
    """A person who looks for it finds it, and so does whatever counts the lines that ran."""
    for wrapper in _wrappers(everything):
        code = wrapper.__code__
        if not code.co_filename.startswith("<"):
            line = inspect.getsourcelines(inspect.getmodule(code) or code)[0][code.co_firstlineno]
            assert line, code


def test_wrappers_tell_of_themselves_what_is_told_without_them(everything: list[Wrapped]) -> None:
    """Signature, defaults, and whether it is a coroutine function."""
    patches = Patches()
    for owner, name, around, original in everything:
        plain = types.SimpleNamespace(**{name: original})
        patches.wrap(plain, name, around)
        wrapper = vars(plain)[name]
        assert inspect.signature(wrapper) == inspect.signature(original), (owner, name)
        assert inspect.iscoroutinefunction(wrapper) == inspect.iscoroutinefunction(original), name
        if getattr(original, "__kwdefaults__", None):
            assert wrapper.__kwdefaults__ == original.__kwdefaults__, name
    wrapped = {shown(each): each for each in everything}
    for name in ("stir", "wait"):
        owner, _, around, original = wrapped[f"Pot.{name}"]
        patches.wrap(owner, name, around)
        found = vars(owner)[name]
        patches.restore()
        assert found.__defaults__ == original.__defaults__
        assert found.__kwdefaults__ == original.__kwdefaults__


def test_a_wrapper_that_shows_is_noticed(recorder: Recorder) -> None:
    """The tests above can fail."""

    def careless(call: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return call(*args, **kwargs)

        return wrapper

    missed = blame.misses((Pot, "stir", careless, Pot.stir), recorder)
    acts = [act for act in blame.ACTS if sys.version_info >= (3, 12) or "past" not in act.__name__]
    assert len(missed) == len(acts) * len(blame.SITUATIONS)
