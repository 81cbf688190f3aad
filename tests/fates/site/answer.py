"""The answer of most pages."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpResponse


class Usable(Protocol):
    """Any object of the site."""

    def use(self) -> None:
        """Uses it."""


def answer(*used: Usable) -> HttpResponse:
    """Uses these, and returns a short text."""
    for each in used:
        each.use()
    return HttpResponse("there\n")
