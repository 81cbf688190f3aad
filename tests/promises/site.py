"""A small site for the promises: views that do one thing each, some of them badly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

during_request: Callable[[], Any] | None = None
"""What the view `during` calls, if anything."""


def during(request: HttpRequest) -> HttpResponse:
    """Calls what a test asks for, in the middle of a request."""
    if during_request is not None:
        during_request()
    return HttpResponse("done")


urlpatterns = [
    path("during/", during),
]
