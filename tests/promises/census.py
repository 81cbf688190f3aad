"""A program that serves a site and then counts, class by class, what is alive.

After one full collection `main` writes, as JSON, how many objects of each class there are, and how
much memory was in use on the way, in bytes. What the tracer itself is made of is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import sys
import warnings
from collections import Counter
from pathlib import Path
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    TracebackType,
)
from typing import Any

import tracer

SHARED = "record() beside a tracer"
WAYS = {
    "off": {"ENABLED": False},
    "quiet": {"CONSOLE": False},
    "console": {"CONSOLE": True},
    "settled": {"CONSOLE": False},
    "walked": {"CONSOLE": False, "WALK": False},
    "journal": {"CONSOLE": False, "JOURNAL": "traces"},
    "record()": {"ENABLED": False},
    SHARED: {"CONSOLE": False},
}
"""How the site can be watched, with the settings for it."""
CSRF = "a" * 32
OURS = ("tracer", "rich", "pygments", "markdown_it", *sys.stdlib_module_names)
"""Packages of whose classes the tracer has objects of its own."""
OWN = str(Path(tracer.__file__).parent)
RUNNING = {
    GeneratorType: "gi_code", CoroutineType: "cr_code", AsyncGeneratorType: "ag_code",
    FunctionType: "__code__",
}  # fmt: skip
"""What runs or could run, and where it tells its code."""
FORMS = {"/guestbook/": b"author=Ann&text=Warm", "/order/": b"guest=Ann&dishes=espresso"}
PATHS = (
    "/", "/hello/", "/menu/", "/menu/flat-white/", "/specials/", "/guestbook/", "/order/",
    "/basket/", "/bell/", "/tea/", "/menu.json", "/menu.csv", "/async/", "/shelf/", "/archive/",
    "/members/", "/log-in/", "/lost/", "/no-such-page/", "/spill/", "/surprises/keeper/",
    "/surprises/last-guest/?guest=Ann", "/surprises/language/?speak=fr",
    "/made/form/", "/made/page/", "/made/basket/", "/made/stream/", "/made/signals/",
    "/made/thread/", "/made/spread/", "/made/cached/", "/made/failing/", "/made/odd/",
    "/admin/", "/admin/cafe/guestnote/", "/admin/cafe/guestnote/add/",
    "/admin/cafe/guestnote/1/change/", "/admin/cafe/guestnote/1/history/",
    "/admin/cafe/guestnote/1/delete/", "/admin/cafe/dish/", "/admin/cafe/dish/1/change/",
    "/admin/cafe/order/add/",
)  # fmt: skip


LOOKS = 48
"""How often `main` looks at the memory in use, at equal distances."""
ROUNDS = 6
QUICK = [path for path in PATHS if path.startswith("/made/")]


def set_up(way: str) -> None:
    """Django, with the café's middleware and data, and a staff member's session."""
    from cafe_site import settings as cafe

    import tests.settings

    tests.settings.ROOT_URLCONF = "tests.promises.made_per_request"
    tests.settings.MIDDLEWARE = cafe.MIDDLEWARE
    tests.settings.CACHES = cafe.CACHES
    tests.settings.TRACER = {"ENABLED": True, "WATCH": ["cafe.models.Basket"]} | WAYS[way]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    from cafe import sample
    from django.core.management import call_command

    for alias in ("default", "archive"):
        call_command("migrate", database=alias, verbosity=0)
    sample.add_sample_data()


def staff() -> str:
    """Return the cookies of a staff member who is logged in."""
    from django.contrib import auth
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.create_superuser("chief")
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}; csrftoken={CSRF}"


def visit(handler: Any, cookies: str, number: int) -> None:
    """The next of the pages, and each form filled in; after some rounds, of those that make classes
    and take little time."""
    from tests.support.client import environ, serve

    headers = {"Cookie": cookies, "X-CSRFToken": CSRF}
    pages = PATHS if number < ROUNDS * len(PATHS) else QUICK
    page = pages[number % len(pages)]
    serve(handler, environ(page, headers=headers))
    if page in FORMS:
        serve(handler, environ(page, "POST", FORMS[page], headers))
    if page.endswith("/guestnote/add/"):
        note = b"author=Ann&text=Warm&written_0=2026-01-01&written_1=10:00"
        serve(handler, environ(page, "POST", note, headers))
        _change_and_delete(handler, headers)


def visit_async(handler: Any, number: int) -> None:
    """The next of the quick pages, on an event loop."""
    from tests.support.client import serve_async

    asyncio.run(serve_async(handler, QUICK[number % len(QUICK)]))


def _change_and_delete(handler: Any, headers: dict[str, str]) -> None:
    from cafe.models import GuestNote

    from tests.support.client import environ, serve

    newest = GuestNote.objects.latest("pk").pk
    for page, form in (("change", b"author=Ben&text=Cold"), ("delete", b"post=yes")):
        serve(handler, environ(f"/admin/cafe/guestnote/{newest}/{page}/", "POST", form, headers))


def counted() -> dict[str, int]:
    """Return how many objects of each class there are: of the application's and Django's classes,
    these classes, their functions, and what Python makes of running and failing code."""
    return dict(Counter(filter(None, map(_named, gc.get_objects()))))


def _named(obj: Any) -> str:
    """What an object is counted as; empty for what may be the tracer's or the program's own."""
    cls = type(obj)
    if cls in RUNNING:
        code = getattr(obj, RUNNING[cls])
        package = str(getattr(obj, "__module__", "")).partition(".")[0]
        is_ours = code.co_filename.startswith((OWN, "<tracer")) or package in OURS
        return "" if is_ours else f"{cls.__name__} {code.co_qualname}"
    if cls is TracebackType:
        return f"traceback in {obj.tb_frame.f_code.co_qualname}"
    if issubclass(cls, type):
        return _foreign("class", obj)
    return _foreign("object", cls) or ("exception" if issubclass(cls, BaseException) else "")


def _foreign(what: str, cls: type) -> str:
    module = str(cls.__module__)
    return "" if module.partition(".")[0] in OURS else f"{what} {module}.{cls.__qualname__}"


FIELDS = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
    "keepcost",
)  # fmt: skip


class Allocated(ctypes.Structure):
    """What C's `mallinfo2` tells of its memory."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


