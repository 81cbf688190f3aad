"""A site that tells who called it, all the way up, from wherever Django calls a project's code."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from cafe.models import Dish
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.signals import request_started
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_init
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path, register_converter, reverse

from tests.promises.shouting_layers import HEARD, Unwell, Word, fail, quietly, shout

logger = logging.getLogger(__name__)
"""Warnings, log records and tracebacks, in the order in which they came."""
"""Callers up the stack that are compared."""


register_converter(Word, "word")
rung = Signal()


def listener(sender: Any, **named: Any) -> None:
    """Hears a signal."""
    shout("receiver")


async def async_listener(sender: Any, **named: Any) -> None:
    """Hears a signal, later."""
    shout("async receiver")


def plain(request: HttpRequest, word: str = "") -> HttpResponse:
    """Tells, and answers."""
    shout("view")
    request_started.connect(listener, dispatch_uid="plain")
    response = HttpResponse(reverse("plain", args=["again"]))
    response._resource_closers.append(lambda: shout("close"))  # type: ignore[attr-defined]
    return response


async def plain_async(request: HttpRequest) -> HttpResponse:
    """The same, as a coroutine, and in a thread."""
    shout("async view")
    await sync_to_async(shout)("in a thread")
    try:
        await sync_to_async(fail)()
    except Unwell:
        logger.exception("in a thread")
    return HttpResponse("done")


def raising(request: HttpRequest) -> HttpResponse:
    """One failure because of another."""
    try:
        fail()
    except Unwell as error:
        raise KeyError("second") from error


async def raising_async(request: HttpRequest) -> HttpResponse:
    """The same, as a coroutine."""
    try:
        fail()
    except Unwell as error:
        raise KeyError("second") from error


def exiting(request: HttpRequest) -> HttpResponse:
    """Ends the process, as far as it can."""
    raise SystemExit(3)


def database(request: HttpRequest) -> HttpResponse:
    """Breaks a constraint and a statement, and tells from within queries and rows."""

    def watching(execute: Any, *args: Any) -> Any:
        shout("execute_wrapper")
        return execute(*args)

    def twice() -> None:
        with transaction.atomic():
            User.objects.create(username="one")
            User.objects.create(username="one")

    try:
        twice()
    except IntegrityError as error:
        logger.exception("twice")
        HEARD.append(traceback.format_exception(error))
    quietly(connection.cursor().execute, "SELECT nothing FROM nowhere_at_all")
    post_init.connect(listener, sender=Dish)
    try:
        with connection.execute_wrapper(watching):
            list(Dish.objects.all()[:7])
    finally:
        post_init.disconnect(listener, sender=Dish)
    post_init.connect(fail, sender=Dish)
    try:
        quietly(list, Dish.objects.all())
    finally:
        post_init.disconnect(fail, sender=Dish)
    return HttpResponse("done")


def signals(request: HttpRequest) -> HttpResponse:
    """Sends to those who tell and to those who fail."""
    for receiver in (listener, async_listener, fail):
        rung.connect(receiver)
        quietly(rung.send, plain)
        for _receiver, told in rung.send_robust(plain):
            if told is not None:
                HEARD.append(traceback.format_exception(told))
        rung.disconnect(receiver)
    return HttpResponse("done")


PAGE = "{% extends parent %}{% block body %}{% include part %}{% endblock %}"


def template(request: HttpRequest) -> HttpResponse:
    """Renders what tells, what includes and extends, and what fails."""
    engine = engines["django"]
    parent = engine.from_string("{% block body %}{% endblock %}").template
    part = engine.from_string("{{ call }}").template
    page = engine.from_string(PAGE)
    quietly(page.render, {"parent": parent, "part": part, "call": lambda: shout("template")})
    quietly(page.render, {"parent": parent, "part": part, "call": fail})
    quietly(engine.from_string, "{% nothing %}")
    quietly(engine.get_template, "nowhere.html")
    return TemplateResponse(request, page, {"parent": parent, "part": part, "call": fail})


def stored(request: HttpRequest) -> HttpResponse:
    """Uses the cache."""
    caches["default"].get("key")
    caches["default"].get("key", default=3)
    caches["default"].get("key", loud=False)
    quietly(caches["default"].set, "key", 3)
    return HttpResponse("done")


def threads(request: HttpRequest) -> HttpResponse:
    """Has other threads tell and fail."""
    for target in (lambda: shout("thread"), fail):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    with ThreadPoolExecutor(1) as workers:
        workers.submit(shout, "pool").result()
        quietly(workers.submit(fail).result)
    quietly(workers.submit, fail)
    return HttpResponse("done")


def _parts(fails: bool) -> Iterator[str]:
    shout("parts")
    yield "one"
    if fails:
        fail()


async def _async_parts(fails: bool) -> AsyncIterator[str]:
    shout("async parts")
    yield "one"
    if fails:
        fail()


def stream(request: HttpRequest, fails: bool = False) -> HttpResponse:
    """A body that tells while it is sent."""
    return StreamingHttpResponse(_parts(fails))


async def stream_async(request: HttpRequest, fails: bool = False) -> HttpResponse:
    """The same, asynchronous."""
    return StreamingHttpResponse(_async_parts(fails))


urlpatterns = [
    path("plain/<word:word>/", plain, name="plain"),
    path("plain/async", plain_async),
    path("raising/", raising),
    path("raising/async", raising_async),
    path("exiting/", exiting),
    path("database/", database),
    path("signals/", signals),
    path("template/", template),
    path("stored/", stored),
    path("threads/", threads),
    path("stream/", stream),
    path("stream/fails", stream, {"fails": True}),
    path("stream/async", stream_async),
    path("stream/async/fails", stream_async, {"fails": True}),
]
PATHS = [
    f"/{each.pattern._route}".replace("<word:word>", "word")  # type: ignore[union-attr]
    for each in urlpatterns
]
