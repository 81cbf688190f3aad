"""The café with its sample data and its own middleware, and a guest to visit it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cafe import sample, surprises, views
from cafe_site import settings as site
from django.core.cache import cache
from django.test import Client
from django.utils import translation


@pytest.fixture
def guest(settings: Any, django_db_setup: Any) -> Iterator[Client]:
    """A guest of a café that is set up as `cafe_site.settings` says; errors become pages."""
    settings.MIDDLEWARE = site.MIDDLEWARE
    settings.DEBUG = True
    settings.CACHES = site.CACHES
    settings.DEFAULT_EXCEPTION_REPORTER = site.DEFAULT_EXCEPTION_REPORTER
    sample.lay_out()
    cache.clear()
    yield Client(raise_request_exception=False)
    cache.clear()
    views.RECENT.clear()
    views.LEFT_BEHIND.clear()
    surprises.VISITS = 0
    translation.deactivate()
