"""Programs that are traced from their start behave as they do without the tracer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bootstrap.projects import plain, run
from tracer.bootstrap.environment import STARTUP, environment

LOADED = """
import sys
print(sorted(name for name in sys.modules if name.split(".")[0] in ("tracer", "rich", "django")))
print("tracer_startup" in sys.modules, "sitecustomize" in sys.modules)
print(sys.path, [path for path in sys.path_importer_cache if path.endswith("startup")])
"""


def test_a_process_that_never_imports_django_loads_nothing_more_and_writes_nothing(
    tmp_path: Path,
) -> None:
    """Only the import log is loaded, and `sys.path` is what it would have been."""
    journal = tmp_path / "traces"
    done = run("-c", LOADED, cwd=tmp_path, env=environment(plain(), journal=journal))
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "[]"
    without = run("-c", LOADED, cwd=tmp_path, env=plain()).stdout.splitlines()
    assert done.stdout.splitlines()[1].split()[1] == without[1].split()[1]
    assert done.stdout.splitlines()[2] == without[2]
    assert not journal.exists()


def test_switched_off_it_installs_nothing(tmp_path: Path) -> None:
    """With `TRACER_ENABLED=0` the startup module is loaded and does nothing."""
    env = {**environment(plain()), "TRACER_ENABLED": "0"}
    code = "import sys; print([f for f in sys.meta_path if 'tracer' in type(f).__module__])"
    assert run("-c", code, cwd=tmp_path, env=env).stdout == "[]\n"


def test_the_environment_keeps_what_was_there(tmp_path: Path) -> None:
    """Paths stay in their order, and a second call changes nothing."""
    base = {"PYTHONPATH": f"/one{os.pathsep}/two", "HOME": "/home/x"}
    made = environment(base, journal=Path("traces"), console=False)
    assert made["PYTHONPATH"].split(os.pathsep) == [str(STARTUP), "/one", "/two"]
    assert made["HOME"] == "/home/x"
    assert made["TRACER_JOURNAL"] == os.path.abspath("traces")
    assert (made["TRACER_ENABLED"], made["TRACER_CONSOLE"]) == ("1", "0")
    assert environment(made, journal=Path("traces"), console=False) == made
    assert environment({})["PYTHONPATH"] == str(STARTUP)
    assert "TRACER_JOURNAL" not in environment({})


def test_a_uwsgi_worker_runs_fork_hooks() -> None:
    """Without them its first requests, on several threads, would discover the fork at once."""
    assert environment({})["UWSGI_PY_CALL_UWSGI_FORK_HOOKS"] == "1"
    chosen = {"UWSGI_PY_CALL_UWSGI_FORK_HOOKS": "0"}
    assert environment(chosen)["UWSGI_PY_CALL_UWSGI_FORK_HOOKS"] == "0"


def test_the_directory_on_the_path_hides_no_module_of_a_project() -> None:
    """It holds only what runs at the start, under names that no project uses."""
    names = {path.stem for path in STARTUP.glob("*.py")}
    assert names == {"sitecustomize", "tracer_startup", "tracer_import_log"}


@pytest.mark.parametrize("fails", [False, True], ids=["that works", "that fails"])
def test_a_sitecustomize_that_is_hidden_is_run_in_its_place(tmp_path: Path, fails: bool) -> None:
    """Once, under its own name and from its own file. If it fails, it fails as without us."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nprint('theirs', __name__, __file__)\nmark = 5\n"
        + ("raise ValueError('theirs alone')\n" if fails else "")
    )
    code = "import sys; print(getattr(sys.modules.get('sitecustomize'), 'mark', None))"
    env = plain(PYTHONPATH=str(tmp_path))
    before = run("-c", code, cwd=tmp_path, env=env)
    after = run("-c", code, cwd=tmp_path, env=environment(env))
    assert (after.stdout, after.stderr) == (before.stdout, before.stderr)
    assert after.stdout.count("theirs") == 1
    assert ("theirs alone" in after.stderr) == fails


BROKEN = {
    "missing": "import no_such_module",
    "missing inside": "import outer_missing",
    "raises": "import raising",
    "syntax": "import misspelt",
    "circular": "import circle_a",
    "no such name": "from json import nonsense",
    "by hand": "import importlib; importlib.import_module('raising')",
}


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_an_import_that_fails_shows_the_same_traceback(tmp_path: Path, code: str) -> None:
    """Not a frame more, and not a frame less."""
    (tmp_path / "outer_missing.py").write_text("import json\nimport no_such_module_inside\n")
    (tmp_path / "raising.py").write_text("def fail():\n    raise KeyError('x')\nfail()\n")
    (tmp_path / "misspelt.py").write_text("def broken(:\n")
    (tmp_path / "circle_a.py").write_text("import circle_b\nname = 1\n")
    (tmp_path / "circle_b.py").write_text("from circle_a import name\n")
    without = run("-c", code, cwd=tmp_path, env=plain())
    within = run("-c", code, cwd=tmp_path, env=environment(plain()))
    assert without.returncode == 1
    assert (within.returncode, within.stderr) == (1, without.stderr)


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_a_python_that_ignores_its_environment_is_not_traced(tmp_path: Path, option: str) -> None:
    """It prints no warning either."""
    code = "import sys; print('tracer_startup' in sys.modules)"
    done = run(option, "-c", code, cwd=tmp_path, env=environment(plain()))
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_removed_bootstrap_changes_nothing(tmp_path: Path) -> None:
    """If it is removed while the command runs, child processes start untraced."""
    env = {**environment(plain()), "PYTHONPATH": str(tmp_path / "gone")}
    done = run("-c", "print('fine')", cwd=tmp_path, env=env)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_an_incomplete_bootstrap_changes_nothing(tmp_path: Path) -> None:
    """The program starts, and its path does not contain the directory."""
    half = tmp_path / "startup"
    half.mkdir()
    (half / "sitecustomize.py").write_text((STARTUP / "sitecustomize.py").read_text())
    env = {**environment(plain()), "PYTHONPATH": str(half)}
    code = f"import sys; print({str(half)!r} in sys.path)"
    done = run("-c", code, cwd=tmp_path, env=env)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_project_with_a_package_of_that_name_keeps_it(tmp_path: Path) -> None:
    """The project's own is imported, and one line in the log says so."""
    (tmp_path / "tracer").mkdir()
    (tmp_path / "tracer" / "__init__.py").write_text("mine = True\n")
    code = "import django.conf, tracer, sys; print(tracer.mine, 'tracer.model' in sys.modules)"
    env = environment(plain(PYTHONPATH=str(tmp_path)), journal=tmp_path / "traces")
    done = run("-c", code, cwd=tmp_path, env=env)
    assert done.stdout == "True False\n"
    reason = "not watching, because the project has another package of that name."
    assert done.stderr == f"tracer: {reason}\n"
