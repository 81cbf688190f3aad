"""The import log: every module once, with its own time, however it is loaded."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import types
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.support.programs import cost
from tracer.bootstrap.startup.tracer_import_log import ImportLog

Names = Callable[[], list[str]]


class Clock:
    """A clock that a module moves on."""

    def __init__(self) -> None:
        self.at = 1_000

    def __call__(self) -> int:
        return self.at


CLOCK = Clock()
"""The modules of these tests move it on."""
SHARED = types.SimpleNamespace()
"""What a test puts here, the modules find."""
SPEND = "from tests.bootstrap import test_import_log as t; t.CLOCK.at += {}\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImportLog]:
    """A log that is installed, with a directory on the path for modules to import."""
    before, flags = set(sys.modules), dict(vars(ModuleSpec))
    finders = list(sys.meta_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = ImportLog(CLOCK)
    made.install()
    try:
        yield made
    finally:
        made.uninstall()
        for name in set(sys.modules) - before:
            del sys.modules[name]
    assert sys.meta_path == finders
    assert dict(vars(ModuleSpec)) == flags


def write(directory: Path, **modules: str) -> None:
    """Writes modules, by name and source."""
    for name, source in modules.items():
        (directory / f"{name}.py").write_text(source)
    importlib.invalidate_caches()


def test_a_module_has_its_own_time_and_that_of_what_it_imports(
    log: ImportLog, tmp_path: Path
) -> None:
    """Inner modules come first, as they end first."""
    write(
        tmp_path,
        outer_one=SPEND.format(5) + "import inner_one, inner_two\n" + SPEND.format(2),
        inner_one=SPEND.format(30),
        inner_two="import inner_one\n" + SPEND.format(40),
    )
    importlib.import_module("outer_one")
    assert log.modules == [("inner_one", 30, 30), ("inner_two", 40, 40), ("outer_one", 7, 77)]
    assert [(name, end - start) for name, start, end, _ in log.outermost] == [("outer_one", 77)]


def test_a_module_that_is_loaded_is_not_imported_again(log: ImportLog, tmp_path: Path) -> None:
    """Reloading it does not count as another module either."""
    write(tmp_path, once=SPEND.format(3))
    module = importlib.import_module("once")
    importlib.import_module("once")
    assert importlib.reload(module) is module
    assert [name for name, _, _ in log.modules] == ["once"]


def test_a_module_that_fails_is_not_logged_and_its_time_is_its_importers(
    log: ImportLog, tmp_path: Path
) -> None:
    """What it had imported before stays imported, and logged."""
    write(
        tmp_path,
        fails=SPEND.format(50) + "import works\nraise KeyError('no')\n",
        works=SPEND.format(8),
        tries="try:\n    import fails\nexcept KeyError:\n    pass\n" + SPEND.format(1),
    )
    importlib.import_module("tries")
    assert log.modules == [("works", 8, 8), ("tries", 51, 59)]
    with pytest.raises(KeyError, match="no"):
        importlib.import_module("fails")
    assert "fails" not in [name for name, _, _ in log.modules]


def test_a_module_that_is_only_searched_for_is_not_logged(log: ImportLog, tmp_path: Path) -> None:
    """`find_spec` alone leaves no entry, and returns what it returns without the log."""
    write(tmp_path, looked_for="")
    spec = importlib.util.find_spec("looked_for")
    assert type(spec) is ModuleSpec
    assert importlib.util.find_spec("nowhere_at_all") is None
    assert log.modules == []
    assert spec is not None
    assert spec.loader is not None
    assert "exec_module" not in vars(spec.loader)


def test_packages_with_and_without_a_file_are_modules(log: ImportLog, tmp_path: Path) -> None:
    """A namespace package has no code of its own; its modules have."""
    (tmp_path / "spacious" / "deep").mkdir(parents=True)
    (tmp_path / "spacious" / "deep" / "leaf.py").write_text(SPEND.format(4))
    importlib.invalidate_caches()
    importlib.import_module("spacious.deep.leaf")
    assert log.modules == [
        ("spacious", 0, 0),
        ("spacious.deep", 0, 0),
        ("spacious.deep.leaf", 4, 4),
    ]


def test_modules_of_an_archive_are_logged_one_by_one(
    log: ImportLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One loader serves all of them."""
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("packed_a.py", SPEND.format(5) + "import packed_b\n")
        packed.writestr("packed_b.py", SPEND.format(6))
    monkeypatch.syspath_prepend(str(archive))
    importlib.import_module("packed_a")
    calls = [entry for entry in log.modules if entry[0].startswith("packed")]
    assert calls == [("packed_b", 6, 6), ("packed_a", 5, 11)]


def test_modules_that_are_part_of_python_itself_are_counted_too(log: ImportLog) -> None:
    """Their loader is a class, which must not be changed."""
    sys.modules.pop("__hello__", None)
    importlib.import_module("__hello__")
    assert [name for name, _, _ in log.modules] == ["__hello__"]


