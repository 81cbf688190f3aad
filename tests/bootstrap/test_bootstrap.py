"""The tracer is there from the interpreter's start, and nobody can tell but by its journal."""

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
    """The import log alone is there; `sys.path` is what it would have been."""
    journal = tmp_path / "traces"
    done = run("-c", LOADED, cwd=tmp_path, env=environment(plain(), journal=journal))
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "[]"
    without = run("-c", LOADED, cwd=tmp_path, env=plain()).stdout.splitlines()
    assert done.stdout.splitlines()[1].split()[1] == without[1].split()[1]
    assert done.stdout.splitlines()[2] == without[2]
    assert not journal.exists()


def test_switched_off_it_is_not_even_there(tmp_path: Path) -> None:
    """`TRACER_ENABLED=0` beside the bootstrap leaves nothing but a module that did nothing."""
    env = {**environment(plain()), "TRACER_ENABLED": "0"}
    code = "import sys; print([f for f in sys.meta_path if 'tracer' in type(f).__module__])"
    assert run("-c", code, cwd=tmp_path, env=env).stdout == "[]\n"


def test_the_environment_keeps_what_was_there(tmp_path: Path) -> None:
    """Paths stay in their order, and applying it twice changes nothing."""
    base = {"PYTHONPATH": f"/one{os.pathsep}/two", "HOME": "/home/x"}
    made = environment(base, journal=Path("traces"), console=False)
    assert made["PYTHONPATH"].split(os.pathsep) == [str(STARTUP), "/one", "/two"]
    assert made["HOME"] == "/home/x"
    assert made["TRACER_JOURNAL"] == os.path.abspath("traces")
    assert (made["TRACER_ENABLED"], made["TRACER_CONSOLE"]) == ("1", "0")
    assert environment(made, journal=Path("traces"), console=False) == made
    assert environment({})["PYTHONPATH"] == str(STARTUP)
    assert "TRACER_JOURNAL" not in environment({})


def test_a_uwsgi_worker_is_told_that_it_was_forked() -> None:
    """Or the first requests, on several threads, would find out; a choice made stays made."""
    assert environment({})["UWSGI_PY_CALL_UWSGI_FORK_HOOKS"] == "1"
    chosen = {"UWSGI_PY_CALL_UWSGI_FORK_HOOKS": "0"}
    assert environment(chosen)["UWSGI_PY_CALL_UWSGI_FORK_HOOKS"] == "0"


def test_the_directory_on_the_path_shadows_no_module_of_anybody() -> None:
    """It holds what is run at the start, and nothing that a project could mean by its name."""
    names = {path.stem for path in STARTUP.glob("*.py")}
    assert names == {"sitecustomize", "tracer_startup", "tracer_import_log"}


@pytest.mark.parametrize("fails", [False, True], ids=["that works", "that fails"])
def test_a_sitecustomize_that_is_hidden_is_run_in_its_place(tmp_path: Path, fails: bool) -> None:
    """Once, under its own name and from its own file; and when it fails, it fails as ever."""
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
def test_an_import_that_fails_fails_with_the_same_words(tmp_path: Path, code: str) -> None:
    """The whole traceback is as without the log: no frame more, none less."""
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
def test_a_python_that_ignores_its_environment_runs_as_ever(tmp_path: Path, option: str) -> None:
    """It is not traced, and says nothing."""
    code = "import sys; print('tracer_startup' in sys.modules)"
    done = run(option, "-c", code, cwd=tmp_path, env=environment(plain()))
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_bootstrap_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    """Removed while the command runs: its child processes start as if it had never been."""
    env = {**environment(plain()), "PYTHONPATH": str(tmp_path / "gone")}
    done = run("-c", "print('fine')", cwd=tmp_path, env=env)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_half_a_bootstrap_harms_nobody(tmp_path: Path) -> None:
    """Whatever is missing or broken, the program starts, and its path is clean."""
    half = tmp_path / "startup"
    half.mkdir()
    (half / "sitecustomize.py").write_text((STARTUP / "sitecustomize.py").read_text())
    env = {**environment(plain()), "PYTHONPATH": str(half)}
    code = f"import sys; print({str(half)!r} in sys.path)"
    done = run("-c", code, cwd=tmp_path, env=env)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_project_with_a_package_of_that_name_keeps_it(tmp_path: Path) -> None:
    """Both cannot be had; the project's own wins, and one line says so."""
    (tmp_path / "tracer").mkdir()
    (tmp_path / "tracer" / "__init__.py").write_text("mine = True\n")
    code = "import django.conf, tracer, sys; print(tracer.mine, 'tracer.model' in sys.modules)"
    env = environment(plain(PYTHONPATH=str(tmp_path)), journal=tmp_path / "traces")
    done = run("-c", code, cwd=tmp_path, env=env)
    assert done.stdout == "True False\n"
    told = "not watching, because the project has another package of that name."
    assert done.stderr == f"tracer: {told}\n"
