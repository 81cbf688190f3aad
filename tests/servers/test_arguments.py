"""The arguments of `serve` and its recipes: what is refused, before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import fake_servers
from tracer.servers import RECIPES, Availability, Server, ServerMissing, serve
from tracer.servers.recipe import package_check


def test_a_server_that_is_not_installed_is_an_error_that_says_what_to_do(
    serve_fake: Callable[..., Server],
) -> None:
    found = Availability(False, "get it from the shop")
    with pytest.raises(ServerMissing, match="fake cannot be started: get it from the shop"):
        serve_fake(fake_servers.recipe(fake_servers.ORDINARY, found=found))


def test_a_package_is_installed_missing_or_too_old() -> None:
    """It is looked up in the interpreter's own environment."""
    assert package_check("django")().ok
    assert package_check("django", "no-such-thing")() == Availability(
        False,
        "no-such-thing is not installed: pip install no-such-thing",
    )
    old = package_check("django", least=(99, 1))()
    assert not old.ok
    assert "is older than 99.1" in old.why


def test_wrong_names_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no server 'gunicorm'; there is runserver, "):
        serve("gunicorm")
    with pytest.raises(ValueError, match="runserver has no number of workers to choose"):
        serve("runserver", workers=2)
    with pytest.raises(ValueError, match="needs at least one of its workers, not 0"):
        serve("gunicorn", workers=0)


def test_without_a_journal_there_are_no_processes_to_read(
    serve_fake: Callable[..., Server], tmp_path: Path
) -> None:
    """An empty journal has no processes."""
    with (
        serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server,
        pytest.raises(ValueError, match="fake keeps no journal"),
    ):
        server.processes()
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY), journal=tmp_path / "new") as server:
        assert server.processes() == []
        assert (tmp_path / "new").is_dir()


def test_every_recipe_has_a_title_and_says_what_it_needs() -> None:
    """The title is one line."""
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe.title
        assert "\n" not in recipe.title
        assert recipe.needs
        found = recipe.available()
        assert found.version if found.ok else found.why
