"""The site's own middleware."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tests.fates.lasting import Helper
from tests.fates.left import PiledByMiddleware
from tests.fates.site.passing import let_go_what_is_due

GetResponse = Callable[[HttpRequest], HttpResponse]


class LetsGo:
    """Lets go what earlier requests have lent out until now. It has a helper since its making."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.helper = Helper()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serves a request."""
        let_go_what_is_due()
        self.helper.use()
        return self.get_response(request)


class KeepsOneOfEach:
    """Adds an object to a list in each request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.seen: list[PiledByMiddleware] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serves a request."""
        self.seen.append(PiledByMiddleware())
        return self.get_response(request)


class KeepsTheLast:
    """Keeps the last request for one page, as what it works on."""

    request: HttpRequest

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serves a request."""
        if request.path == "/kept/middleware/":
            self.request = request
        return self.get_response(request)
