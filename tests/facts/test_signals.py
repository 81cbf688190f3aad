"""Signals: what sends them, which receivers run, and how long receivers stay connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from cafe.models import Category
from django.core.signals import got_request_exception, request_started
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal

from tests.facts.reading import around, every, find, inside, names, one
from tests.facts.site import GATE, HELD, Listener, Ticket, rang
from tracer import Recording
from tracer.model import stages
from tracer.recording.handlers import environ

Record = Callable[..., Recording]
Listen = Callable[..., None]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """`listen(signal, receiver, sender=...)`, undone at the end of the test."""
    connected: list[tuple[Signal, Any, Any]] = []

    def connect(signal: Signal, receiver: Any, sender: Any = None) -> None:
        signal.connect(receiver, sender=sender)
        connected.append((signal, receiver, sender))

    yield connect
    for signal, receiver, sender in connected:
        signal.disconnect(receiver, sender=sender)


def hears(**kwargs: Any) -> None:
    """A receiver."""


def test_request_started_comes_before_the_request(
    db: None, record: Record, listen: Listen, settings: Any
) -> None:
    """request_started is sent before the request object exists."""
    settings.ROOT_URLCONF = "tests.facts.urls"

    def build(**kwargs: Any) -> None:
        HELD.append(Ticket())

    listen(request_started, build)
    with record(watch=("tests.facts.site.Ticket",)) as recording:
        recording.get("/plain/")
        # Tokens are given in the order of birth.
        assert one(recording, "Ticket").id < one(recording, "WSGIRequest").id
        assert recording.request().spans[0].stage == stages.REQUEST_STARTED


def test_request_finished_is_sent_by_close(site: Recording) -> None:
    """request_finished is sent by the response's close(), after every middleware has returned."""
    site.get("/plain/")
    request = site.request()
    finished = find(request, stages.REQUEST_FINISHED)
    assert around(request, finished) == ["response.close"]
    assert request.spans[-1] == finished
    assert all(layer.end <= finished.start for layer in every(request, stages.MIDDLEWARE))


def test_without_close_nothing_is_finished(site: Recording) -> None:
    """A server that never closes the response never gets request_finished sent."""
    body = site.handler(environ("/plain/"), lambda *args: None)
    assert b"".join(body) == b"plain"
    site.get("/plain/")
    left, closed = site.process.requests
    assert (left.ending, closed.ending) == ("never closed", "closed")
    assert every(left, stages.REQUEST_FINISHED) == []
    assert every(closed, stages.REQUEST_FINISHED)


def test_connections_and_caches_are_let_go_by_receivers(site: Recording) -> None:
    """Receivers of request_finished let go of connections and caches."""
    site.get("/plain/")
    detail = find(site.request(), stages.REQUEST_FINISHED).detail
    assert "close_old_connections" in detail
    assert "close_caches" in detail
    assert "close_old_connections" in find(site.request(), stages.REQUEST_STARTED).detail


def test_saving_a_row_tells_twice(site: Recording, listen: Listen) -> None:
    """Saving a row sends pre_save before its INSERT and post_save after it."""
    listen(pre_save, hears, sender=Category)
    listen(post_save, hears, sender=Category)
    site.get("/edit/")
    request = site.request()
    before, after = (
        find(request, stages.SIGNAL, "pre_save"),
        find(request, stages.SIGNAL, "post_save"),
    )
    insert = find(request, stages.QUERY, "INSERT cafe_category")
    assert before.end <= insert.start
    assert insert.end <= after.start


def test_receivers_run_there_and_then(site: Recording, listen: Listen) -> None:
    """A receiver runs inside the code that sends: the view waits for it, and so do its queries."""

    def asks(**kwargs: Any) -> None:
        Category.objects.count()

    listen(rang, asks)
    site.get("/edit/")
    request = site.request()
    signal = find(request, stages.SIGNAL, "rang")
    assert inside(request, signal, find(request, stages.VIEW))
    assert inside(request, find(request, stages.QUERY, "SELECT cafe_category"), signal)


async def hears_later(**kwargs: Any) -> None:
    """An asynchronous receiver."""
    await Category.objects.acount()


def fails(**kwargs: Any) -> None:
    """A receiver that raises."""
    raise LookupError


async def fails_later(**kwargs: Any) -> None:
    """An asynchronous receiver that raises."""
    raise LookupError


class Counting(Signal):
    """A signal that looks who listens before it sends."""

    looked = 0

    def look(self, sender: Any) -> None:
        """Counts its receivers."""
        self.looked += sum(len([*group]) for group in self._live_receivers(sender))

    def send(self, sender: Any, **named: Any) -> Any:
        """Sends as every signal does."""
        self.look(sender)
        return super().send(sender, **named)


class Ordered(Counting):
    """A signal that calls its receivers itself."""

    def send_robust(self, sender: Any, **named: Any) -> Any:
        """Calls the last receiver first."""
        receivers, _ = self._live_receivers(sender)
        return [(each, each(signal=self, sender=sender)) for each in [*receivers][::-1]]


counted, ordered = Counting(), Ordered()


