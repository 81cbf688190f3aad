"""All recipes, in the order in which the comparison shows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tracer.servers import asgi, cgi, granian, gunicorn, nginx, runserver, threaded, uwsgi
from tracer.servers.apache import plans
from tracer.servers.recipe import Recipe

_RECIPES = (
    runserver.RECIPES,
    cgi.RECIPES,
    plans.RECIPES,
    gunicorn.RECIPES,
    uwsgi.RECIPES,
    nginx.RECIPES,
    threaded.RECIPES,
    asgi.RECIPES,
    granian.RECIPES,
)
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.name: recipe for group in _RECIPES for recipe in group}
)
"""Each recipe by its name."""
