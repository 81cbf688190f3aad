"""What is expected of Django's own objects, from what Django's source and the site do with them."""

from __future__ import annotations

from typing import Final

from tests.fates.fate import CONNECTION, KEPT, PROCESS, REQUEST, THREAD, Fate
from tracer.model import Lifetime, Request

_BY_KIND: Final = {
    # Module globals, or what these hold, filled at the start or on first use.
    "settings": Fate(PROCESS),
    "apps": Fate(PROCESS),
    "app": Fate(PROCESS),
    "model": Fate(PROCESS),
    "signal": Fate(PROCESS),
    "connections": Fate(PROCESS),
    "caches": Fate(PROCESS),
    "engines": Fate(PROCESS),
    "handler": Fate(PROCESS),
    "middleware": Fate(PROCESS),
    # Where two requests build the same at once, the one that loses the race keeps its own.
    "engine": Fate(PROCESS, let_go=REQUEST),
    "resolver": Fate(PROCESS, let_go=REQUEST),
    "pattern": Fate(PROCESS, let_go=REQUEST),
    "template": Fate(PROCESS, let_go=REQUEST),
    # `django.db.connections` is a thread-local; `django.core.cache.caches` a context's.
    "database": Fate(THREAD),
    "cache": Fate(THREAD, asgi=(REQUEST,)),
    # A DatabaseWrapper keeps it for the next request. Under ASGI none comes on its thread: whether
    # that ends before the request's last bytes are sent, or after, is chance.
    "connection": Fate(CONNECTION, asgi=(CONNECTION, REQUEST)),
    # Variables and attributes of what the request itself builds.
    "request": Fate(REQUEST),
    "response": Fate(REQUEST),
    "session": Fate(REQUEST),
    "messages": Fate(REQUEST),
    "lazy": Fate(REQUEST),
    "view": Fate(REQUEST),
    "context": Fate(REQUEST),
    "form": Fate(REQUEST),
    "queryset": Fate(REQUEST),
    "row": Fate(REQUEST),
    "cursor": Fate(REQUEST),
    # The site's threads outlive their requests, and end: see `tests.fates.passing.InThread`.
    "thread": Fate(REQUEST),
}
_OF_A_REQUEST: Final = frozenset({"request", "session", "messages", "lazy"})
"""Kinds that hang on a request by attributes, and are kept with it."""
_KEPT_REQUESTS: Final = {
    "GET /kept/request/": Fate(KEPT, "left_behind.REQUESTS["),
    "GET /kept/lru/": Fate(KEPT),
    "GET /kept/error/": Fate(KEPT, "left_behind.ERRORS["),
    "GET /kept/middleware/": Fate(KEPT, ".request", let_go=REQUEST),
}
"""Pages of which something keeps the requests."""
_HOLDS_FRAMES: Final = "GET /kept/error/"
"""The page whose exceptions are kept: their frames hold whatever these have as variables."""
_OF_CLASSES: Final = frozenset({"queryset", "lazy"})
"""Kinds of which an import leaves some behind, as attributes of classes and globals of modules."""
_OF_AN_IMPORT: Final = "lazy object of _lazy_re_compile"
"""What `django.core.validators` and others make while they are imported: their globals."""
_QUERY_SETS: Final = ("tests.fates.site.django_pages", "tests.fates.site.late_module")
"""Modules with a class that has a query set as attribute: their import builds it first of all."""


def fate_of(life: Lifetime, request: Request | None) -> Fate | None:
    """Returns what is expected of an object that `request` built; None if nothing is."""
    if request is None and life.died_at is not None:
        # Dropped while the process started, or made by a thread that serves no request.
        return None
    if request is None or life.name == _OF_AN_IMPORT:
        return Fate(PROCESS) if life.kind in _OF_CLASSES else _BY_KIND.get(life.kind)
    page = request.page
    if page in _KEPT_REQUESTS and life.kind in _OF_A_REQUEST:
        return _KEPT_REQUESTS[page]
    usual = _BY_KIND.get(life.kind)
    if page == _HOLDS_FRAMES and usual is not None and usual.scope == REQUEST:
        return Fate(KEPT, let_go=REQUEST)
    if life.kind == "queryset" and _is_a_classs(life, request):
        return Fate(PROCESS)
    if life.kind == "template" and page == "GET /text/":
        return Fate(REQUEST)
    if life.kind == "row" and life.cls.endswith(".ContentType"):
        # Its manager is a class attribute, and remembers it; and the last one, after a race.
        return Fate(PROCESS, "_cache[", let_go=REQUEST)
    if life.kind == "connection" and page == "GET /database/brief/":
        return Fate(REQUEST)
    return usual


def _is_a_classs(life: Lifetime, request: Request) -> bool:
    """Whether it is the first query set of a request that imported such a class."""
    imported = sum(module in request.imports for module in _QUERY_SETS)
    own = [birth.token for birth in request.births if birth.kind == "queryset"]
    return life.id in own[:imported]
