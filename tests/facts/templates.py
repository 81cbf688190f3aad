"""The small site's templates, and the settings of an engine that holds them."""

from __future__ import annotations

from typing import Any

PAGES = {
    "page.html": "hello {{ who }}",
    "late.html": "{{ word }}",
    "base.html": "<main>{% block content %}{% endblock %}</main>",
    "child.html": (
        '{% extends "base.html" %}{% block content %}{% include "part.html" %}{% endblock %}'
    ),
    "part.html": "part",
    "list.html": '{% for dish in dishes %}{% include "row.html" %}{% endfor %}',
    "row.html": "{{ dish.name }} ",
    "twice.html": (
        "{% for dish in dishes %}{{ dish }}{% endfor %}{% for dish in dishes %}.{% endfor %}"
    ),
    "headings.html": "{% for dish in dishes %}{{ dish.category.name }} {% endfor %}",
    "fragment.html": (
        "{% load cache %}{% cache 60 dishes %}{% for dish in dishes %}{{ dish.name }} {% endfor %}"
        "{% endcache %}"
    ),
    "form.html": "{{ form }}",
    "broken.html": "{% for one in numbers %}{{ one }}{% endfor %}",
    "language.html": "{% load i18n %}{% get_current_language as now %}{{ now }}",
}
"""Name to source."""


def engine(cached: bool) -> list[dict[str, Any]]:
    """Returns a TEMPLATES setting, with the cached loader or without it."""
    loader = ("django.template.loaders.locmem.Loader", PAGES)
    return [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.cached.Loader", [loader])]
                if cached
                else [loader],
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ],
            },
        }
    ]
