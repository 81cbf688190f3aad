"""The program that is measured: a tiny site of two pages, and a loop that asks for one of them.

    python benchmarks/cafe_page.py PAGE MODE REQUESTS DIRECTORY

PAGE is "short" (a short text) or "list" (100 rows, two queries, a template with inheritance); both
go through the seven middleware of a new Django project. MODE is "nothing" (the tracer is not
there), "off" (it is in INSTALLED_APPS, ENABLED is False) or "recording" (it records; no console, no
journal). When it has warmed up it prints "ready" and waits for a line on standard input; then it
makes its requests, prints "done" with the number of full collections that came in between, and
waits for another line.
"""

from __future__ import annotations

import gc
import io
import sys
from decimal import Decimal
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections, models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import ListView

WARM_UP = {"short": 100, "list": 40}
"""Requests before the first that counts: caches are filled, nothing is imported any more."""
PATHS = {"short": "/short/", "list": "/dishes/"}
SETTINGS = {"off": {"ENABLED": False}, "recording": {"ENABLED": True, "CONSOLE": False}}
BASE = """<!doctype html>
<html lang="en"><head><title>{% block title %}Café{% endblock %}</title></head>
<body><h1>{% block heading %}Café{% endblock %}</h1>{% block content %}{% endblock %}</body></html>
"""
LIST = """{% extends "base.html" %}
{% block title %}Menu{% endblock %}
{% block heading %}Menu, {{ paginator.count }} dishes{% endblock %}
{% block content %}<table>
{% for dish in dishes %}<tr>
<td><a href="{% url 'dish' dish.pk %}">{{ dish.name }}</a></td><td>{{ dish.kind }}</td>
<td>{{ dish.price }}</td><td>{% if dish.sold_out %}sold out{% endif %}</td></tr>
{% endfor %}</table>{% endblock %}
"""


def configure(mode: str, directory: str) -> None:
    """Settings as a new project has them, DEBUG off."""
    loaders = [
        (
            "django.template.loaders.cached.Loader",
            [("django.template.loaders.locmem.Loader", {"base.html": BASE, "list.html": LIST})],
        )
    ]
    contrib = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
    settings.configure(
        DEBUG=False,
        SECRET_KEY="for-measuring-only",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            *contrib,
            "django.contrib.messages",
            *(["tracer"] if mode in SETTINGS else []),
        ],
        TRACER=SETTINGS.get(mode, {}),
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{directory}/cafe.sqlite3",
            }
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": loaders},
            }
        ],
        USE_TZ=True,
    )
    django.setup()


def short(request: HttpRequest) -> HttpResponse:
    """A short text."""
    return HttpResponse("hello")


urlpatterns = [path("short/", short, name="short")]


def add_list_page() -> None:
    """Build the list page: a model class needs settings, so this comes after them."""

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
        paginate_by = 100

    with connection.schema_editor() as editor:
        editor.create_model(Dish)
    Dish.objects.bulk_create(
        Dish(
            name=f"Dish {number:03}",
            kind=("coffee", "cake", "soup")[number % 3],
            price=Decimal(number) / 4,
            sold_out=number % 7 == 0,
        )
        for number in range(100)
    )
    connections.close_all()
    urlpatterns.append(path("dishes/", Dishes.as_view(), name="dishes"))
    urlpatterns.append(path("dishes/<int:pk>/", short, name="dish"))


def ask(handler: Any, address: str) -> tuple[str, bytes]:
    """One request as a server makes it; return its status and body."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": address,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []
    response = handler(environ, lambda status, headers, exc=None: statuses.append(status))
    try:
        return statuses[0], b"".join(response)
    finally:
        response.close()


def catch_up() -> None:
    """Let the tracer look at what the warm-up left, or its very first look would be counted."""
    tracer = sys.modules.get("tracer.live")
    if tracer is not None and (running := tracer.running()) is not None:
        running.look()


def full_collections() -> int:
    """How often Python's collector has gone through everything so far."""
    return int(gc.get_stats()[2]["collections"])


def main() -> int:
    """Warm up, wait, make the requests, wait."""
    page, mode, requests, directory = sys.argv[1:]
    configure(mode, directory)
    if page == "list":
        add_list_page()
    handler, address = WSGIHandler(), PATHS[page]
    status, body = ask(handler, address)
    expected = 100 if page == "list" else 0
    if status != "200 OK" or body.count(b"<tr>") != expected:
        print(f"the page {page} is not what it should be: {status}", file=sys.stderr)
        return 1
    for _ in range(WARM_UP[page]):
        ask(handler, address)
    # Every run begins at the same point of the collector's counting.
    gc.collect()
    catch_up()
    print("ready", flush=True)
    sys.stdin.readline()
    before = full_collections()
    for _ in range(int(requests)):
        ask(handler, address)
    print("done", full_collections() - before, flush=True)
    sys.stdin.readline()
    return 0


if __name__ == "__main__":
    # Under its own name, or ROOT_URLCONF would import this file a second time.
    sys.modules["cafe_page"] = sys.modules[__name__]
    __name__ = "cafe_page"
    sys.exit(main())
