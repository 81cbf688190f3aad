"""A Django project of two files whose view reports its environment; every account can read it."""

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
ROOT_URLCONF = "small_urls"
"""
URLS = """\
import builtins, os, sys
from django.http import HttpRequest, JsonResponse
from django.urls import path

def report(request: HttpRequest, name: str) -> JsonResponse:
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

urlpatterns = [path("report/<str:name>", report)]
"""
STARTUP = "import builtins, sys\nbuiltins.started_early = 'django' not in sys.modules\n"
"""A sitecustomize.py, which Python runs at its start if its directory is on PYTHONPATH."""


@contextmanager
def project(settings: str = SETTINGS, mode: int = 0o755) -> Iterator[Path]:
    """Makes a directory with the project; other accounts may enter it, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="small-") as name:
        directory = Path(name)
        files = {
            "small_settings.py": settings,
            "small_urls.py": URLS,
            "startup/sitecustomize.py": STARTUP,
        }
        for path, text in files.items():
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text(text)
            (directory / path).chmod(0o644)
        (directory / "startup").chmod(0o755)
        directory.chmod(mode)
        yield directory


def ask_about(server: Server, name: str = "PATH", query: str = "") -> dict[str, Any]:
    """Returns what the application reports of itself and of the environment variable `name`."""
    reply = server.get(f"/report/{name}{query}")
    assert reply.status == 200, server.log()
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def startup_environment(directory: Path) -> dict[str, str]:
    """Returns the variables with which Python finds the project's sitecustomize.py first."""
    rest = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(directory / "startup"), rest]))}


@contextmanager
def odd_temporary_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts all temporary files below a directory whose name has spaces and quotes."""
    with tempfile.TemporaryDirectory(prefix="odd-") as name:
        place = Path(name) / "a \"b\" 'c' d"
        place.mkdir()
        for path in (Path(name), place):
            path.chmod(0o755)
        with monkeypatch.context() as change:
            change.setattr(tempfile, "tempdir", str(place))
            yield
