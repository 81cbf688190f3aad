"""The café with its sample data and its own middleware, and a client that visits it."""

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
    """A client of a café set up as in `cafe_site.settings`; errors become pages."""
    settings.MIDDLEWARE = site.MIDDLEWARE
    settings.DEBUG = True
    settings.CACHES = site.CACHES
    settings.DEFAULT_EXCEPTION_REPORTER = site.DEFAULT_EXCEPTION_REPORTER
    sample.add_sample_data()
    cache.clear()
    yield Client(raise_request_exception=False)
    cache.clear()
    views.RECENT.clear()
    views.LEFT_BEHIND.clear()
    surprises.VISITS = 0
    translation.deactivate()
