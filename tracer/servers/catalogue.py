"""Every server that can be compared, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tracer.servers import apache, gunicorn, nginx, runserver
from tracer.servers.recipe import Recipe

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for family in (
            runserver.RECIPES,
            apache.RECIPES,
            gunicorn.RECIPES,
            nginx.RECIPES,
        )
        for recipe in family
    }
)
"""Name to recipe."""
