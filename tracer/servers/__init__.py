"""A Django project under a real server, started and stopped: one file for each kind of server.

    with serve("gunicorn", workers=2, journal=directory) as server:
        server.get("/menu/")

May import `application/`, `journal/` and `model/`; also `bootstrap/environment.py`, which says with
what environment a process is traced from its start.
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
