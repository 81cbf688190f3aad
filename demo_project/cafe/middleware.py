"""The café's middleware: one of each kind, and one with a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.decorators import sync_and_async_middleware

GetResponse = Callable[[HttpRequest], HttpResponse]


class NightShift:
    """A middleware that raises MiddlewareNotUsed, so that Django leaves it out."""

    def __init__(self, get_response: GetResponse) -> None:
        if not getattr(settings, "CAFE_OPEN_AT_NIGHT", False):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Is never called in this café."""
        return self.get_response(request)


@sync_and_async_middleware
def doorbell(get_response: Any) -> Any:
    """Returns a function middleware, sync or async, that adds the header X-Cafe."""
    if iscoroutinefunction(get_response):

        async def ring_async(request: HttpRequest) -> HttpResponse:
            response = await get_response(request)
            response.headers["X-Cafe"] = "open"
            return response

        return ring_async

    def ring(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["X-Cafe"] = "open"
        return response

    return ring


class Manners:
    """A middleware with every hook: for the view, the template response and the exception."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Calls the next middleware."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Stores the wish on the request before the view runs."""
        request.wish = request.GET.get("wish", "")

    def process_template_response(
        self, request: HttpRequest, response: TemplateResponse
    ) -> TemplateResponse:
        """Adds a greeting to the context before the template is rendered."""
        if response.context_data is not None:
            response.context_data.setdefault("greeting", "Do sit down.")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers a view's Http404 with the café's own page; ignores other exceptions."""
        if isinstance(exception, Http404):
            return render(request, "cafe/lost.html", {"reason": str(exception)}, status=404)
        return None


class LastGuest:
    """FAULT, on purpose: a middleware that keeps the guest's name on `self`.

    There is one middleware object for the whole process, so the next guest is greeted by the
    name of the last one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.guest = ""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Stores the guest's name on the wrong object; the right one is `request` itself."""
        if "guest" in request.GET:
            self.guest = request.GET["guest"]
        request.guest = self.guest
        return self.get_response(request)
