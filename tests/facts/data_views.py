"""The small site's views that use templates, the database and the cache, and those that stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

from cafe.models import Category, Dish
from django.core.cache import cache
from django.db import connections, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.template.response import TemplateResponse

from tests.facts.site import GATE, HELD, rang

# -- templates ------------------------------------------------------------------------------


def page(request: HttpRequest, name: str = "page.html") -> HttpResponse:
    """Rendered here, in the view."""
    return render(request, name, {"who": "you", "dishes": Dish.objects.all()})


def late(request: HttpRequest) -> TemplateResponse:
    """Rendered after the view has returned."""
    return TemplateResponse(request, "late.html", {"word": "late"})


def late_list(request: HttpRequest) -> TemplateResponse:
    """A lazy QuerySet in a template that is rendered after the view has returned."""
    return TemplateResponse(request, "list.html", {"dishes": Dish.objects.all()})


def from_text(request: HttpRequest) -> HttpResponse:
    """A template from a string."""
    return HttpResponse(Template("{{ word }}").render(Context({"word": "text"})))


def late_and_broken(request: HttpRequest) -> TemplateResponse:
    """Its template raises, after the view has returned."""

    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("in the template")

    return TemplateResponse(request, "broken.html", {"numbers": numbers()})


# -- database -------------------------------------------------------------------------------


def ask(request: HttpRequest, alias: str) -> HttpResponse:
    """One statement on one connection."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse(alias)


def transfer(request: HttpRequest, fail: str = "") -> HttpResponse:
    """A transaction with a savepoint in it; `fail` says which of the two an exception ends."""
    with transaction.atomic(using="brief"):
        try:
            with transaction.atomic(using="brief"):
                connections["brief"].cursor().execute("SELECT 1")
                if fail == "inner":
                    raise LookupError
        except LookupError:
            pass
        if fail == "outer":
            raise LookupError
        transaction.on_commit(lambda: rang.send(sender="site"), using="brief")
    return HttpResponse("transferred")


def asked_late(request: HttpRequest) -> TemplateResponse:
    """Asks in the view and again in its template."""

    def again() -> Iterator[int]:
        yield from (row[0] for row in connections["brief"].cursor().execute("SELECT 1"))

    connections["brief"].cursor().execute("SELECT 1")
    return TemplateResponse(request, "broken.html", {"numbers": again()})


def count_twice(request: HttpRequest) -> HttpResponse:
    """Reads one QuerySet twice, and then its clone."""
    dishes = Dish.objects.order_by("name")
    list(dishes)
    list(dishes)
    list(dishes.all())
    return HttpResponse("counted")


def related(request: HttpRequest, how: str) -> HttpResponse:
    """Each dish with its category's name, in one of three ways."""
    dishes = Dish.objects.order_by("name")
    if how == "select":
        dishes = dishes.select_related("category")
    if how == "prefetch":
        dishes = dishes.prefetch_related("category")
    return HttpResponse(" ".join(dish.category.name for dish in dishes))


def edit(request: HttpRequest) -> HttpResponse:
    """Saves a row and sends the site's own signal."""
    category = Category(name="Soup", slug="soup")
    category.save()
    rang.send(sender="site")
    return HttpResponse("saved")


# -- cache ----------------------------------------------------------------------------------


def remember(request: HttpRequest) -> HttpResponse:
    """Reads a value from the cache, and sets it if it is missing."""
    word = cache.get("word")
    if word is None:
        cache.set("word", "known")
    return HttpResponse(word or "unknown")


# -- streaming ------------------------------------------------------------------------------


def stream(request: HttpRequest, alias: str = "default") -> StreamingHttpResponse:
    """Two pieces, with a statement before each."""

    def pieces() -> Iterator[str]:
        for piece in ("one ", "two"):
            connections[alias].cursor().execute("SELECT 1")
            yield piece

    return StreamingHttpResponse(pieces())


def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """One piece, from an asynchronous generator that asks the database before it."""

    async def pieces() -> AsyncIterator[str]:
        GATE.get("async body", str)()
        yield str(await Dish.objects.acount())

    return StreamingHttpResponse(pieces())


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Raises in the middle of its body."""

    def pieces() -> Iterator[str]:
        yield "one"
        raise LookupError("in the body")

    return StreamingHttpResponse(pieces())


def file(request: HttpRequest) -> FileResponse:
    """A file that the response has to close."""
    opened = open(__file__, "rb")  # noqa: SIM115
    HELD.append(opened)
    return FileResponse(opened)


# -- threads -------------------------------------------------------------------------------


def pool(request: HttpRequest) -> HttpResponse:
    """Runs a statement on a pool's thread."""

    def work() -> None:
        ask(request, "brief")
        connections["brief"].close()

    with ThreadPoolExecutor(1) as workers:
        workers.submit(work).result(timeout=120)
    return HttpResponse("pooled")