def memory() -> int:
    """Return the bytes in use: of all objects, too, as PYTHONMALLOC=malloc has them from C."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Allocated
    found = ask()
    return int(found.uordblks + found.hblkhd)


def _memory_at_rest() -> int:
    """The same, when no finished request waits for the background thread."""
    watching = tracer.runtime.running()
    if watching is not None:
        watching.handle_recorded()
    gc.collect()
    return memory()


def main(way: str, visits: int, file: str) -> None:
    """Serve so many visits, watched in one of `WAYS`, and write to `file` what is alive."""
    set_up(way)
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

    # In all ways, so that what these modules define is there in all of them.
    import tracer.recording

    watching: Any = contextlib.nullcontext()
    if way.startswith("record()"):
        # By default a recording remembers ten thousand requests, which takes memory on purpose.
        watching = tracer.record(keep=64, watch=["cafe.models.Basket"])
    with watching:
        handler, on_loop, cookies, sizes = WSGIHandler(), ASGIHandler(), staff(), []
        for number in range(visits):
            if way == "settled" and number and number % (visits // 3) == 0:
                tracer.runtime.running().settle()
            if number % (visits // LOOKS) == 0:
                sizes.append(_memory_at_rest())
            visit(handler, cookies, number)
            if number % 7 == 0:
                visit_async(on_loop, number)
            if way == "walked" and number % 50 == 0:
                tracer.runtime.running().walker.run()
        if way == "settled":
            # What holds the kept objects is searched for, among all objects that there are.
            tracer.runtime.running().settle()
        sizes.append(_memory_at_rest())
        found = counted()
    Path(file).write_text(json.dumps({"objects": found, "memory": sizes}), encoding="utf-8")
