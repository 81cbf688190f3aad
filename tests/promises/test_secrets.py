"""Nothing secret is recorded: not in the journal, not on the console, not for a moment."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from tests.support.client import environ, serve
from tracer import runtime
from tracer.conf import Config
from tracer.model import stages

CANARY = "canary-7f3a"


@csrf_exempt
def spill(request: HttpRequest, number: int) -> HttpResponse:
    """A view that handles secrets in every way that a view can."""
    from django.contrib.auth.models import User
    from django.db import connection

    User.objects.filter(username=f"{CANARY}-parameter").count()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT '{CANARY}-literal'")
    cache.set(f"{CANARY}-key", f"{CANARY}-value")
    cache.get(f"{CANARY}-key")
    request.session[f"{CANARY}-name"] = f"{CANARY}-value"
    body = f"{CANARY}-answer {request.POST.get('password', '')}"
    response = HttpResponse(body, headers={"X-Secret": f"{CANARY}-header-out"})
    response.set_cookie("token", f"{CANARY}-cookie-out")
    return response


def fail(request: HttpRequest) -> HttpResponse:
    """Raises an error whose text is a secret."""
    raise ValueError(f"{CANARY}-message")


urlpatterns = [
    path("spill/<int:number>/", spill),
    path("fail/", fail),
    path("", include("cafe_site.urls")),
]


@pytest.fixture
def everything(db: None, tmp_path: Path) -> Iterator[tuple[io.StringIO, Path]]:
    """The tracer drawing on a stream and writing a journal."""
    drawn = io.StringIO()
    with override_settings(
        ROOT_URLCONF=__name__, SECRET_KEY=f"{CANARY}-setting", PRIVATE=f"{CANARY}-setting"
    ):
        yield drawn, tmp_path / "journal"
        runtime.stop()


def run(drawn: io.StringIO, journal: Path, **options: bool) -> tuple[str, str]:
    """Serve requests full of secrets; return what was drawn and what was written."""
    from django.core.handlers.wsgi import WSGIHandler

    config = Config(enabled=True, console=True, journal=journal, **options)
    runtime.start(config, stream=drawn)
    handler = WSGIHandler()
    headers = {
        "Authorization": f"Bearer {CANARY}-token",
        "Cookie": f"sessionid={CANARY}-session; other={CANARY}-cookie",
        "X-Api-Key": f"{CANARY}-api-key",
        "User-Agent": f"{CANARY}-agent",
        "Referer": f"http://x/{CANARY}-referer",
    }
    form = f"password={CANARY}-password&{CANARY}-field=1".encode()
    env = environ(f"/spill/42/?search={CANARY}-query&{CANARY}-bare", "POST", form, headers)
    serve(handler, environ(f"/spill/41/?search={CANARY}-query&{CANARY}-bare", headers=headers))
    assert f"{CANARY}-password".encode() in serve(handler, env).body
    serve(handler, environ("/fail/", headers=headers))
    runtime.stop()
    written = "".join(file.read_text() for file in journal.iterdir())
    return drawn.getvalue(), written


def test_no_header_cookie_form_parameter_key_or_setting_leaves_the_process(
    everything: tuple[io.StringIO, Path],
) -> None:
    """A canary in each of them is nowhere in what was drawn and written; the path is in both."""
    drawn, written = run(*everything)
    for text in (drawn, written):
        assert "/spill/41/" in text
        assert "search=" in text
        assert "ValueError" in text
        assert CANARY not in text


def test_query_values_and_cache_keys_are_shown_where_the_settings_allow_it(
    everything: tuple[io.StringIO, Path],
) -> None:
    """Those two, and still nothing else."""
    _, written = run(*everything, query_values=True, cache_keys=True)
    assert f"search={CANARY}-query" in written
    assert f"{CANARY}-key" in written
    allowed = (f"{CANARY}-query", f"{CANARY}-key", f"{CANARY}-bare")
    for secret in allowed:
        written = written.replace(secret, "")
    assert CANARY not in written


def test_a_cache_key_that_nobody_asked_for_is_not_recorded_for_a_moment(
    everything: tuple[io.StringIO, Path],
) -> None:
    """Not even in memory, until the worker thread takes it."""
    from django.core.handlers.wsgi import WSGIHandler

    recorder = runtime.start(Config(enabled=True, console=False)).recorder
    recorder.on_finish = lambda: None
    serve(WSGIHandler(), environ("/spill/41/"))
    (trace,) = recorder.finished
    operations = [what for what in trace.events[2::3] if what[0] == stages.CACHE]
    assert [what[2] for what in operations] == ["set", "get"]
    assert CANARY not in repr(operations)
