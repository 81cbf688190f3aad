"""Views of other kinds: decorated, partial, JSON, streamed, async, cached, with two databases."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import TemplateView

from cafe.models import ArchivedDay, Category, Dish

View = Callable[..., HttpResponse]


def ding(view: View) -> View:
    """Decorates a view so that its response has the header X-Bell."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["X-Bell"] = "ding"
        return response

    return wrapper


@never_cache
@require_safe
@ding
def bell(request: HttpRequest) -> HttpResponse:
    """Shows a page, from inside three decorators."""
    return render(request, "cafe/bell.html")


def brew(request: HttpRequest, leaf: str) -> HttpResponse:
    """Shows a tea; the URLconf sets `leaf` with functools.partial."""
    return render(request, "cafe/tea.html", {"leaf": leaf})


@require_safe
def menu_json(request: HttpRequest) -> JsonResponse:
    """Returns the menu as JSON."""
    dishes = Dish.objects.values("name", "price", "category__name")
    return JsonResponse({"dishes": list(dishes)})


class Echo:
    """A file for csv.writer that returns what is written to it."""

    def write(self, value: str) -> str:
        """Returns `value`."""
        return value


def rows() -> Iterator[str]:
    """Yields the menu line by line; queries each category when it reaches it."""
    writer = csv.writer(Echo())
    yield writer.writerow(("category", "dish", "price"))
    for category in Category.objects.iterator():
        for dish in category.dishes.all():
            yield writer.writerow((category.name, dish.name, dish.price))


@require_safe
def menu_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Streams the menu as CSV: its queries run while the body is sent."""
    return StreamingHttpResponse(rows(), content_type="text/csv")


async def async_kitchen(request: HttpRequest) -> HttpResponse:
    """Awaits two queries and renders on the event loop's thread."""
    count = await Dish.objects.acount()
    sweet = [dish.name async for dish in Dish.objects.filter(category__slug="cakes")]
    context = {"count": count, "sweet": sweet, "thread": threading.current_thread().name}
    return render(request, "cafe/async.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def shelf(request: HttpRequest) -> HttpResponse:
    """Shows the cached bread, or bakes new bread if there is none. A POST deletes it."""
    if request.method == "POST":
        cache.delete("bread")
        return redirect("shelf")
    bread = cache.get("bread")
    found = bread is not None
    if bread is None:
        bread = {"dishes": Dish.objects.count(), "baked_by": os.getpid()}
        cache.set("bread", bread, timeout=300)
    return render(request, "cafe/shelf.html", {"bread": bread, "found": found})


class Archive(TemplateView):
    """A view that queries both databases, whose connections live for different times."""

    template_name = "cafe/archive.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the menu from the default database, and old days from the archive."""
        days = ArchivedDay.objects.all()
        return super().get_context_data(
            days=days,
            figures=days.aggregate(guests=Sum("guests"), takings=Avg("takings")),
            dishes=Dish.objects.count(),
            thread=threading.current_thread().name,
            **kwargs,
        )
