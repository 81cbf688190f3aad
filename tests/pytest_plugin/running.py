"""A shop with a suite of every kind of test, and runs of it in processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]

FILES = {
    "pytest.ini": """
        [pytest]
        DJANGO_SETTINGS_MODULE = shop_settings
        pythonpath = .
        filterwarnings =
            error
            ignore:unclosed database in <sqlite3:ResourceWarning
    """,
    "shop_settings.py": """
        SECRET_KEY = "for the tests"
        ROOT_URLCONF = "shop.urls"
        ALLOWED_HOSTS = ["*"]
        USE_TZ = True
        STATIC_URL = "/static/"
        INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes",
                          "django.contrib.sessions", "shop"]
        MIDDLEWARE = ["shop.views.Slow",
                      "django.contrib.sessions.middleware.SessionMiddleware",
                      "django.contrib.auth.middleware.AuthenticationMiddleware"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates",
                      "APP_DIRS": True}]
    """,
    "shop/__init__.py": "",
    "shop/templates/page.html": "{{ word }}",
    "shop/urls.py": """
        from django.urls import path
        from shop import views

        urlpatterns = [path("plain/", views.plain), path("page/", views.page),
                       path("leak/", views.leak), path("async/", views.later),
                       path("welcome/", views.page),
                       path("users/", views.Users.as_view())]
    """,
    "shop/views.py": """
        import time
        from django.contrib.auth.models import User
        from django.http import HttpResponse
        from django.shortcuts import render
        from django.views.generic import ListView

        RECENT = []


        class Slow:
            def __init__(self, get_response):
                self.get_response = get_response

            def __call__(self, request):
                time.sleep(0.002)
                return self.get_response(request)


        def plain(request):
            return HttpResponse("plain")


        def page(request):
            return render(request, "page.html", {"word": "page"})


        def leak(request):
            RECENT.append(request)
            return HttpResponse("leak")


        async def later(request):
            return HttpResponse("later")


        class Users(ListView):
            queryset = User.objects.all()
            template_name = "page.html"
    """,
    "test_shop.py": """
        import asyncio
        import threading
        import urllib.request
        import pytest
        from django.test import AsyncClient, Client, TestCase, TransactionTestCase


        def test_nothing():
            pass


        def test_function(client):
            response = client.get("/page/")
            assert response.context is not None


        @pytest.mark.django_db
        def test_database(client):
            assert client.get("/users/").status_code == 200


        @pytest.fixture(scope="session")
        def shared():
            return Client().get("/page/")


        def test_wide_fixture(shared):
            assert shared.status_code == 200


        class Everyone(TestCase):
            @classmethod
            def setUpTestData(cls):
                cls.first = [Client().get("/welcome/") for _ in range(3)]

            def setUp(self):
                self.response = self.client.get("/plain/")

            def test_unittest(self):
                self.assertEqual(self.response.status_code, 200)

            async def test_async_case(self):
                self.assertEqual((await self.async_client.get("/async/")).status_code, 200)


        class Committed(TransactionTestCase):
            def test_transactional(self):
                self.client.get("/users/")


        def test_failing(client):
            response = client.get("/page/")
            assert response.status_code == 404


        @pytest.mark.xfail(strict=True)
        def test_expected_to_fail(client):
            assert client.get("/plain/").status_code == 404


        @pytest.mark.skip(reason="not today")
        def test_skipped(client):
            client.get("/plain/")


        def test_live_server(live_server):
            assert urllib.request.urlopen(f"{live_server.url}/plain/").read() == b"plain"


        def test_on_a_loop():
            async def ask():
                return await AsyncClient().get("/async/")

            assert asyncio.run(ask()).status_code == 200


        def test_threads():
            clients = [threading.Thread(target=lambda: Client().get("/plain/")) for _ in range(4)]
            for each in clients:
                each.start()
            for each in clients:
                each.join()
    """,
    "test_leak.py": """
        def test_leak(client):
            client.get("/leak/")


        def test_leak_again(client):
            client.get("/plain/")
            client.get("/leak/")


        def test_leak_once_more(client):
            client.get("/leak/")
    """,
}


def project(directory: Path, **more: str) -> Path:
    """Write the shop and its suite into a directory; `more` are files by their stems."""
    files = FILES | {f"{stem}.py": text for stem, text in more.items()}
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return directory


@dataclass
class Ran:
    """One run of a suite."""

    status: int
    out: str
    err: str
    outcomes: dict[str, str]

    @property
    def report(self) -> str:
        """What the plugin had to say, without what follows it."""
        until = r"\n(?==+ |\d+ (?:passed|failed))"
        found = re.search(f"=+ request lifecycle =+\n(.*?){until}", self.out, re.DOTALL)
        return found.group(1) if found else ""

    @property
    def left(self) -> dict[str, list[str]]:
        """Test to what it left behind, as reported."""
        told: dict[str, list[str]] = {}
        for line in self.report.splitlines():
            if told and not line:
                break
            if re.match(r"  \S+::", line):
                told[line.strip()] = []
            elif line.startswith("    ") and told:
                told[list(told)[-1]].append(line.strip())
        return told


def run(directory: Path, *arguments: str, timeout: float = 300) -> Ran:
    """Run the suite in a process of its own; `timeout` in seconds."""
    settled = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    for name in ("COVERAGE_PROCESS_START", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        settled.pop(name, None)
    settled |= {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    outcomes = directory / "outcomes.xml"
    plugins = ("-p", "tracer.pytest_plugin", "-p", "no:randomly", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, f"--junitxml={outcomes}", *arguments],
        cwd=directory, env=settled, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr, _outcomes(outcomes))


def _outcomes(path: Path) -> dict[str, str]:
    """Test to its outcome."""
    found: dict[str, str] = {}
    if not path.exists():
        return found
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = [each.tag for each in case if each.tag in ("failure", "error", "skipped")]
        found[f"{case.get('classname')}.{case.get('name')}"] = "".join(kinds) or "passed"
    return found
