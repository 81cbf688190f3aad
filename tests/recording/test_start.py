"""Programs of their own: what `import tracer` loads, and what record() says without Django."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own."""
    settled = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    settled.pop("COVERAGE_PROCESS_START", None)
    settled["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "demo_project")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=settled | environ, capture_output=True, text=True, timeout=180, cwd=ROOT,
    )  # fmt: skip


def test_importing_the_package_imports_neither_django_nor_rich() -> None:
    """Whoever imports it for its version pays for its version."""
    ran = run(
        "import sys, tracer\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'django', 'rich', 'asgiref'}), tracer.__version__)\n"
    )
    assert ran.stdout.startswith("[] "), ran.stderr


def test_without_settings_the_mend_is_named() -> None:
    """One sentence, and no traceback of Django's."""
    ran = run("from tracer import record\nwith record(): pass")
    assert "RecordingError: Django has no settings yet: set DJANGO_SETTINGS_MODULE" in ran.stderr


def test_without_setup_the_mend_is_named() -> None:
    """Settings alone are not enough."""
    ran = run(
        "from tracer import record\nwith record(): pass", DJANGO_SETTINGS_MODULE="tests.settings"
    )
    assert "RecordingError: Django is not set up yet: call django.setup()" in ran.stderr


def test_a_shell_needs_nothing_but_django() -> None:
    """No test, no installed app: settings of five lines."""
    ran = run("""
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("hello"))]
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["example.org"])
django.setup()
from tracer import record
with record() as recording:
    recording.get("/")
    recording.get("/")
print(recording.lifetime_of("WSGIHandler").scope, recording.request().status)
print(recording.timeline())
""")
    assert ran.stderr == ""
    assert ran.stdout.startswith("process 200\n GET /  200 OK")
