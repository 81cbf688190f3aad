"""The stages of a process's boot: each has its name, in the order in which they ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bootstrap.projects import DEMO, ROOT, plain, run, stages, startproject, traced
from tracer.bootstrap.environment import environment
from tracer.journal.reader import processes

APPS = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
WITH_MODELS = ["admin", "auth", "contenttypes", "sessions"]
WITH_READY = ["admin", "auth", "contenttypes", "messages", "staticfiles"]
MIDDLEWARE = [
    "XFrameOptionsMiddleware",
    "MessageMiddleware",
    "AuthenticationMiddleware",
    "CsrfViewMiddleware",
    "CommonMiddleware",
    "SessionMiddleware",
    "SecurityMiddleware",
]
"""As a new project has them, in the order in which they are built: the last of the list first."""

REQUEST = """
import io, sys
from {module} import application
def ask():
    environ = {{"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80",
               "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
               "wsgi.errors": sys.stderr, "HTTP_HOST": "localhost"}}
    body = application(environ, lambda *answer: None)
    list(body)
    body.close()
ask()
ask()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project, without a line of it edited."""
    return startproject(tmp_path / "project")


def test_a_new_project_is_traced_without_a_line_of_it_edited(project: Path, tmp_path: Path) -> None:
    """Settings, setup with each app, models and ready, and the URLconf that the checks import."""
    process = traced("manage.py", "check", cwd=project, journal=tmp_path / "traces")
    found = stages(process.boot)
    apps = [("app", f"django.contrib.{name}") for name in APPS]
    assert found[1:] == [
        ("settings", "mysite.settings"),
        ("setup", "django.setup"),
        *apps,
        *(("models", name) for name in WITH_MODELS),
        *(("ready", name) for name in WITH_READY),
        ("urlconf", "mysite.urls"),
    ]
    assert found[0][0] == "interpreter"
    assert (process.about.server, process.about.mode) == ("command", "check")
    assert (process.about.urlconf, process.about.application) == ("mysite.urls", "mysite.settings")
    assert (process.served, process.ended) == (0, True)


def test_stages_nest_as_the_calls_nest_and_follow_one_another(
    project: Path, tmp_path: Path
) -> None:
    """Every stage lies within the one that called it, and none begins before the interpreter."""
    boot = traced("manage.py", "check", cwd=project, journal=tmp_path / "traces").boot
    assert boot is not None
    for span in boot.spans:
        assert 0 <= span.start <= span.end
        outer = boot.spans[span.parent] if span.parent is not None else None
        if span.stage in ("app", "models", "ready"):
            assert outer is not None
            assert outer.stage == "setup"
        if outer is not None:
            assert outer.start <= span.start <= span.end <= outer.end


def test_the_handler_and_each_middleware_are_stages_of_the_boot(
    project: Path, tmp_path: Path
) -> None:
    """The URLconf is not: the first request imports it, and has it in its timeline."""
    code = REQUEST.format(module="mysite.wsgi")
    process = traced("-c", code, cwd=project, journal=tmp_path / "traces")
    found = stages(process.boot)
    handler = found.index(("handler", "WSGIHandler"))
    assert found[handler + 1 :] == [("middleware", name) for name in MIDDLEWARE]
    assert process.boot is not None
    built = [span for span in process.boot.spans if span.stage in ("handler", "middleware")]
    assert {process.boot.spans[span.parent or 0] for span in built[1:]} == {built[0]}
    names = {life.id: life.name for life in process.lifetimes}
    assert [names[span.object or 0] for span in built] == [span.name for span in built]
    first, second = process.requests
    (urlconf,) = [span for span in first.spans if span.stage == "urlconf"]
    assert urlconf.name == "mysite.urls"
    assert first.spans[urlconf.parent or 0].stage == "resolve"
    assert not [span for span in second.spans if span.stage == "urlconf"]
    assert "mysite.urls" in first.imports
    assert "mysite.urls" not in [module.name for module in process.boot.heaviest]


def test_settings_are_read_within_setup_where_nobody_asked_for_them_before(
    project: Path, tmp_path: Path
) -> None:
    """In `import django; django.setup()` the call runs before it can be wrapped."""
    code = "import django; django.setup()"
    extra = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    boot = traced("-c", code, cwd=project, journal=tmp_path / "traces", **extra).boot
    assert boot is not None
    found = stages(boot)
    assert found[1:3] == [("setup", "django.setup"), ("settings", "mysite.settings")]
    settings = next(span for span in boot.spans if span.stage == "settings")
    assert boot.spans[settings.parent or 0].stage == "setup"


def test_modules_are_counted_without_the_tracers_own(project: Path, tmp_path: Path) -> None:
    """Each module that the application imported is in the log once."""
    code = """