def test_a_lazy_module_runs_when_it_is_first_used(log: ImportLog, tmp_path: Path) -> None:
    """It works as it does without the log."""
    write(tmp_path, lazily=SPEND.format(9) + "value = 7\n")
    spec = importlib.util.find_spec("lazily")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["lazily"] = module
    spec.loader.exec_module(module)
    before = CLOCK.at
    assert module.value == 7
    assert CLOCK.at == before + 9


class Old:
    """A finder and loader that knows neither specs' loaders nor `exec_module`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "of_old" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind."""

    def exec_module(self, module: types.ModuleType) -> None:
        """One loader, without a dictionary to put anything into."""
        module.made_by = "hand"  # type: ignore[attr-defined]

    __slots__ = ()


def test_a_loader_of_the_projects_own_is_left_alone(
    log: ImportLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its modules are logged like all others."""
    loader = Old()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, loader])
    module = importlib.import_module("of_old")
    assert module.made_by == "hand"
    assert module.__loader__ is loader
    assert [name for name, _, _ in log.modules] == ["of_old"]
    monkeypatch.undo()


def test_threads_are_logged_apart(log: ImportLog, tmp_path: Path) -> None:
    """Two threads import at once: neither's modules are part of the other's."""
    both = threading.Barrier(2, timeout=120)
    log_names = {"left_hand", "right_hand"}
    write(
        tmp_path,
        **{
            name: "from tests.bootstrap import test_import_log as t\nt.SHARED.meet.wait()\nimport "
            + inner
            for name, inner in (("left_hand", "left_inner"), ("right_hand", "right_inner"))
        },
        left_inner=SPEND.format(1),
        right_inner=SPEND.format(1),
    )
    SHARED.meet = both
    threads = [threading.Thread(target=importlib.import_module, args=(name,)) for name in log_names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    names = [name for name, _, _ in log.modules]
    assert sorted(names) == ["left_hand", "left_inner", "right_hand", "right_inner"]
    assert {name for name, _, _, _ in log.outermost} == log_names
    assert len({thread for _, _, _, thread in log.outermost}) == 2


def test_the_tracers_own_imports_are_not_logged(log: ImportLog, tmp_path: Path) -> None:
    """They are not part of their importer's time either."""
    write(tmp_path, ours=SPEND.format(100), theirs=SPEND.format(2) + "import between\n")
    write(
        tmp_path,
        between="from tests.bootstrap import test_import_log as t\nt.SHARED.import_own()\n",
    )

    def import_own() -> None:
        with log.clock, log.clock:
            importlib.import_module("ours")

    SHARED.import_own = import_own
    importlib.import_module("theirs")
    assert log.modules == [("between", 0, 0), ("theirs", 2, 2)]
    assert log.clock.paused == 100
    assert [end - start for _, start, end, _ in log.outermost] == [2]


def test_imports_of_a_thread_that_works_for_the_tracer_are_not_logged(
    log: ImportLog, tmp_path: Path
) -> None:
    """Such as those for drawing. The clock goes on, as other threads are working."""
    write(tmp_path, drawn_with=SPEND.format(10), applications=SPEND.format(3))
    log.clock.mute()
    importlib.import_module("drawn_with")
    log.clock.unmute()
    importlib.import_module("applications")
    assert log.modules == [("applications", 3, 3)]
    assert log.clock.paused == 0


def test_actions_run_when_the_modules_code_has_run(
    log: ImportLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each runs once. A fault in one is one line in the log, and the import goes on."""
    write(tmp_path, awaited="value = 5\n", broken_one="raise KeyError\n")
    calls: list[object] = []
    log.when("awaited", lambda module: calls.append(module.value))
    log.when("awaited", lambda module: 1 / 0)
    log.when("broken_one", lambda module: calls.append("never"))
    log.during("awaited", lambda start, end, failed: calls.append(failed))
    log.during("broken_one", lambda start, end, failed: calls.append(("failed", failed)))
    importlib.import_module("awaited")
    with pytest.raises(KeyError):
        importlib.import_module("broken_one")
    assert calls == [False, 5, ("failed", True)]
    assert [record.getMessage() for record in caplog.records] == [
        "tracer: a fault of its own while the process boots (ZeroDivisionError)"
    ]
    log.when("awaited", lambda module: calls.append("at once"))
    assert calls[-1] == "at once"


LOOKING = """
from importlib.machinery import ModuleSpec
from tracer.bootstrap.startup.tracer_import_log import ImportLog
log = ImportLog()
log.install()
def look():
    log.find_spec("no_such_module")
    spec = ModuleSpec("no_such_module", None)
    spec._initializing = True
    spec._initializing = False
"""


def test_it_costs_some_microseconds_a_module() -> None:
    """Measured on what Python does for each; running a module's code takes far longer."""
    assert cost("look()", LOOKING) < 50_000
