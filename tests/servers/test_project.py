"""The project that is served, its settings and its environment."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tracer.servers import project


def manage(directory: Path, text: str) -> Path:
    """Writes a manage.py with this text into the directory."""
    (directory / "manage.py").write_text(text)
    return directory


def test_the_default_is_the_demo() -> None:
    """It has its own settings, whatever the environment says."""
    found = project.find_project(None, None, {"DJANGO_SETTINGS_MODULE": "another.settings"})
    assert found.is_demo
    assert found.settings == "cafe_site.settings"
    assert found.manage == project.DEMO / "manage.py"


def test_without_the_demo_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package has no demo."""
    monkeypatch.setattr(project, "DEMO", tmp_path / "demo_project")
    with pytest.raises(ValueError, match=r"The demo project is not at .*comes with a checkout"):
        project.find_project(None, None, {})


@pytest.mark.parametrize(
    "line",
    [
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")',
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE',\n        'shop.settings')",
        'os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"',
    ],
)
def test_settings_are_those_that_manage_py_names(tmp_path: Path, line: str) -> None:
    assert project.find_project(manage(tmp_path, line), None, {}).settings == "shop.settings"


def test_the_settings_argument_wins(tmp_path: Path) -> None:
    """manage.py comes second, the environment last."""
    directory = manage(tmp_path, 'setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")')
    assert project.find_project(directory, "shop.live", {}).settings == "shop.live"
    bare = tmp_path / "bare"
    bare.mkdir()
    found = project.find_project(bare, None, {"DJANGO_SETTINGS_MODULE": "from.outside"})
    assert (found.settings, found.manage, found.is_demo) == ("from.outside", None, False)


def test_a_project_that_cannot_be_found_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This goes for a directory without settings, and for a missing directory."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "another.settings")
    with pytest.raises(ValueError, match=r"Which settings does .*name them, such as") as refused:
        project.find_project(tmp_path, None, {})
    assert "is not set" not in str(refused.value)
    with pytest.raises(ValueError, match="is not a directory; name the one that holds"):
        project.find_project(tmp_path / "nowhere", None, {})


def test_variables_that_would_change_the_server_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are options of servers and of the tracer."""
    for name in ("TRACER_JOURNAL", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "RUN_MAIN"):
        monkeypatch.setenv(name, "4")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    found = project.Project(tmp_path, "shop.settings")
    made = project.environment(found, {"GUNICORN_CMD_ARGS": "--asked-for"}, tmp_path)
    assert made["GUNICORN_CMD_ARGS"] == "--asked-for"
    assert made["DJANGO_SETTINGS_MODULE"] == "shop.settings"
    assert not made.keys() & {"TRACER_JOURNAL", "WEB_CONCURRENCY", "RUN_MAIN"}
    path = made["PYTHONPATH"].split(os.pathsep)
    assert (path[0], path[-1]) == (str(tmp_path), "elsewhere")


def test_the_demo_gets_a_database_of_its_own(tmp_path: Path) -> None:
    """It has sample data; the one beside manage.py stays as it is."""
    found = project.find_project(None, None, {})
    for name in ("first", "second"):
        work = tmp_path / name
        work.mkdir()
        database = Path(project.environment(found, {}, work)[project.DATABASE])
        assert work in database.parents
        connection = sqlite3.connect(database)
        try:
            assert connection.execute("SELECT count(*) FROM cafe_dish").fetchone() > (10,)
        finally:
            connection.close()
    asked = project.environment(found, {project.DATABASE: "mine.sqlite3"}, tmp_path)
    assert asked[project.DATABASE] == "mine.sqlite3"
