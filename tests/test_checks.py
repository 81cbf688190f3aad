"""The system checks: what is wrong with the settings is told, with an id and how to mend it."""

from __future__ import annotations

import os
import py_compile
import sys

import pytest
from django.core import checks as django_checks
from django.test import override_settings

from tracer import checks
from tracer.checks import MIDDLEWARE, check_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No tracer variable from outside."""
    for name in [name for name in os.environ if name.startswith("TRACER_")]:
        monkeypatch.delenv(name)


def found(**tracer: object) -> list[tuple[str, str]]:
    """Check with these `TRACER` keys; return the ids and messages."""
    with override_settings(TRACER=tracer):
        return [(message.id, message.msg) for message in check_settings()]


def test_settings_without_fault_are_passed():
    assert found(ENABLED=True, WATCH=["tracer.conf.Config"]) == []


def test_a_problem_is_a_warning_with_id_and_hint_because_an_error_would_stop_runserver():
    with override_settings(TRACER={"JURNAL": "x"}):
        (message,) = check_settings()
    assert message.level == django_checks.WARNING
    assert message.id == "tracer.W002"
    assert message.hint == "Did you mean 'JOURNAL'?"


def test_registering_twice_registers_once():
    checks.register()
    checks.register()
    registered = [
        check for check in django_checks.registry.registry.get_checks() if check is check_settings
    ]
    assert len(registered) == 1
    with override_settings(TRACER={"nonsense": 1}):
        assert [m.id for m in django_checks.run_checks(tags=["tracer"])] == ["tracer.W002"]


# -- classes to watch -----------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package on the path that was never imported, and breaks if it is."""
    package = tmp_path / "shop_never_imported"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "models.py").write_text(
        "import decimal as money\n"
        "from collections import OrderedDict\n"
        "raise RuntimeError('imported')\n"
        "class Basket:\n    class Line: pass\n"
        "def build(): pass\n"
        "if 1:\n    class Late: pass\n    from x import y as Renamed\n"
        "Alias = Basket\n"
    )
    (package / "stars.py").write_text("from .models import *\n")
    (package / "lazy.py").write_text("def __getattr__(name): pass\n")
    (package / "broken.py").write_text("class (:\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package.name
    assert package.name not in sys.modules


@pytest.mark.parametrize(
    "path",
    [
        "models.Basket",
        "models.OrderedDict",
        "models.Late",
        "models.Renamed",
        "models.Alias",
        "stars.Basket",
        "lazy.Basket",
        "broken.Basket",
    ],
)
def test_a_class_that_its_module_may_define_is_passed_without_an_import(shop, path):
    assert found(WATCH=[f"{shop}.{path}"]) == []


@pytest.mark.parametrize("path", ["models.Bascket", "models.Line", "models.decimal"])
def test_a_class_that_its_module_does_not_define_is_told_without_an_import(shop, path):
    ((id_, message),) = found(WATCH=[f"{shop}.{path}"])
    assert id_ == "tracer.W009"
    assert f"{shop}.models has no {path.partition('.')[2]}" in message


@pytest.mark.parametrize("path", ["nowhere.Basket", "models.Basket.Line", "nowhere.deeper.X"])
def test_a_module_that_does_not_exist_is_reported(shop, path):
    ((id_, message),) = found(WATCH=[f"{shop}.{path}"])
    assert id_ == "tracer.W008"
    assert "there is no module" in message


def test_a_package_that_does_not_exist_is_reported():
    assert [id_ for id_, _ in found(WATCH=["no_such_package_here.models.X"])] == ["tracer.W008"]


def test_in_a_loaded_module_the_class_is_looked_up():
    ids = [id_ for id_, _ in found(WATCH=["tracer.conf.Konfig", "tracer.conf.load"])]
    assert ids == ["tracer.W009", "tracer.W009"]
    assert found(WATCH=["tracer.conf.Problem"]) == []


def test_a_finder_that_raises_breaks_no_check(monkeypatch):
    class Finder:
        def find_spec(self, *arguments: object) -> None:
            raise RuntimeError("no")

    monkeypatch.setattr(sys, "meta_path", [Finder()])
    assert [id_ for id_, _ in found(WATCH=["no_such_package_here.X"])] == ["tracer.W008"]


def test_a_module_without_source_is_left_to_its_import(tmp_path, monkeypatch):
    source = tmp_path / "compiled.py"
    source.write_text("")
    py_compile.compile(str(source), cfile=str(tmp_path / "compiled_alone.pyc"))
    monkeypatch.syspath_prepend(tmp_path)
    assert found(WATCH=["compiled_alone.Basket"]) == []


# -- the journal's directory ----------------------------------------------------------------------


def test_a_directory_that_can_be_made_is_passed_and_not_made(tmp_path):
    assert found(ENABLED=True, JOURNAL=tmp_path / "deep" / "traces") == []
    assert list(tmp_path.iterdir()) == []


def test_a_journal_under_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    ((id_, message),) = found(ENABLED=True, JOURNAL=tmp_path / "file" / "traces")
    assert id_ == "tracer.W010"
    assert "file is not a directory" in message


def test_a_directory_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ((id_, message),) = found(ENABLED=True, JOURNAL=tmp_path / "traces")
    assert id_ == "tracer.W010"
    assert f"{tmp_path} may not be written" in message


def test_where_the_tracer_is_off_its_directory_does_not_matter(tmp_path):
    (tmp_path / "file").write_text("")
    assert found(ENABLED=False, JOURNAL=tmp_path / "file") == []


# -- the middleware -------------------------------------------------------------------------------

OTHER = "django.middleware.common.CommonMiddleware"


@pytest.mark.parametrize("listed", [[], [OTHER], [MIDDLEWARE, OTHER], (MIDDLEWARE,), None])
def test_a_middleware_that_is_first_or_not_listed_is_passed(listed):
    with override_settings(MIDDLEWARE=listed):
        assert found() == []


@pytest.mark.parametrize(
    ("listed", "id_"),
    [
        ([OTHER, MIDDLEWARE], "tracer.W011"),
        ([MIDDLEWARE, OTHER, MIDDLEWARE], "tracer.W012"),
    ],
)
def test_a_middleware_that_is_not_first_or_listed_twice_is_told(listed, id_):
    with override_settings(MIDDLEWARE=listed, TRACER={}):
        (message,) = check_settings()
    assert message.id == id_
    assert "outermost place by itself" in message.hint
