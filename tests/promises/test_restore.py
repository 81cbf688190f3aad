"""Whatever the tracer patches, it gives back: exactly, in any case, as if it had never been."""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import multiprocessing.process
import pkgutil
import sys
import weakref
from types import ModuleType
from typing import Any

import psycopg
import psycopg_pool
import pytest
import redis
from django.core.cache.backends import redis as redis_backend
from django.core.signals import request_finished, request_started

from tests.promises.state import changes, patchable
from tracer import probes, runtime
from tracer.conf import Config
from tracer.probes.garbage_collector import CollectionProbe
from tracer.probes.imports import Imports
from tracer.probes.install import PROBES, Installation
from tracer.probes.user_classes import UserClasses
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


def _modules_with_a_probe() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(probes.__path__)]
    modules = [importlib.import_module(f"tracer.probes.{name}") for name in names]
    return [module for module in modules if inspect.isfunction(vars(module).get("install"))]


ALL = _modules_with_a_probe()
LIBRARIES = (
    psycopg.Connection,
    psycopg_pool.ConnectionPool,
    redis.Connection,
    redis_backend,
    multiprocessing.process,
)
"""Loaded, so that the probes of real databases, caches and children have something to patch."""


class Basket:
    """A class of the project's own, to be watched."""

    def __init__(self, size: int = 3) -> None:
        self.size = size

    def fill(self) -> int:
        """A public method."""
        return self.size


class Hamper(Basket):
    """Builds itself as its base does."""

    def carry(self) -> int:
        """A public method of its own."""
        return self.fill()


WATCHED = f"{__name__}.Basket"


def test_every_module_with_a_probe_is_installed_with_the_others() -> None:
    """A probe that is written and forgotten would be tested below, and never run."""
    assert {module.__name__ for module in ALL} == {module.__name__ for module in PROBES} | {
        "tracer.probes.cache"
    }


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.__name__.rpartition(".")[2])
def test_a_probe_patches_something_and_gives_all_of_it_back(probe: Any) -> None:
    """Each one on its own: it must not need the others in order to clean up."""
    recorder, patches = Recorder(), Patches()
    imports = Imports(recorder)
    before = patchable()
    probe.install(recorder, patches, imports)
    assert changes(before, patchable()), "this probe watches nothing"
    patches.restore()
    imports.uninstall()
    assert changes(before, patchable()) == []
    assert len(patches) == 0


@pytest.fixture
def installation() -> Installation:
    """Everything, with a class of the project's own."""
    return Installation(Recorder(), [WATCHED], show_cache_keys=True)


def test_the_whole_installation_gives_everything_back(installation: Installation) -> None:
    """What was a class's own is its own again; what was inherited is inherited again."""
    before = patchable()
    own = dict(vars(Basket)), dict(vars(Hamper))
    installation.install()
    changed = changes(before, patchable())
    # How a thread ends and how a module's code runs are Python's own.
    assert "threading.Thread._delete" in changed
    assert any(name.endswith("_LoaderBasics.exec_module") for name in changed)
    assert vars(Hamper)["carry"] is not own[1]["carry"]
    installation.uninstall()
    assert changes(before, patchable()) == []
    assert (dict(vars(Basket)), dict(vars(Hamper))) == own


def test_uninstalling_twice_is_harmless(installation: Installation) -> None:
    """There is nothing left to take away."""
    before = patchable()
    installation.install()
    installation.uninstall()
    installation.uninstall()
    assert changes(before, patchable()) == []


def test_installing_twice_is_undone_by_uninstalling_once(installation: Installation) -> None:
    """The second call finds everything in place."""
    before = patchable()
    installation.install()
    once = patchable()
    installation.install()
    assert changes(once, patchable()) == []
    installation.uninstall()
    assert changes(before, patchable()) == []


def test_starting_twice_gives_the_tracer_that_runs() -> None:
    """One process has one tracer."""
    before = patchable()
    first = runtime.start(Config(enabled=True, console=False))
    assert runtime.start(Config(enabled=True, console=True)) is first
    runtime.stop()
    runtime.stop()
    assert changes(before, patchable()) == []
    assert runtime.running() is None