import django, sys
django.setup()
from tracer.recorder import boot
log = boot.current_boot().log
names = [name for name, own, total in log.modules]
ours = ("tracer", "rich", "markdown_it", "pygments")
assert not [name for name in names if name.split(".")[0] in ours]
assert len(set(names)) == len(names) == boot.current_boot().to_boot().modules
assert {"django", "django.db.models", "mysite.settings", "asyncio"} <= set(names)
assert all(0 <= own <= total for name, own, total in log.modules)
assert log.clock.paused > 0
"""
    extra = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    boot = traced("-c", code, cwd=project, journal=tmp_path / "traces", **extra).boot
    assert boot is not None
    assert boot.modules > 300
    assert sum(module.own for module in boot.heaviest) <= boot.importing
    assert [m.own for m in boot.heaviest] == sorted((m.own for m in boot.heaviest), reverse=True)
    assert boot.watching > 0


def test_the_demo_boots_with_the_tracer_among_its_apps_and_nothing_happens_twice(
    tmp_path: Path,
) -> None:
    """The tracer's own app is no stage of the boot, and its time is in no stage."""
    extra = {"CAFE_DATABASE": str(tmp_path / "cafe.sqlite3")}
    process = traced("manage.py", "check", cwd=DEMO, journal=tmp_path / "traces", **extra)
    found = stages(process.boot)
    apps = [name.rpartition(".")[2] for stage, name in found if stage == "app"]
    assert apps == [*APPS, "cafe"]
    assert [name for stage, name in found if stage == "models"] == [*WITH_MODELS, "cafe"]
    assert [name for stage, name in found if stage == "ready"] == [*WITH_READY, "cafe"]
    for stage in ("interpreter", "settings", "setup", "urlconf"):
        assert [name for name, _ in found].count(stage) == 1


def test_a_stage_that_fails_says_with_what_and_the_error_is_the_same(
    project: Path, tmp_path: Path
) -> None:
    """An app that cannot be imported ends `setup` in both cases with the same last line."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + "INSTALLED_APPS += ['no_such_app']\n")
    journal = tmp_path / "traces"
    without = run("manage.py", "check", cwd=project, env=plain())
    within = run("manage.py", "check", cwd=project, env=environment(plain(), journal=journal))
    assert within.returncode == without.returncode != 0
    assert within.stderr.splitlines()[-1] == without.stderr.splitlines()[-1]
    assert not journal.exists()


def test_after_the_boot_nothing_of_it_stays_patched(project: Path, tmp_path: Path) -> None:
    """When the apps are ready, all patches are undone; when the tracer stops, the log is too."""
    code = """
import sys, django
finders = [f for f in sys.meta_path if type(f).__module__ == "tracer_import_log"]
assert len(finders) == 1
django.setup()
from django.apps import config, registry
from django.conf import Settings
from django.contrib.admin.apps import AdminConfig
for owner, name in ((django, "setup"), (Settings, "__init__"), (registry.Apps, "populate"),
                    (config.AppConfig, "create"), (config.AppConfig, "import_models")):
    found = vars(owner)[name]
    found = getattr(found, "__func__", found)
    assert found.__code__.co_filename.startswith(django.__path__[0]), (owner, name)
assert "ready" not in vars(AdminConfig) or "django" in AdminConfig.ready.__code__.co_filename
from tracer import runtime
from importlib.machinery import ModuleSpec
assert runtime.running() is not None
runtime.stop()
assert not [f for f in sys.meta_path if type(f).__module__.startswith("tracer")]
assert "_initializing" not in vars(ModuleSpec)
import wave
assert "_initializing" in vars(wave.__spec__)
print("as it was")
"""
    env = environment(
        plain(DJANGO_SETTINGS_MODULE="mysite.settings"), journal=tmp_path / "traces", console=False
    )
    done = run("-c", code, cwd=project, env=env)
    assert (done.stdout, done.stderr) == ("as it was\n", "")


def test_without_the_bootstrap_there_is_no_boot(tmp_path: Path) -> None:
    """An app in INSTALLED_APPS is loaded too late to see it, so the journal has no boot."""
    journal = tmp_path / "traces"
    code = REQUEST.format(module="cafe_site.wsgi")
    env = plain(
        PYTHONPATH=str(ROOT),
        DJANGO_SETTINGS_MODULE="cafe_site.settings",
        CAFE_DATABASE=str(tmp_path / "cafe.sqlite3"),
        TRACER_JOURNAL=str(journal),
        TRACER_CONSOLE="0",
    )
    done = run("-c", code, cwd=DEMO, env=env)
    assert done.returncode == 0, done.stderr
    (process,) = processes(journal)
    assert process.boot is None
    assert process.served == 2
    about = process.about
    assert (about.urlconf, about.application) == ("cafe_site.urls", "cafe_site.settings")
