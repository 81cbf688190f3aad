"""A project of two files that tells what surrounds it, where every user can read it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tracer.servers import Server

SETTINGS = """\
SECRET_KEY = "for a test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["tracer"]
ROOT_URLCONF = "little_urls"
"""
URLS = """\
import builtins, os, sys
from django.http import HttpRequest, JsonResponse
from django.urls import path

def tell(request: HttpRequest, name: str) -> JsonResponse:
    return JsonResponse({
        "value": os.environ.get(name),
        "uid": os.geteuid(),
        "python": "%d.%d" % sys.version_info[:2],
        "started": getattr(builtins, "started_early", None),
        "django": sys.modules["django"].__file__,
        "tracer": sys.modules["tracer"].__file__,
        "query": request.GET.get("q"),
        "path": request.path,
        "host": request.get_host(),
        "scheme": request.scheme,
    })

urlpatterns = [path("tell/<str:name>", tell)]
"""
STARTUP = "import builtins, sys\nbuiltins.started_early = 'django' not in sys.modules\n"
"""A sitecustomize.py: it is run by every Python that finds it on its PYTHONPATH at its start."""


@contextmanager
def project(settings: str = SETTINGS, mode: int = 0o755) -> Iterator[Path]:
    """A directory with the project in it; unlike pytest's own, others may enter it."""
    with tempfile.TemporaryDirectory(prefix="little-") as name:
        directory = Path(name)
        files = {
            "little_settings.py": settings,
            "little_urls.py": URLS,
            "startup/sitecustomize.py": STARTUP,
        }
        for path, text in files.items():
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text(text)
            (directory / path).chmod(0o644)
        (directory / "startup").chmod(0o755)
        directory.chmod(mode)
        yield directory


def told(server: Server, name: str = "PATH", query: str = "") -> dict[str, Any]:
    """What the application says of itself and of the environment variable `name`."""
    reply = server.get(f"/tell/{name}{query}")
    assert reply.status == 200, server.log()
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def at_start(directory: Path) -> dict[str, str]:
    """The environment with which the project's own sitecustomize.py is found first."""
    rest = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(directory / "startup"), rest]))}


@contextmanager
def odd_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything temporary lies below a directory whose name has spaces and quotes in it."""
    with tempfile.TemporaryDirectory(prefix="odd-") as name:
        place = Path(name) / "a \"b\" 'c' d"
        place.mkdir()
        for path in (Path(name), place):
            path.chmod(0o755)
        with monkeypatch.context() as change:
            change.setattr(tempfile, "tempdir", str(place))
            yield
