"""Views of the classic surprises: each has one fault, and its page says how to mend it."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from cafe.models import Dish

log = logging.getLogger("cafe")

VISITS = 0
"""FAULT, on purpose: it lives as long as the process, and each process has its own."""

COOKED: deque[str] = deque(maxlen=5)
"""The slow cooker's last reports; bounded, so that this list is not another fault."""

_cooking = threading.BoundedSemaphore(3)


def counter(request: HttpRequest) -> HttpResponse:
    """FAULT, on purpose: counts visits in a global of the module."""
    global VISITS
    VISITS += 1
    return render(request, "cafe/counter.html", {"visits": VISITS, "pid": os.getpid()})


def last_guest(request: HttpRequest) -> HttpResponse:
    """Greets the guest by the name that the LastGuest middleware has stored."""
    named = "guest" in request.GET
    return render(request, "cafe/last_guest.html", {"named": named, "guest": request.guest})


def slow_cooker(request: HttpRequest) -> HttpResponse:
    """FAULT, on purpose: starts a thread that outlives the request and holds it."""
    started = _cooking.acquire(blocking=False)
    if started:
        threading.Thread(target=_cook, args=(request,), name="slow-cooker", daemon=True).start()
    context = {
        "started": started,
        "cooked": list(COOKED),
        "seconds": settings.CAFE_COOKING_SECONDS,
    }
    return render(request, "cafe/slow_cooker.html", context)


def _cook(request: HttpRequest) -> None:
    """Waits `CAFE_COOKING_SECONDS`, runs a query and reports it."""
    try:
        threading.Event().wait(settings.CAFE_COOKING_SECONDS)
        soups = Dish.objects.filter(category__slug="kitchen").count()
        COOKED.append(f"{timezone.now():%H:%M:%S}: {soups} pots done, asked for by {request.path}")
        log.info("Slow cooker: done, long after its request")
    finally:
        # Django closes connections when a request ends, which never happens in this thread.
        connections.close_all()
        _cooking.release()


def language(request: HttpRequest) -> HttpResponse:
    """FAULT, on purpose: activates a language and never deactivates it."""
    found = translation.get_language()
    wanted = request.GET.get("speak", "")
    if wanted == "reset":
        translation.deactivate()
    elif wanted in dict(settings.LANGUAGES):
        translation.activate(wanted)
    context = {
        "found": found,
        "now": translation.get_language(),
        "moment": timezone.now(),
        "languages": settings.LANGUAGES,
        "thread": threading.current_thread().name,
        "surprised": not wanted and found != settings.LANGUAGE_CODE,
    }
    return render(request, "cafe/language.html", context)
