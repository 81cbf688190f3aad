"""The pages of the measured site that need a model. Imported once Django is set up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from django.db import connection, connections, models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.generic import ListView, View

ROWS = 100


class Dish(models.Model):
    """A dish of the menu."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    price = models.DecimalField(max_digits=6, decimal_places=2)
    sold_out = models.BooleanField(default=False)

    class Meta:
        app_label = "cafe"
        ordering = ("name",)


def create_table() -> None:
    """Creates the table and fills it."""
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


class Dishes(ListView):
    """The list: two queries and a template."""

    model = Dish
    template_name = "list.html"
    context_object_name = "dishes"
    paginate_by = ROWS

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        context = super().get_context_data(**more)
        return context | {"count": context["paginator"].count}


class DishesAsync(View):
    """The list as an asynchronous view."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        found: AsyncIterator[Dish] = Dish.objects.aiterator()
        dishes = [dish async for dish in found]
        context = {"dishes": dishes, "count": await Dish.objects.acount()}
        return render(request, "list.html", context)


def prices(request: HttpRequest) -> JsonResponse:
    """Returns ten cheap dishes as JSON: one query."""
    cheap = Dish.objects.filter(price__lt=5).values("name", "kind")[:10]
    return JsonResponse({"dishes": list(cheap)})


async def prices_async(request: HttpRequest) -> JsonResponse:
    """Returns ten cheap dishes as JSON: one query."""
    cheap = Dish.objects.filter(price__lt=5).values("name", "kind")[:10]
    return JsonResponse({"dishes": [dish async for dish in cheap]})


def queries(request: HttpRequest, count: int) -> HttpResponse:
    """Makes so many queries."""
    for number in range(count):
        Dish.objects.filter(pk=number).exists()
    return HttpResponse("asked")


def dish(request: HttpRequest, pk: int) -> HttpResponse:
    """Returns a short text; lists link to it."""
    return HttpResponse(str(pk))


urlpatterns = [
    path("dishes/", Dishes.as_view(), name="dishes"),
    path("async/dishes/", DishesAsync.as_view()),
    path("dishes/<int:pk>/", dish, name="dish"),
    path("json/", prices),
    path("async/json/", prices_async),
    path("queries/<int:count>/", queries),
]
