"""Every server that can be compared, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tracer.servers import asgi, cgi, granian, gunicorn, nginx, runserver, threaded, uwsgi
from tracer.servers.apache import plans
from tracer.servers.recipe import Recipe

FAMILIES = (
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
    {recipe.name: recipe for family in FAMILIES for recipe in family}
)
"""Name to recipe."""
