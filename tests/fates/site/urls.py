"""The site's URLs, one for each of `tests.fates.pages.PAGES`."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.utils.module_loading import import_string

from tests.fates.pages import PAGES


def _pattern(address: str, name: str) -> URLPattern:
    view: Any = import_string(f"tests.fates.site.{name}")
    given: dict[str, Any] = {}
    if name == "django_pages.database":
        given["alias"] = address.strip("/").rpartition("/")[2]
    made: URLPattern = path(
        address[1:], view.as_view() if hasattr(view, "as_view") else view, given
    )
    return made


urlpatterns = [_pattern(address, name) for address, name in PAGES.items()]
