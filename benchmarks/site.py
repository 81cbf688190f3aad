"""The measured site: seven pages of a café, with the settings of a new Django project.

Four pages are served under WSGI: a short text, a class-based list (100 rows, two queries, a
template with inheritance), JSON with one query, and a streamed response. The first three have
asynchronous counterparts, served under ASGI. All requests pass the seven middleware of a new
project; the database is a SQLite file. Each process calls `configure` and `add_pages` once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

BASE = """<!doctype html>
<html lang="en"><head><title>{% block title %}Café{% endblock %}</title></head>
<body><h1>{% block heading %}Café{% endblock %}</h1>{% block content %}{% endblock %}</body></html>
"""
LIST = """{% extends "base.html" %}
{% block title %}Menu{% endblock %}
{% block heading %}Menu, {{ count }} dishes{% endblock %}
{% block content %}<table>
{% for dish in dishes %}<tr>
<td><a href="{% url 'dish' dish.pk %}">{{ dish.name }}</a></td><td>{{ dish.kind }}</td>
<td>{{ dish.price }}</td><td>{% if dish.sold_out %}sold out{% endif %}</td></tr>
{% endfor %}</table>{% endblock %}
"""
LOADERS = [
    (
        "django.template.loaders.cached.Loader",
        [
            ("django.template.loaders.locmem.Loader", {"base.html": BASE, "list.html": LIST}),
            "django.template.loaders.app_directories.Loader",
        ],
    )
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and how many requests make a measurement of it."""

    address: str
    what: str
    requests: int
    is_async: bool = False
    """Whether it is served under ASGI."""
    warm_up: int = 100
    """Requests before the first counted one. A short page needs hundreds: a collection soon after
    the start takes as many instructions as three requests, and the tracer reuses its recordings
    only once some hundreds wait. From 700 on the price is stable within 0.1 per cent. At request
    1,000 the tracer's worker thread measures its prices again, so counting ends before."""


PAGES = {
    "short": Page("/short/", "a short text", 400, warm_up=700),
    "list": Page("/dishes/", "a list, 100 rows", 60, warm_up=150),
    "json": Page("/json/", "JSON, one query", 200),
    "stream": Page("/stream/", "a streamed body", 200),
    "short async": Page("/async/short/", "a short text, async", 150, True, 60),
    "list async": Page("/async/dishes/", "a list, async", 40, True, 60),
    "json async": Page("/async/json/", "JSON, async", 80, True, 60),
}


@dataclass(slots=True)
class Changes:
    """The changes to a project that a contestant's documentation asks for."""

    apps: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    """Middleware before all others."""
    last: list[str] = field(default_factory=list)
    """Middleware after all others."""
    settings: dict[str, Any] = field(default_factory=dict)
    urls: Callable[[], list[Any]] = list
    """Returns URL patterns; called after Django is set up."""


def configure(changes: Changes, directory: str, middleware: int = 0) -> None:
    """Sets Django up like a new project with DEBUG off, and so many middleware that do nothing."""
    settings.configure(**(_settings(changes, directory, middleware) | changes.settings))
    django.setup()
    urlpatterns.extend(changes.urls())


def _settings(changes: Changes, directory: str, middleware: int) -> dict[str, Any]:
    contrib = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
    return {
        "DEBUG": False,
        "SECRET_KEY": "for-measuring-only",
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1"],
        "ROOT_URLCONF": __name__,
        "INSTALLED_APPS": [*contrib, "django.contrib.messages", *changes.apps],
        "MIDDLEWARE": [
            *changes.first,
            *MIDDLEWARE,
            *[f"{__name__}.Idle"] * middleware,
            *changes.last,
        ],
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{directory}/cafe.sqlite3",
            }
        },
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": LOADERS,
                    "context_processors": ["django.template.context_processors.request"],
                },
            }
        ],
        "USE_TZ": True,
    }


class Idle:
    """A middleware that does nothing."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


def short(request: HttpRequest) -> HttpResponse:
    """Returns a short text."""
    return HttpResponse("hello")


async def short_async(request: HttpRequest) -> HttpResponse:
    """Returns a short text."""
    return HttpResponse("hello")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Streams twenty lines."""

    def lines() -> Iterator[str]:
        for number in range(20):
            yield f"line {number}\n"

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns: list[Any] = [
    path("short/", short, name="short"),
    path("async/short/", short_async),
    path("stream/", stream),
]


def add_pages() -> None:
    """Adds the pages that need a model, and fills its table."""
    # A model class needs configured settings.
    from benchmarks import menu

    menu.create_table()
    urlpatterns.extend(menu.urlpatterns)
