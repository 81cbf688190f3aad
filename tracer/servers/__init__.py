"""A Django project under a real server, started and stopped.

with serve("gunicorn", workers=2, journal=directory) as server:
    server.get("/menu/")
"""

from tracer.servers.catalogue import RECIPES
from tracer.servers.client import Reply
from tracer.servers.errors import NoReply, ServerError, ServerFailed, ServerMissing
from tracer.servers.recipe import Availability, Recipe
from tracer.servers.server import Server
from tracer.servers.start import serve

__all__ = [
    "RECIPES",
    "Availability",
    "NoReply",
    "Recipe",
    "Reply",
    "Server",
    "ServerError",
    "ServerFailed",
    "ServerMissing",
    "serve",
]
