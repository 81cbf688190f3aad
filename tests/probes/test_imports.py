"""What the code of a module builds while a request imports it is the import's."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.facts.site import GATE, HELD
from tests.support.client import Recording

Record = Callable[..., Recording]


class Basket:
    """What modules and views build."""


MODULES = {
    "late_outer": f"""
from {__name__} import Basket
BEFORE = Basket()
import late_inner
AFTER = Basket()
GONE = Basket()
del GONE
""",
    "late_inner": f"from {__name__} import Basket\nINNER = Basket()\n",
    "late_slow": f"""
import threading
from {__name__} import Basket, MEETING
MINE = Basket()
MEETING.wait(120)
MEETING.wait(120)
""",
    "late_nameless": f"from {__name__} import Basket\nHERE = Basket()\ndel __name__\n",
    "late_broken": f"from {__name__} import Basket\nBasket.left = Basket()\nraise OSError\n",
}
MEETING = threading.Barrier(2)


@pytest.fixture
def recording(
    db: None, settings: Any, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Recording]:
    """The facts' small site, and modules that are not imported yet."""
    settings.ROOT_URLCONF = "tests.facts.urls"
    settings.MIDDLEWARE = []
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with record(watch=(f"{__name__}.Basket",)) as made:
        yield made
    for name in MODULES:
        sys.modules.pop(name, None)
    vars(Basket).get("left") and delattr(Basket, "left")
    GATE.clear()
    HELD.clear()


def ask(recording: Recording, work: Callable[[], Any], name: str = "work") -> None:
    """Serves a request that does this."""
    GATE[name] = work
    recording.get(f"/step/?{name}")


def made(recording: Recording) -> list[tuple[str, str]]:
    """Returns of each basket the module that built it while it was imported, and its scope."""
    recording.process  # noqa: B018
    return [(life.by_import, life.scope) for life in recording.lifetimes_of("Basket")]


def test_what_an_import_in_a_request_builds_lives_for_the_process(recording: Recording) -> None:
    """Each module is named by what its own code built; what it deletes is no more than a step."""
    ask(recording, lambda: importlib.import_module("late_outer"))
    assert made(recording) == [
        ("late_outer", "process"),
        ("late_inner", "process"),
        ("late_outer", "process"),
        ("late_outer", "request"),
    ]


def test_what_the_view_builds_beside_the_import_is_the_request_s(recording: Recording) -> None:
    """Before it and after it."""

    def work() -> None:
        HELD.append(Basket())
        importlib.import_module("late_inner")
        HELD.append(Basket())
        HELD.clear()

    ask(recording, work)
    assert made(recording) == [("", "request"), ("late_inner", "process"), ("", "request")]


def test_a_second_request_imports_nothing(recording: Recording) -> None:
    """What it builds is its own."""
    for _ in range(2):
        ask(recording, lambda: (importlib.import_module("late_inner"), Basket()))
    assert made(recording) == [
        ("late_inner", "process"),
        ("", "request"),
        ("", "request"),
    ]


def test_what_another_thread_of_the_request_builds_meanwhile_is_not_the_import_s(
    recording: Recording,
) -> None:
    """The thread is the request's, and no import runs in it."""

    def beside() -> None:
        MEETING.wait(120)
        HELD.append(Basket())
        MEETING.wait(120)

    def work() -> None:
        thread = threading.Thread(target=beside)
        thread.start()
        importlib.import_module("late_slow")
        thread.join(120)

    ask(recording, work)
    assert [module for module, _ in made(recording)] == ["late_slow", ""]


def test_what_another_request_builds_meanwhile_is_not_the_import_s(recording: Recording) -> None:
    """Two requests at once, each in a thread of its own."""

    def beside() -> None:
        MEETING.wait(120)
        HELD.append(Basket())
        MEETING.wait(120)

    thread = threading.Thread(target=lambda: ask(recording, beside, "beside"))
    thread.start()
    ask(recording, lambda: importlib.import_module("late_slow"))
    thread.join(120)
    assert sorted(module for module, _ in made(recording)) == ["", "late_slow"]


def test_a_module_whose_code_fails_raises_what_it_would_raise(recording: Recording) -> None:
    """What it has left behind was built by its import all the same."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            importlib.import_module("late_broken")
        except OSError as error:
            raised.append(error)

    ask(recording, work)
    tb = raised[0].__traceback__
    files = []
    while tb is not None:
        files.append(tb.tb_frame.f_code.co_filename)
        tb = tb.tb_next
    raised.clear()
    assert not [file for file in files if "tracer/probes" in file]
    assert [module for module, _ in made(recording)] == ["late_broken"]


def test_a_module_may_delete_its_name(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    """Then what it built is nobody's import's."""
    ask(recording, lambda: importlib.import_module("late_nameless"))
    assert [module for module, _ in made(recording)] == [""]
    assert [each for each in caplog.records if each.name == "tracer"] == []


def test_a_fault_of_ours_leaves_the_import_alone(
    recording: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is one line of log."""

    def fail(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr("tracer.probes.imports.namespace_of_module", fail)
    ask(recording, lambda: importlib.import_module("late_outer"))
    assert "late_outer" in sys.modules
    lines = [each.getMessage() for each in caplog.records if each.name == "tracer"]
    assert len([line for line in lines if "a fault of its own in import" in line]) == 1
