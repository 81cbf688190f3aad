"""The book's own small site: a view for each fact that the café has no page for."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, wraps
from typing import Any

from cafe.models import Category, Dish
from django import forms
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connections, transaction
from django.dispatch import Signal
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.template import Context, Template
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.views import View

HELD: list[Any] = []
"""What views leave here outlives its request. The tests empty it."""
GATE: dict[str, Callable[[], Any]] = {}
"""What a view runs when its turn comes: the tests put waits and steps here."""

rang = Signal()
"""The site's own signal."""


class Ticket:
    """A plain class that `WATCH` can name."""

    def used(self) -> None:
        """A use."""


def plain(request: HttpRequest) -> HttpResponse:
    """The least."""
    return HttpResponse("plain")


def step(request: HttpRequest) -> HttpResponse:
    """Runs whatever a test has put into `GATE` under the query's text."""
    GATE[request.META["QUERY_STRING"]]()
    return HttpResponse("stepped")


# -- views of every kind --------------------------------------------------------------------


class Classy(View):
    """A class-based view, as most are."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its GET."""
        return HttpResponse("classy")


class Headed(View):
    """A class-based view with a HEAD of its own."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its GET."""
        return HttpResponse("headed")

    def head(self, request: HttpRequest) -> HttpResponse:
        """Its HEAD."""
        return HttpResponse()


class Remembering(View):
    """A class-based view with a cached method: `lru_cache` keeps every `self` it was given."""

    @lru_cache  # noqa: B019
    def price(self) -> int:
        """Looked up once for each view object, and that object kept."""
        return 3

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its GET."""
        return HttpResponse(str(self.price()))


def polite(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A decorator."""

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        return view(request)

    return wrapper


@polite
def decorated(request: HttpRequest) -> HttpResponse:
    """A view inside a decorator."""
    return HttpResponse("decorated")


def brew(request: HttpRequest, leaf: str) -> HttpResponse:
    """A view that the URLconf completes with `functools.partial`."""
    return HttpResponse(leaf)


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
    """Saves a row, tells the site's own signal, and goes on."""
    category = Category(name="Soup", slug="soup")
    category.save()
    rang.send(sender="site")
    return HttpResponse("saved")


# -- cache ----------------------------------------------------------------------------------


def remember(request: HttpRequest) -> HttpResponse:
    """Asks the cache, and tells it when it does not know."""
    word = cache.get("word")
    if word is None:
        cache.set("word", "known")
    return HttpResponse(word or "unknown")


# -- request and response -------------------------------------------------------------------


def who(request: HttpRequest) -> HttpResponse:
    """Touches request.user."""
    return HttpResponse("somebody" if request.user.is_authenticated else "nobody")


def visit(request: HttpRequest) -> HttpResponse:
    """Writes to the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


class Note(forms.Form):
    """A form of one field."""

    text = forms.CharField()


def form(request: HttpRequest, valid: bool = True) -> HttpResponse:
    """Builds a form, and has it validated and drawn or leaves it alone."""
    made = Note({"text": "hello"})
    if valid:
        return HttpResponse(f"{made.is_valid()}{made}")
    return HttpResponse("unread")


# -- exceptions -----------------------------------------------------------------------------

ACCIDENTS = {
    "404": Http404,
    "403": PermissionDenied,
    "400": SuspiciousOperation,
    "500": LookupError,
    "exit": SystemExit,
}


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    """Raises one of `ACCIDENTS`."""
    raise ACCIDENTS[kind]("by the view")


def error(request: HttpRequest) -> HttpResponse:
    """What the site answers when a view raised."""
    return HttpResponse("sorry", status=500)


# -- streaming ------------------------------------------------------------------------------


def stream(request: HttpRequest, alias: str = "default") -> StreamingHttpResponse:
    """Two pieces, with a statement before each."""

    def pieces() -> Iterator[str]:
        for piece in ("one ", "two"):
            connections[alias].cursor().execute("SELECT 1")
            yield piece

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


# -- async ----------------------------------------------------------------------------------


async def async_plain(request: HttpRequest) -> HttpResponse:
    """An async view."""
    return HttpResponse("async")


async def async_page(request: HttpRequest) -> HttpResponse:
    """An async view that renders where it runs."""
    return render(request, "page.html")


async def async_count(request: HttpRequest) -> HttpResponse:
    """An async view that awaits the ORM."""
    return HttpResponse(str(await Dish.objects.acount()))


# -- threads --------------------------------------------------------------------------------


def pool(request: HttpRequest) -> HttpResponse:
    """Has a pool's thread ask the database."""

    def work() -> None:
        ask(request, "brief")
        connections["brief"].close()

    with ThreadPoolExecutor(1) as workers:
        workers.submit(work).result(timeout=120)
    return HttpResponse("pooled")


def background(request: HttpRequest) -> HttpResponse:
    """Starts a thread that may go on when the response is out."""
    wait = GATE["background"]

    def work(holds: HttpRequest) -> None:
        wait()
        assert holds.path == "/background/"

    thread = threading.Thread(target=work, args=(request,), name="worker")
    HELD.append(thread)
    thread.start()
    return HttpResponse("started")


def speak(request: HttpRequest, language: str) -> HttpResponse:
    """Activates a language and a time zone, and deactivates neither."""
    translation.activate(language)
    timezone.activate("Asia/Tokyo")
    return HttpResponse(language)


def spoken(request: HttpRequest) -> HttpResponse:
    """Which language and time zone are active."""
    return HttpResponse(f"{translation.get_language()} {timezone.get_current_timezone_name()}")


# -- collector and leaks --------------------------------------------------------------------


def collect(request: HttpRequest, generation: int) -> HttpResponse:
    """Runs the collector in the middle of a request."""
    gc.collect(generation)
    return HttpResponse("collected")


def keep(request: HttpRequest, what: str) -> HttpResponse:
    """Leaves something in the module's list."""
    response = HttpResponse("kept")
    HELD.append({"request": request, "response": response, "ticket": Ticket()}[what])
    return response


class Listener:
    """Listens to the site's signal."""

    def hear(self, **kwargs: Any) -> None:
        """A receiver."""


def listen(request: HttpRequest) -> HttpResponse:
    """Connects a method for good: the signal then holds the object."""
    rang.connect(Listener().hear, weak=False)
    return HttpResponse("listening")


def listen_weakly(request: HttpRequest) -> HttpResponse:
    """Connects a method of an object that nobody else holds."""
    rang.connect(Listener().hear)
    rang.send(sender="site")
    return HttpResponse("not listening")


DISHES = Dish.objects.order_by("name")
"""A QuerySet of the module, shared by all requests."""


def stale(request: HttpRequest) -> HttpResponse:
    """Reads the module's QuerySet."""
    return HttpResponse(" ".join(dish.name for dish in DISHES))


def collecting(request: HttpRequest, seen: list[Any] = []) -> HttpResponse:  # noqa: B006
    """A mutable default argument."""
    seen.append(Ticket())
    return HttpResponse(str(len(seen)))


def address(request: HttpRequest) -> HttpResponse:
    """Asks for an address."""
    return HttpResponse(reverse("plain"))
