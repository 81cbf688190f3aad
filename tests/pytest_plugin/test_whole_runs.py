"""`pytest --lifecycle` on a suite that knows nothing of it: a correct report, no other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.running import FILES, Ran, project, run

LEAKS = [
    f"test_leak.py::{name}" for name in ("test_leak", "test_leak_again", "test_leak_once_more")
]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The suite without the tracer."""
    return run(project(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The suite under --lifecycle."""
    return run(project(tmp_path_factory.mktemp("followed")), "--lifecycle")


def test_no_outcome_changes(plain: Ran, followed: Ran) -> None:
    """Whatever kind of test it is: function, unittest, transactional, async, live server."""
    assert len(plain.outcomes) == 16
    assert set(plain.outcomes.values()) == {"passed", "failure", "skipped"}
    assert followed.outcomes == plain.outcomes
    assert followed.status == plain.status == 1
    assert "tracer itself failed" not in followed.out


def test_those_that_left_something_behind_are_named_with_its_holder(followed: Ran) -> None:
    """What a client, a fixture, a class or a traceback holds is no such thing."""
    assert list(followed.left) == LEAKS
    for index, test in enumerate(LEAKS):
        (told,) = followed.left[test]
        assert told.startswith("WSGIRequest and ")
        assert told.endswith(f"that it reaches, held by shop.views.RECENT[{index}]")


def test_what_fewer_than_three_tests_leave_in_one_place_is_no_finding(tmp_path: Path) -> None:
    """It may be a memo that each of them filled."""
    ran = run(project(tmp_path), "--lifecycle-fail-on", "kept", "-k", "leak and not more")
    assert (ran.status, ran.left) == (0, {})
    assert "No test left anything of its requests behind." in ran.report


def test_one_test_that_asks_three_times_is_enough(tmp_path: Path) -> None:
    """Each of the three requests left something; the test's name stands above all of it."""
    suite = """
        def test_thrice(client):
            for _ in range(3):
                client.get("/leak/")
    """
    ran = run(project(tmp_path, test_thrice=suite), "--lifecycle", "test_thrice.py")
    (told,) = ran.left["test_thrice.py::test_thrice"]
    assert told.startswith("3 WSGIRequest and ")
    assert told.endswith("held by shop.views.RECENT[…]")


def test_the_report_says_what_it_rests_on(followed: Ran) -> None:
    """How much was seen, and what that took."""
    told = " ".join(followed.report.split())
    assert "16 tests, of which 14 made 22 requests." in told
    assert "a full collection was run and a walk through the heap: " in told
    assert "at least 3 requests for a page (6 where a key leads to it), and at least half" in told
    assert "that fixtures, test classes or tracebacks held for longer." in told
    assert max(map(len, followed.report.splitlines())) <= 80


def test_each_middleware_is_listed_with_its_own_time(followed: Ran) -> None:
    """The slow one comes first, though all time is spent inside it."""
    lines = followed.report.splitlines()
    head = next(index for index, line in enumerate(lines) if "per request" in line)
    names = [line.split()[0] for line in lines[head + 1 : head + 4]]
    assert set(names) == {"Slow", "SessionMiddleware", "AuthenticationMiddleware"}
    slow = next(line for line in lines if line.startswith("Slow"))
    assert slow.split()[1] == "22"
    assert float(slow.split()[-2]) >= 2


def test_workers_send_what_they_found(plain: Ran, tmp_path: Path) -> None:
    """With pytest-xdist, too, and the run fails if that was asked for."""
    spread = ("-n", "2", "--dist", "loadfile")
    ran = run(project(tmp_path), *spread, "--lifecycle-fail-on", "kept")
    assert ran.outcomes == plain.outcomes
    assert list(ran.left) == LEAKS
    assert "16 tests, of which 14 made " in ran.report
    assert "The run fails for that" in ran.report


@pytest.mark.parametrize(
    ("chosen", "status"), [("leak", 1), ("function or unittest or database", 0)]
)
def test_only_what_is_kept_makes_a_run_fail(tmp_path: Path, chosen: str, status: int) -> None:
    """Every test of it has passed."""
    ran = run(project(tmp_path), "--lifecycle-fail-on", "kept", "-k", chosen)
    assert set(ran.outcomes.values()) == {"passed"}
    assert ran.status == status
    assert ("The run fails for that" in ran.report) == bool(status)


def test_what_is_built_on_first_use_is_nobody_s_leak(tmp_path: Path) -> None:
    """Resolvers, templates and a view's queryset: the first request builds them, for all others."""
    suite = """
        import pytest

        @pytest.mark.django_db
        def test_thrice(client):
            for path in ("/page/", "/users/", "/plain/") * 3:
                assert client.get(path).status_code == 200
    """
    directory = project(tmp_path, test_first_use=suite)
    ran = run(directory, "--lifecycle-fail-on", "kept", "test_first_use.py")
    assert (ran.status, ran.left) == (0, {})
    assert "No test left anything of its requests behind." in ran.report


def test_a_form_and_a_missing_page_are_nobody_s_leak(tmp_path: Path) -> None:
    """Django remembers the engine of its forms, and builds another for each page not found."""
    pages = """
        from django import forms
        from django.http import HttpResponse
        from django.urls import path


        class Order(forms.Form):
            dish = forms.CharField()


        urlpatterns = [path("form/", lambda request: HttpResponse(Order().as_p()))]
    """
    suite = """
        def test_form(client):
            for _ in range(3):
                assert client.get("/form/").status_code == 200


        def test_missing(client):
            for _ in range(3):
                assert client.get("/nowhere/").status_code == 404
    """
    directory = project(tmp_path, test_pages=suite, **{"shop/urls": pages})
    ran = run(directory, "--lifecycle-fail-on", "kept", "test_pages.py")
    assert set(ran.outcomes.values()) == {"passed"}
    assert (ran.status, ran.left) == (0, {})


def test_a_response_that_nobody_reads_is_counted_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    """Nobody closes it, so its request is under way until the run is over."""
    pages = """
        from django.http import StreamingHttpResponse
        from django.urls import path

        urlpatterns = [path("stream/", lambda request: StreamingHttpResponse(iter([b"a"])))]
    """
    suite = """
        def test_unread(client):
            assert client.get("/stream/").streaming
    """
    directory = project(tmp_path, test_stream=suite, **{"shop/urls": pages})
    ran = run(directory, "--lifecycle-fail-on", "kept", "test_stream.py")
    assert (ran.status, ran.left) == (0, {})
    assert "1 test, of which 1 made 1 request." in ran.report
    assert "Nothing is known of test_stream.py::test_unread" in ran.report


def test_a_suite_without_django_gets_one_line(tmp_path: Path) -> None:
    """And nothing else."""
    (tmp_path / "test_plain.py").write_text("def test_plain(): pass\n")
    ran = run(tmp_path, "--lifecycle", "-p", "no:django")
    assert ran.status == 0
    assert ran.report == ""
    told = [line for line in ran.out.splitlines() if "lifecycle" in line]
    assert told == [
        "request lifecycle: No Django was set up in this run, so there was nothing to record."
    ]


def test_what_an_object_says_at_its_end_is_laid_at_nobody_s_door(tmp_path: Path) -> None:
    """The tracer's collection must not make the next test fail where warnings are errors."""
    suite = """
        import gc

        # Or a collection of Python's own may come first, and that is the next test's.
        gc.disable()


        class Complaining:
            def __init__(self):
                self.me = self

            def __del__(self):
                raise ValueError("complains")


        def test_one(client):
            client.get("/page/").complaint = Complaining()


        def test_two(client):
            client.get("/plain/")
    """
    directory = project(tmp_path, test_ends=suite)
    ran = run(directory, "--lifecycle", "-W", "error", "test_ends.py")
    assert ran.outcomes == {"test_ends.test_one": "passed", "test_ends.test_two": "passed"}
    assert ran.status == 0
    assert "complains" not in ran.out + ran.err


def test_a_fault_of_the_tracer_s_is_one_line(plain: Ran, tmp_path: Path) -> None:
    """Wherever it happens, the tests go on as they were."""
    broken = """
        import tracer.pytest_plugin.attribution

        def end(self):
            raise LookupError("broken")

        tracer.pytest_plugin.attribution.Attribution.end = end
    """
    ran = run(project(tmp_path, conftest=broken), "--lifecycle")
    assert ran.outcomes == plain.outcomes
    assert ran.out.count("The tracer itself failed (end: LookupError: broken).") == 1
    assert "Traceback" not in ran.report


def test_a_suite_that_sets_django_up_by_itself_is_followed(tmp_path: Path) -> None:
    """Without pytest-django, as late as in a test's module, and without a settings file."""
    (tmp_path / "test_late.py").write_text(
        "import django\n"
        "from django.conf import settings\n"
        "from django.http import HttpResponse\n"
        "from django.urls import path\n"
        "settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'])\n"
        "django.setup()\n"
        "from django.test import Client\n"
        "urlpatterns = [path('', lambda request: HttpResponse('late'))]\n"
        "def test_late():\n"
        "    assert Client().get('/').content == b'late'\n"
    )
    ran = run(tmp_path, "--lifecycle", "-p", "no:django")
    assert ran.status == 0
    assert "1 test, of which 1 made 1 request." in ran.report


def test_a_suite_that_does_not_ask_pays_nothing(tmp_path: Path) -> None:
    """Nothing of the tracer but the plugin itself is loaded, and no Django."""
    (tmp_path / "test_idle.py").write_text(
        "import sys\n"
        "def test_idle():\n"
        "    mine = sorted(n for n in sys.modules if n.partition('.')[0] in ('tracer', 'django'))\n"
        "    plugin = 'tracer.pytest_plugin'\n"
        "    assert mine == ['tracer', plugin, f'{plugin}.plugin']\n"
        "    assert 'rich' not in sys.modules\n"
    )
    ran = run(tmp_path, "-p", "no:django")
    assert ran.status == 0, ran.out


def test_repetitions_are_one_test(tmp_path: Path) -> None:
    """A plugin that runs a test again, around the same protocol, is inside the same account."""
    again = """
        import pytest
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            runtestprotocol(item, nextitem=nextitem, log=False)
            runtestprotocol(item, nextitem=nextitem, log=True)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """
    ran = run(project(tmp_path, conftest=again), "--lifecycle", "test_leak.py")
    assert "3 tests, of which 3 made 8 requests." in ran.report
    assert list(ran.left) == LEAKS
    assert [lines[0].split()[0] for lines in ran.left.values()] == ["2", "2", "2"]


def test_the_shop_is_no_friend_of_the_tracer() -> None:
    """The app is not installed there, and no file of the suite knows of it."""
    assert not [name for name, text in FILES.items() if "tracer" in text]
