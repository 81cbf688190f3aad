"""The site that is measured: seven pages of a café, and the settings of a new Django project.

Four pages are served under WSGI: a short text, a class-based list (100 rows, two queries, a
template with inheritance), JSON with one query, a streamed response. The first three exist again as
asynchronous views, served under ASGI. All of them pass the seven middleware of a new project, in
front of a SQLite file. `configure` and `add_pages` are called once in each process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

ROWS = 100
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
    """One page: where it is, what it is, and how many requests make a measurement."""

    address: str
    what: str
    requests: int
    awaited: bool = False
    """Served under ASGI."""
    warm_up: int = 100
    """Requests before the first that is counted. A short one needs hundreds: a collection soon
    after the start takes as many instructions as three requests, and the tracer reuses its
    recordings only once some hundreds wait. From 700 on the price stays the same, within 0.1 per
    cent. At request 1,000 the tracer's background thread measures its own prices again, so the
    count ends before."""


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
    """What a contestant's documentation asks for in a project."""

    apps: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    """Middleware put before all others."""
    last: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    urls: Callable[[], list[Any]] = list
    """Called when Django is set up."""


def configure(changes: Changes, directory: str, middleware: int = 0) -> None:
    """Settings as a new project has them, DEBUG off, and `middleware` more that do nothing."""
    loaders = [
        (
            "django.template.loaders.cached.Loader",
            [
                ("django.template.loaders.locmem.Loader", {"base.html": BASE, "list.html": LIST}),
                "django.template.loaders.app_directories.Loader",
            ],
        )
    ]
    contrib = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
    chosen = {
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
                    "loaders": loaders,
                    "context_processors": ["django.template.context_processors.request"],
                },
            }
        ],
        "USE_TZ": True,
    }
    settings.configure(**(chosen | changes.settings))
    django.setup()
    urlpatterns.extend(changes.urls())


class Idle:
    """A middleware that does nothing."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


def short(request: HttpRequest) -> HttpResponse:
    """A short text."""
    return HttpResponse("hello")


async def short_async(request: HttpRequest) -> HttpResponse:
    """A short text."""
    return HttpResponse("hello")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Twenty lines, one by one."""

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
    """Build the pages that need a model, and its table: a model class needs settings first."""
    from django.db import connection, connections, models
    from django.shortcuts import render
    from django.views.generic import ListView, View

    class Dish(models.Model):
        name = models.CharField(max_length=80)
        kind = models.CharField(max_length=20)
        price = models.DecimalField(max_digits=6, decimal_places=2)
        sold_out = models.BooleanField(default=False)

        class Meta:
            app_label = "cafe"
            ordering = ("name",)

    class Dishes(ListView):
        model = Dish
        template_name = "list.html"
        context_object_name = "dishes"
        paginate_by = ROWS

        def get_context_data(self, **more: Any) -> dict[str, Any]:
            context = super().get_context_data(**more)
            return context | {"count": context["paginator"].count}

    class DishesAsync(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            found: AsyncIterator[Dish] = Dish.objects.aiterator()
            dishes = [dish async for dish in found]
            context = {"dishes": dishes, "count": await Dish.objects.acount()}
            return render(request, "list.html", context)

    def prices(request: HttpRequest) -> JsonResponse:
        cheap = Dish.objects.filter(price__lt=5).values("name", "kind")[:10]
        return JsonResponse({"dishes": list(cheap)})

    async def prices_async(request: HttpRequest) -> JsonResponse:
        cheap = Dish.objects.filter(price__lt=5).values("name", "kind")[:10]
        return JsonResponse({"dishes": [dish async for dish in cheap]})

    def queries(request: HttpRequest, count: int) -> HttpResponse:
        for number in range(count):
            Dish.objects.filter(pk=number).exists()
        return HttpResponse("asked")

    with connection.schema_editor() as editor:
        editor.create_model(Dish)
    Dish.objects.bulk_create(
        Dish(
            name=f"Dish {number:03}",
            kind=("coffee", "cake", "soup")[number % 3],
            price=Decimal(number) / 4,
            sold_out=number % 7 == 0,
        )
        for number in range(ROWS)
    )
    connections.close_all()
    urlpatterns.extend(
        [
            path("dishes/", Dishes.as_view(), name="dishes"),
            path("async/dishes/", DishesAsync.as_view()),
            path("dishes/<int:pk>/", short, name="dish"),
            path("json/", prices),
            path("async/json/", prices_async),
            path("queries/<int:count>/", queries),
        ]
    )
