"""Taken away or never switched on, the tracer is as good as not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.promises import site as views
from tests.support.client import Recording, environ, serve
from tests.support.programs import run
from tracer import runtime


@pytest.mark.django_db
def test_a_chain_built_before_an_uninstall_works_on() -> None:
    """A server keeps its handler; its wrappers must see for themselves that nobody watches."""
    with Recording() as recording:
        handler = recording.handler
        during = recording.get("/hello/")
    afterwards = serve(handler, environ("/hello/"))
    assert (afterwards.status, afterwards.body) == (during.status, during.body)
    assert len(recording.tracer.recorder.finished) == 0
    assert recording.tracer.recorder.in_flight == {}


@pytest.mark.django_db
def test_a_chain_built_before_an_uninstall_serves_the_next_tracer() -> None:
    """Stages of such a chain's own are nobody's; the request itself is recorded once."""
    with Recording() as first:
        handler = first.handler
    with Recording() as second:
        assert serve(handler, environ("/hello/")).status == 200
        assert [request.path for request in second.process.requests] == ["/hello/"]


@pytest.mark.django_db
def test_a_request_in_flight_during_the_uninstall_ends_well(settings: Any) -> None:
    """What it called before the uninstall returns through wrappers that are no longer installed."""
    settings.ROOT_URLCONF = "tests.promises.site"
    with Recording() as recording:
        handler: Callable[..., Any] = WSGIHandler()
        views.during_request = runtime.stop
        try:
            answer = serve(handler, environ("/during/"))
        finally:
            views.during_request = None
        del recording
    assert (answer.status, answer.body) == (200, b"done")


LOOK = """
import django, gc, importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
django.setup()
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
import cafe.views, cafe.kitchen, cafe.surprises
WSGIHandler(), ASGIHandler()
from tests.promises.state import owners, PACKAGES
for path, owner in owners():
    if path.startswith("tests"):
        continue
    for name, value in sorted(vars(owner).items()):
        if callable(value) or isinstance(value, (classmethod, staticmethod, property)):
            code = getattr(value, "__code__", None)
            where = f"{{code.co_filename}}:{{code.co_firstlineno}}" if code else ""
            print(path, name, type(value).__name__, getattr(value, "__qualname__", ""), where)
print("listeners", [type(each).__module__ for each in gc.callbacks])
print("finders", [getattr(each, "__module__", "") for each in sys.meta_path])
print("middleware", settings.MIDDLEWARE)
"""


def test_switched_off_the_tracer_patches_nothing() -> None:
    """`"ENABLED": False`: Django with the app is, attribute by attribute, Django without it."""
    # Being installed imports a little more of Django; what is compared is what both have loaded.
    loaded = sorted(name for name in sys.modules if name.startswith(("concurrent.", "asgiref.")))
    modules = ["django.core.checks", "django.core.handlers.asgi", "concurrent.futures", *loaded]
    look = LOOK.format(modules=modules)
    off = "TRACER = {'ENABLED': False}\nDEBUG = True"
    without = run(look, f"{off}\nINSTALLED_APPS = [a for a in INSTALLED_APPS if a != 'tracer']")
    switched_off = run(look, off)
    switched_on = run(look, "TRACER = {'ENABLED': True, 'CONSOLE': False}")
    bare = set(without.stdout.splitlines())
    assert len(bare) > 10_000
    assert not set(without.stdout.splitlines()) ^ set(switched_off.stdout.splitlines())
    patched = set(switched_on.stdout.splitlines()) - bare
    assert len(patched) > 50, "this test would see nothing"
    assert any("listeners" in line for line in patched)