def test_a_tracer_that_cannot_be_installed_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it stand in the way of the next one."""

    def fail(_installation: Installation) -> None:
        raise OSError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(Installation, "install", fail)
        with pytest.raises(OSError, match="no room"):
            runtime.start(Config(enabled=True, console=False))
    assert runtime.running() is None
    assert runtime.start(Config(enabled=True, console=False)) is runtime.running()
    runtime.stop()


def test_two_installations_are_taken_away_newest_first() -> None:
    """Each gives back what it found, which may be the other's."""
    before = patchable()
    older, newer = Installation(Recorder()), Installation(Recorder())
    older.install()
    between = patchable()
    newer.install()
    newer.uninstall()
    assert changes(between, patchable()) == []
    older.uninstall()
    assert changes(before, patchable()) == []


def test_the_finder_and_the_listener_are_gone_afterwards(installation: Installation) -> None:
    """`sys.meta_path` and `gc.callbacks` hold what they held, in the order in which they did."""
    finders, listeners = list(sys.meta_path), list(gc.callbacks)
    installation.install()
    assert len(sys.meta_path) == len(finders) + 1
    assert len(gc.callbacks) == len(listeners) + 1
    installation.uninstall()
    assert sys.meta_path == finders
    assert gc.callbacks == listeners


def test_the_request_signals_have_no_attributes_of_their_own_afterwards(
    installation: Installation,
) -> None:
    """They are watched on the instance; the class's methods must show through again."""
    names = ("send", "asend", "_live_receivers")
    installation.install()
    for signal in (request_started, request_finished):
        assert [name for name in names if name in vars(signal)] == list(names)
    installation.uninstall()
    for signal in (request_started, request_finished):
        assert [name for name in names if name in vars(signal)] == []


def _patch_count() -> int:
    counted = Installation(Recorder(), [WATCHED])
    counted.install()
    count = len(counted.patches)
    counted.uninstall()
    return count


def test_a_patch_that_cannot_be_made_takes_all_others_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them it is: a half-installed tracer is worse than none."""
    before, replace = patchable(), Patches.replace
    own = dict(vars(Basket)), dict(vars(Hamper))
    count = _patch_count()
    assert count > 50
    for failing in range(count):
        left = failing

        def counted(self: Patches, owner: Any, name: str, new: Any) -> None:
            nonlocal left
            if left == 0:
                raise RuntimeError("no more")
            left -= 1
            replace(self, owner, name, new)

        monkeypatch.setattr(Patches, "replace", counted)
        found = Installation(Recorder(), [WATCHED])
        # A class of the project's own that cannot be watched is told, and stops nobody.
        with contextlib.suppress(RuntimeError):
            found.install()
            found.uninstall()
        assert left == 0
        monkeypatch.setattr(Patches, "replace", replace)
        assert len(found.patches) == 0
        assert found.imports not in sys.meta_path
        assert found.collections not in gc.callbacks
    assert changes(before, patchable()) == []
    assert (dict(vars(Basket)), dict(vars(Hamper))) == own


@pytest.mark.parametrize(
    "part", [Imports, CollectionProbe, UserClasses], ids=lambda part: part.__name__
)
def test_a_part_that_cannot_be_installed_takes_all_others_back(
    part: type, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finder, the listener and the watch come last, when all patches are made."""
    before = patchable()

    def refuse(self: Any, *args: Any) -> None:
        raise RuntimeError("not here")

    monkeypatch.setattr(part, "install", refuse)
    with pytest.raises(RuntimeError, match="not here"):
        installation.install()
    assert changes(before, patchable()) == []


def test_a_watched_class_that_a_request_made_dies_with_it() -> None:
    """The named class is watched, and so are its subclasses as long as they live."""
    patches = Patches()
    watch = UserClasses(Recorder(), patches, [])
    watch.add(Basket)
    kept = []
    for _ in range(3):

        class Made(Basket):
            def carry(self) -> int:
                return self.fill()

        watch.watch_new_subclasses()
        assert Made().carry() == 3
        kept.append(weakref.ref(Made))
    del Made
    gc.collect()
    assert [alive() for alive in kept] == [None, None, None]
    assert len(watch.patched) == 2, "Basket and Hamper"
    patches.restore()
