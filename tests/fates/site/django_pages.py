"""Pages that make Django's own objects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.views.generic import ListView

from tests.fates.site.answer import answer


class Note(forms.Form):
    """A form of one field."""

    text = forms.CharField()


def form(request: HttpRequest) -> HttpResponse:
    """Draws a form with a template."""
    return render(request, "fates/form.html", {"form": Note()})


class GroupList(ListView):  # type: ignore[type-arg]
    """Draws a query set."""

    queryset = Group.objects.all()
    template_name = "fates/list.html"


def who(request: HttpRequest) -> HttpResponse:
    """Asks who has signed in: a session, a lazy object, a row."""
    return render(request, "fates/who.html", {"name": request.user.get_username()})


def from_text(request: HttpRequest) -> HttpResponse:
    """Compiles a template of its own, which nothing keeps."""
    return HttpResponse(Template("{{ word }}").render(Context({"word": "there"})))


def cached(request: HttpRequest) -> HttpResponse:
    """Asks the cache."""
    return HttpResponse(cache.get_or_set("word", "there"))


def content_type(request: HttpRequest) -> HttpResponse:
    """Asks for a content type, which its manager remembers."""
    return HttpResponse(ContentType.objects.get_for_model(Group).model)


def database(request: HttpRequest, alias: str) -> HttpResponse:
    """Asks one of the databases."""
    return HttpResponse(str(User.objects.using(alias).count()))


def plain(request: HttpRequest, **_: Any) -> HttpResponse:
    """Does nothing else."""
    return answer()
