"""The extra [servers] installs the Python packages that the servers need, and no others."""

from __future__ import annotations

import importlib.metadata
import re

import pytest

from tracer.servers import RECIPES, Recipe

NOTHING = {"nothing", "Django", "itself"}
SYSTEM = ("apache2", "libapache2", "nginx")
"""Prefixes of the system's packages."""


def extra() -> set[str]:
    """Returns the packages of the extra."""
    wanted = importlib.metadata.requires("django-request-tracer") or []
    servers = [each for each in wanted if re.search(r"extra == .servers.", each)]
    return {re.split(r"[^\w-]", each)[0] for each in servers}


def packages(recipe: Recipe) -> set[str]:
    """Returns the packages that a server needs from pip."""
    return {each for each in recipe.needs.split() if not each.startswith(SYSTEM)} - NOTHING


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_every_package_that_a_server_needs_is_in_the_extra(recipe: Recipe) -> None:
    """So `make compare` on a new machine runs every server that needs pip alone."""
    assert packages(recipe) <= extra()
    if packages(recipe) == set(recipe.needs.split()):
        assert recipe.available().ok, "the tests' environment has the extra"


def test_the_extra_has_nothing_that_no_server_needs() -> None:
    assert extra() == set.union(*map(packages, RECIPES.values()))
