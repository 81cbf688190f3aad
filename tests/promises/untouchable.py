"""Objects of a project that must not be looked at by calling them: whoever does, fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.views import View

TOUCHED: list[str] = []
"""Every touch, for those whose exception somebody caught."""


def _touched(what: str) -> NoReturn:
    TOUCHED.append(what + "".join(traceback.format_stack(limit=4)))
    raise AssertionError(f"{what} was called")


class Untouchable:
    """Raises whenever it is shown, compared, hashed, counted or asked whether it is true."""

    def __repr__(self) -> str:
        _touched(f"{type(self).__name__}.__repr__")

    def __str__(self) -> str:
        _touched(f"{type(self).__name__}.__str__")

    def __eq__(self, other: object) -> bool:
        _touched(f"{type(self).__name__}.__eq__")

    def __hash__(self) -> int:
        _touched(f"{type(self).__name__}.__hash__")

    def __bool__(self) -> bool:
        _touched(f"{type(self).__name__}.__bool__")

    def __len__(self) -> int:
        _touched(f"{type(self).__name__}.__len__")


class Thing(Untouchable):
    """A class to be watched."""

    def work(self) -> str:
        """A public method."""
        return "worked"


class Kept(Untouchable):
    """A class to be watched, whose objects a view keeps."""


class StrictMeta(type):
    """A metaclass whose classes cannot be hashed, compared or shown."""

    def __eq__(cls, other: object) -> bool:
        _touched("StrictMeta.__eq__")

    def __hash__(cls) -> int:
        _touched("StrictMeta.__hash__")

    def __repr__(cls) -> str:
        _touched("StrictMeta.__repr__")

    def __bool__(cls) -> bool:
        _touched("StrictMeta.__bool__")


class Strict(metaclass=StrictMeta):
    """An object whose class is as touchy as it is."""


class Sender(Untouchable):
    """Sends a signal; Django itself hashes senders, and nobody else has to."""

    __hash__ = object.__hash__


STRICT = Strict()
KEPT: list[Any] = []


class Layer(Untouchable):
    """A middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A hook."""


class Page(Untouchable, View):
    """A class-based view."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Uses a watched object and two model instances."""
        thing = Thing()
        row, other = Row(), Row()
        del row, other
        return HttpResponse(thing.work())


class Keeper(Untouchable, View):
    """Keeps what it should not."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One more of them."""
        KEPT.append(Kept())
        return HttpResponse("kept")


class Row(Untouchable, models.Model):
    """A model without a table."""

    __hash__ = Untouchable.__hash__

    class Meta:
        app_label = "cafe"
        managed = False


def receiver(sender: Any, **named: Any) -> None:
    """Listens to a signal that an untouchable object sends."""
