"""Pages that recordings are made of."""

from __future__ import annotations

import threading

from cafe.models import Basket
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tracer import Recording

MEETING: list[threading.Barrier] = []


def cached(request: HttpRequest) -> HttpResponse:
    """Asks the cache."""
    return HttpResponse(str(cache.get("menu-of-the-day")))


def basket(request: HttpRequest) -> HttpResponse:
    """Builds a basket, which goes with it."""
    return HttpResponse(str(len(Basket().lines)))


def knot(request: HttpRequest) -> HttpResponse:
    """Ties its request to itself, so that only the collector can free it."""
    request.knot = request  # type: ignore[attr-defined]
    return HttpResponse("tied")


def meet(request: HttpRequest) -> HttpResponse:
    """Waits for another request to be here, too."""
    MEETING[0].wait(timeout=120)
    return HttpResponse("met")


def posted(request: HttpRequest) -> HttpResponse:
    """Says what came."""
    return HttpResponse(f"{request.method} {request.headers.get('X-Guest')} {request.POST.dict()}")


urlpatterns = [
    path("cached/", cached),
    path("basket-of-its-own/", basket),
    path("knot/", knot),
    path("meet/", meet),
    path("posted/", posted),
    path("", include("cafe_site.urls")),
]


def paths(recording: Recording) -> list[str]:
    """What was asked for."""
    return [request.path for request in recording.requests]
