"""A site whose requests make classes of every kind, each of which holds its request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

from cafe.models import Basket, Dish
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.cache import CacheHandler, cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.signals import request_finished
from django.db.models import QuerySet
from django.dispatch import Signal
from django.forms import Form, formset_factory, modelform_factory
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, engines
from django.urls import include, path
from django.utils.functional import SimpleLazyObject
from django.views.generic import TemplateView

rang = Signal()
"""A signal of the project's own."""


def made(request: HttpRequest, *bases: type, **body: Any) -> Any:
    """Return a class made for this request, which holds it."""
    return type(f"Made{bases[0].__name__}", bases, body | {"made_for": request})


def form(request: HttpRequest) -> HttpResponse:
    """What each change page of the admin does: a form class whose callback holds the request."""

    def field(db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return db_field.formfield(**options)

    callback = partial(field, request=request)
    cls = modelform_factory(Group, fields=["name"], formfield_callback=callback)
    made_formset = formset_factory(made(request, Form))
    return HttpResponse(f"{cls()}{made_formset()}")


def page(request: HttpRequest) -> HttpResponse:
    """A class-based view, its template from a string, and a lazy object, a context, a query set."""
    template = engines["django"].from_string("{{ lazy }} {{ dishes|length }}").template
    cls = made(request, TemplateView, get=lambda self, request: made(request, HttpResponse)())
    response = cls.as_view()(request)
    dishes = made(request, QuerySet)(Dish)
    lazy = made(request, SimpleLazyObject)(lambda: request.path)
    response.content = template.render(made(request, Context)({"lazy": lazy, "dishes": dishes}))
    return response


def basket(request: HttpRequest) -> HttpResponse:
    """A subclass of a class that the settings have watched."""
    made(request, Basket)().add("espresso")
    return HttpResponse("basket")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """A body that comes in parts."""

    def parts() -> Iterator[str]:
        yield from (request.path, "again")

    return made(request, StreamingHttpResponse)(parts())


def signals(request: HttpRequest) -> HttpResponse:
    """Receivers that are held strongly, and disconnected: one for each request, and one's own."""

    def heard(**_: Any) -> str:
        return request.path

    for signal in (rang, request_finished):
        signal.connect(heard, weak=False)
    rang.send(made(request, object))
    request_finished.send(made(request, object))
    for signal in (rang, request_finished):
        signal.disconnect(heard)
    return HttpResponse("heard")


def thread(request: HttpRequest) -> HttpResponse:
    """A thread that has done its work before the response leaves."""
    worker = made(request, threading.Thread)(target=lambda: cache.get(request.path))
    worker.start()
    worker.join()
    return HttpResponse("worked")


def spread(request: HttpRequest) -> HttpResponse:
    """Builds what the others build once a thread of its own has taken part."""
    worker = threading.Thread(target=form, args=(request,))
    worker.start()
    worker.join()
    basket(request)
    return page(request)


def cached(request: HttpRequest) -> HttpResponse:
    """A cache whose backend is a class made for the request, with a method of its own."""
    get = LocMemCache.get
    own = made(request, LocMemCache, get=lambda self, key: get(self, key))
    globals()["Backend"] = own
    try:
        caches = CacheHandler({"default": {"BACKEND": f"{__name__}.Backend"}})
        # Asked by its name it would stay in a context variable, with or without the tracer.
        backend = caches.create_connection("default")
    finally:
        del globals()["Backend"]
    return HttpResponse(str(backend.get("nothing")))


def failing(request: HttpRequest) -> HttpResponse:
    """Raises an exception that holds the request."""
    raise made(request, Exception)(request)


def odd_text(request: HttpRequest) -> HttpResponse:
    """Strings and numbers of classes made for the request, wherever the application gives some."""
    text, number = made(request, str), made(request, int)
    request.urlconf = text(__name__)  # type: ignore[attr-defined]
    template = engines["django"].from_string("odd").template
    template.name = text("a name")
    response = HttpResponse(template.render(Context()))
    response.status_code = number(201)
    return response


urlpatterns = [
    path("made/form/", form),
    path("made/page/", page),
    path("made/basket/", basket),
    path("made/stream/", stream),
    path("made/signals/", signals),
    path("made/thread/", thread),
    path("made/spread/", spread),
    path("made/cached/", cached),
    path("made/failing/", failing),
    path("made/odd/", odd_text),
    path("admin/", admin.site.urls),
    path("", include("cafe.urls")),
]
