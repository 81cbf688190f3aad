"""Interpreters that are not supported: the tracer says so, and patches nothing."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.handlers.base import BaseHandler
from django.test import override_settings

from tests.bootstrap import projects
from tests.bootstrap.projects import plain
from tracer import RecordingError, record, runtime
from tracer.bootstrap.environment import environment
from tracer.checks import check_settings
from tracer.conf import Config
from tracer.recorder import interpreter

LINE = "tracer: not supported: {}; nothing is watched."
LOCKLESS = "this Python runs without its interpreter lock"
ISOLATED = "this is not the main interpreter, and has a lock of its own"


@pytest.fixture
def lockless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An interpreter that looks like a free-threaded build without its lock."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    interpreter._warn_once.cache_clear()
    yield
    interpreter._warn_once.cache_clear()


def test_this_interpreter_is_supported() -> None:
    """There is no message then."""
    assert interpreter.unsupported() is None
    with override_settings(TRACER={"ENABLED": True}):
        assert check_settings() == []


@pytest.mark.usefixtures("lockless")
def test_a_system_check_reports_an_interpreter_without_its_lock() -> None:
    """With an id and a hint, unless the tracer is switched off."""
    with override_settings(TRACER={"ENABLED": True}):
        (message,) = check_settings()
    assert message.id == "tracer.W013"
    assert message.msg == f"The tracer does not watch. It is not supported: {LOCKLESS}."
    assert "PYTHON_GIL=1" in str(message.hint)
    with override_settings(TRACER={"ENABLED": False}):
        assert check_settings() == []


@pytest.mark.usefixtures("lockless")
def test_the_app_logs_one_line_and_patches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """However often `ready` is called."""
    before = dict(vars(BaseHandler))
    with caplog.at_level(logging.WARNING, "tracer"), override_settings(TRACER={"ENABLED": True}):
        for _ in range(2):
            apps.get_app_config("tracer").ready()
    assert [record.getMessage() for record in caplog.records] == [LINE.format(LOCKLESS)]
    assert runtime.running() is None
    assert dict(vars(BaseHandler)) == before


@pytest.mark.usefixtures("lockless")
def test_record_and_start_raise_with_the_reason() -> None:
    """Nothing is patched."""
    before = dict(vars(BaseHandler))
    with pytest.raises(RecordingError, match=LOCKLESS), record():
        pass
    with pytest.raises(interpreter.NotSupported, match=LOCKLESS):
        runtime.start(Config(enabled=True))
    assert dict(vars(BaseHandler)) == before


SETUP = """
import django
django.setup()
from django.core.handlers.base import BaseHandler
from tracer import runtime
import sys
watched = BaseHandler.load_middleware.__code__.co_filename.startswith(tracer.__path__[0])
finders = [type(finder).__module__ for finder in sys.meta_path]
running = runtime.running() is not None
assert any(name.startswith("tracer") for name in finders) == watched == running
"""
SETTINGS = """
INSTALLED_APPS = {apps}
TRACER = {{"ENABLED": True, "CONSOLE": False}}
"""


@pytest.mark.parametrize("apps", [[], ["tracer"]], ids=["not listed", "listed"])
def test_a_process_traced_from_its_start_says_so_once(tmp_path: Path, apps: list[str]) -> None:
    """Whether the project lists the app or not."""
    (tmp_path / "mysettings.py").write_text(SETTINGS.format(apps=apps))
    env = environment(plain(PYTHONPATH=str(tmp_path), DJANGO_SETTINGS_MODULE="mysettings"))
    lockless = "import sys, tracer\nsys._is_gil_enabled = lambda: False\n"
    done = projects.run("-c", lockless + SETUP + "assert not watched", cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, f"{LINE.format(LOCKLESS)}\n")


INTERPRETERS = """
import sys
code = "import tracer" + {setup!r} + "print('watched' if watched else 'not watched')"
if sys.version_info < (3, 13):
    import _xxsubinterpreters
    made = _xxsubinterpreters.create(isolated={isolated})
    failed = _xxsubinterpreters.run_string(made, code)
    _xxsubinterpreters.destroy(made)
else:
    import _interpreters
    made = _interpreters.create("isolated" if {isolated} else "legacy")
    failed = _interpreters.exec(made, code)
    _interpreters.destroy(made)
assert failed is None, failed
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older ones all share one lock")
@pytest.mark.parametrize(
    "isolated",
    [
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                sys.version_info < (3, 13), reason="Python 3.12 cannot import Django there"
            ),
        ),
        False,
    ],
)
def test_only_an_interpreter_with_a_lock_of_its_own_is_refused(
    tmp_path: Path, isolated: bool
) -> None:
    """Those of mod_wsgi and uWSGI share the main interpreter's lock, and are watched."""
    (tmp_path / "mysettings.py").write_text(SETTINGS.format(apps=["tracer"]))
    path = os.pathsep.join([str(tmp_path), str(projects.ROOT)])
    env = plain(PYTHONPATH=path, DJANGO_SETTINGS_MODULE="mysettings")
    source = INTERPRETERS.format(setup=SETUP, isolated=isolated)
    done = projects.run("-c", source, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == ("not watched" if isolated else "watched")
    assert done.stderr == (f"{LINE.format(ISOLATED)}\n" if isolated else "")
