"""The book's own small site: a view for each fact for which the café has no page."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from cafe.models import Dish
from django import forms
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.dispatch import Signal
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views import View

HELD: list[Any] = []
"""Objects that views keep beyond their request. The tests empty it."""
GATE: dict[str, Callable[[], Any]] = {}
"""Name to a function that a view calls: the tests put waits and steps here."""

rang = Signal()
"""The site's own signal."""


class Ticket:
    """A plain class that `WATCH` can name."""

    def used(self) -> None:
        """A use."""


def plain(request: HttpRequest) -> HttpResponse:
    """The smallest view."""
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
    """The site's response to an exception in a view."""
    return HttpResponse("sorry", status=500)


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


def background(request: HttpRequest) -> HttpResponse:
    """Starts a thread that may go on after the response was sent."""
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
    """Connects a method strongly: the signal then holds the object."""
    rang.connect(Listener().hear, weak=False)
    return HttpResponse("listening")


def listen_weakly(request: HttpRequest) -> HttpResponse:
    """Connects a method of an object that nothing else holds."""
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
    """Looks up an address."""
    return HttpResponse(reverse("plain"))
