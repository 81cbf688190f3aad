"""A fault of the tracer's own is one line in the log; the response never hears of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cafe import surprises
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from tests.promises.comparing import Outcome, assert_same, outcome
from tests.promises.faults import Place, Places, raising_at
from tests.support.client import Recording, environ, serve, serve_async
from tracer.recorder.trace import current

pytestmark = pytest.mark.django_db(databases=["default", "archive"])

PAGES = (
    "/plain/",
    "/cafe/menu/",
    "/cafe/specials/",
    "/cafe/guestbook/",
    "/cafe/basket/",
    "/cafe/surprises/slow-cooker/",
    "/listing/",
    "/stream/",
    "/nested/",
    "/pool/",
    "/raise/boom/",
    "/raise/lost/",
    "/broken/query/",
    "/broken/template/",
    "/nowhere/",
)
WATCH = ("cafe.models.Basket",)


@pytest.fixture
def asked(open_cafe: Callable[[], None], settings: Any) -> Callable[[str], Outcome]:
    """Asks for a page of a café within the site of the promises, by a new handler each time."""
    settings.ROOT_URLCONF = "tests.promises.site"

    def ask(path: str) -> Outcome:
        cache.clear()
        surprises.VISITS = 0
        return outcome(lambda: serve(WSGIHandler(), environ(path)))

    for path in PAGES:
        ask(path)
    return ask


class Inquiry:
    """Puts a fault into every place that a page passes, and takes down what comes of it."""

    def __init__(
        self, recording: Recording, log: pytest.LogCaptureFixture, ask: Callable[[str], Outcome]
    ) -> None:
        self.recorder = recording.tracer.recorder
        self.log = log
        self.ask = ask
        self.tried: set[Place] = set()
        self.wrong: list[str] = []

    def into(self, bare: Mapping[str, Outcome]) -> None:
        """Find all places first; then let each fail, on the first page that passes it."""
        places = Places()
        # What else runs in this thread by chance is not the pages' doing.
        gc.disable()
        try:
            for path in bare:
                places.look(path, lambda path=path: self.ask(path))  # type: ignore[misc]
            for place, path in places:
                self._fail_at(place, path, bare[path])
        finally:
            gc.enable()

    def _fail_at(self, place: Place, path: str, bare: Outcome) -> None:
        self.recorder.faults.clear()
        self.log.clear()
        with raising_at(place) as met:
            answer = self.ask(path)
        if not met:
            return
        self.tried.add(place)
        told = [each.getMessage() for each in self.log.records if each.name == "tracer"]
        if answer.same() != bare.same():
            status = answer.answer.status if answer.answer else answer.error
            self.wrong.append(f"{place} on {path}: another answer, {status}")
        if len(told) != 1:
            self.wrong.append(f"{place} on {path}: {len(told)} lines in the log: {told}")
        if self.recorder.in_flight:
            self.wrong.append(f"{place} on {path}: the request never ended")
            self.recorder.in_flight.clear()
        current.set(None)


def test_wherever_the_tracer_fails_on_a_requests_path_the_answer_is_the_same(
    asked: Callable[[str], Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    """Every call that its code makes is made to raise, one after the other.

    A new probe that calls anything without a guard is found here by itself.
    """
    bare = {path: asked(path) for path in PAGES}
    with Recording(watch=WATCH) as recording:
        for path in PAGES:
            asked(path)
        inquiry = Inquiry(recording, caplog, asked)
        inquiry.into(bare)
        assert not inquiry.wrong, "\n".join(inquiry.wrong)
        assert len(inquiry.tried) > 100
        assert_same(bare["/plain/"], asked("/plain/"))
        request = recording.request()
        assert (request.path, request.status, request.ending) == ("/plain/", 200, "closed")
        assert {span.stage for span in request.spans} >= {"view", "resolve", "middleware"}


@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning")
def test_wherever_the_tracer_fails_under_asgi_the_answer_is_the_same(
    asked: Callable[[str], Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    """The same for coroutines; what runs on worker threads is the test above's."""
    paths = ("/plain/async/", "/raise/boom/async/", "/stream/async/", "/raise/lost/async/")

    def ask(path: str) -> Outcome:
        return outcome(lambda: asyncio.run(serve_async(ASGIHandler(), path)))

    for path in paths:
        ask(path)
    bare = {path: ask(path) for path in paths}
    with Recording(watch=WATCH) as recording:
        for path in paths:
            ask(path)
        inquiry = Inquiry(recording, caplog, ask)
        inquiry.into(bare)
        assert not inquiry.wrong, "\n".join(inquiry.wrong)
        assert len(inquiry.tried) > 50
        assert_same(bare["/plain/async/"], ask("/plain/async/"))
        assert recording.request().status == 200