def sent(site: Recording, signal: Signal, method: str) -> list[str]:
    """Sends a signal in a view; returns the detail of each row that came of it."""

    def send() -> None:
        call = getattr(signal, method)
        call = async_to_sync(call) if method.startswith("a") else call
        with suppress(LookupError):
            call(sender="site")

    GATE["send"] = send
    assert site.get("/step/?send").status == 200
    return [span.detail for span in every(site.request(), stages.SIGNAL)]


METHODS = ("send", "send_robust", "asend", "asend_robust")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signal", [rang, counted, ordered])
def test_a_signal_sent_once_is_one_row(
    site: Recording, listen: Listen, signal: Signal, method: str
) -> None:
    """A signal calls its synchronous receivers first, and then the others, in one go."""
    listen(signal, hears_later)
    assert sent(site, signal, method) == ["from str · 1 receiver: hears_later"]
    listen(signal, hears)
    assert sent(site, signal, method) == ["from str · 2 receivers: hears, hears_later"]
    if method == "send":
        request = site.request()
        assert inside(request, find(request, stages.QUERY), find(request, stages.SIGNAL))
    signal.disconnect(hears_later)
    assert sent(site, signal, method) == ["from str · 1 receiver: hears"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("first", [fails, fails_later])
def test_a_signal_whose_receiver_raises_is_one_row(
    site: Recording, listen: Listen, first: Any, method: str
) -> None:
    """A receiver that raises ends what send calls; send_robust calls the others, too."""
    for receiver in (first, hears, hears_later):
        listen(rang, receiver)
    (detail,) = sent(site, rang, method)
    assert "3 receivers: " in detail
    site.get("/plain/")
    assert names(site.request(), stages.SIGNAL) == []


@pytest.mark.parametrize("signal", [rang, counted])
@pytest.mark.parametrize("method", METHODS)
def test_a_receiver_that_sends_again_makes_a_row_of_its_own(
    site: Recording, listen: Listen, signal: Signal, method: str
) -> None:
    """A receiver can send the signal that it hears; that is two rows."""
    left = [True]

    def again(**kwargs: Any) -> None:
        if left:
            left.clear()
            signal.send(sender="again")

    listen(signal, again)
    assert sent(site, signal, method) == [f"from str · 1 receiver: {again.__name__}"] * 2


def test_looking_at_receivers_sends_nothing(site: Recording, listen: Listen) -> None:
    """Who asks whether a signal has listeners, or looks at them, has not sent it."""
    listen(counted, hears)
    GATE["look"] = lambda: (counted.has_listeners("site"), counted.look("site"))
    site.get("/step/?look")
    assert names(site.request(), stages.SIGNAL) == []
    assert counted.looked


def test_only_the_named_sender_is_heard(site: Recording, listen: Listen) -> None:
    """A receiver that names a sender is called for no other sender."""

    def hears_others(**kwargs: Any) -> None:
        raise AssertionError("not the sender that was asked for")

    listen(rang, hears, sender="site")
    listen(rang, hears_others, sender="elsewhere")
    site.get("/edit/")
    detail = find(site.request(), stages.SIGNAL, "rang").detail
    assert "1 receiver: hears" in detail


def test_a_signal_without_receivers_does_nothing(site: Recording, listen: Listen) -> None:
    """A signal without receivers calls nothing, and is no stage of the request."""
    GATE["send"] = lambda: rang.send(sender="site")
    site.get("/step/?send")
    listen(rang, hears)
    site.get("/step/?send")
    alone, heard = site.process.requests
    assert names(alone, stages.SIGNAL) == []
    assert names(heard, stages.SIGNAL) == ["rang"]


def test_signals_hold_their_receivers_weakly(site: Recording) -> None:
    """A signal holds receivers weakly: a method of an object that nothing else holds is gone."""
    GATE["send"] = lambda: rang.send(sender="site")
    listener = Listener()
    rang.connect(listener.hear)
    site.get("/step/?send")
    del listener
    site.get("/step/?send")
    heard, forgotten = site.process.requests
    assert find(heard, stages.SIGNAL).detail == "from str · 1 receiver: hear"
    assert names(forgotten, stages.SIGNAL) == []


def test_a_500_is_announced(site: Recording, listen: Listen) -> None:
    """A view that raises has got_request_exception sent; a 404, a 403 and a 400 send nothing."""
    listen(got_request_exception, hears)
    for kind in ("500", "404", "403", "400"):
        site.get(f"/fail/{kind}/")
    sent = {
        request.status: len(every(request, stages.SIGNAL, "got_request_exception"))
        for request in site.process.requests
    }
    assert sent == {500: 1, 404: 0, 403: 0, 400: 0}


def test_opening_a_connection_is_announced(files: Recording, listen: Listen) -> None:
    """connection_created is sent while a connection is being opened, and not when it is reused."""
    from django.db.backends.signals import connection_created

    listen(connection_created, hears)
    files.get("/ask/long/")
    files.get("/ask/long/")
    first, second = files.process.requests
    signal = find(first, stages.SIGNAL, "connection_created")
    assert inside(first, signal, find(first, stages.CONNECTION))
    assert names(second, stages.SIGNAL) == []
