"""Finding Apache, and every reason why it cannot be used, each with what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tracer.servers import RECIPES, Availability
from tracer.servers.apache import discovery
from tracer.servers.apache.accounts import Account
from tracer.servers.apache.discovery import PYTHON, Apache

STRANGER = Account("stranger", 54321, 54321, frozenset({54321}), Path("/"))


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that counts as Apache's modules, with a program beside it."""
    program = tmp_path / "apache2"
    program.write_text("#!/bin/sh\necho 'Server version: Apache/2.4.99 (Test)'\n")
    program.chmod(0o755)
    place = tmp_path / "modules"
    place.mkdir()
    for name in ("mpm_event", "mpm_prefork", "authz_core", "alias", "env", "cgid"):
        (place / f"mod_{name}.so").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(discovery, "MODULE_DIRECTORIES", (str(place),))
    monkeypatch.setattr(discovery.accounts, "serving_account", lambda: STRANGER)
    monkeypatch.setattr(discovery, "unreadable", lambda *_: "")
    return place


def test_without_apache_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recipe for Apache does."""
    monkeypatch.setattr(discovery, "MODULE_DIRECTORIES", ())
    for name, recipe in RECIPES.items():
        if name.startswith("apache-"):
            assert recipe.available() == Availability(
                False, "Apache is not installed: apt install apache2"
            )


def test_without_a_module_it_says_which_package_has_it(modules: Path) -> None:
    """It is the module's package, not Apache's."""
    for name, module, package in (
        ("apache-mod_wsgi-daemon", "wsgi", "libapache2-mod-wsgi-py3"),
        ("apache-mod_python", "python", "libapache2-mod-python"),
        ("apache-fcgi", "fcgid", "libapache2-mod-fcgid"),
    ):
        assert RECIPES[name].available() == Availability(
            False, f"Apache's mod_{module} is not installed: apt install {package}"
        )


def test_a_module_for_another_python_is_an_error_with_both_versions(modules: Path) -> None:
    """It cannot import this environment's compiled modules."""
    linked = b"\0libpython3.9.so.1.0\0\0" + b"4.9.4\0mod_wsgi/%s\0Python/%d.%d\0"
    (modules / "mod_wsgi.so").write_bytes(linked)
    assert RECIPES["apache-mod_wsgi-embedded"].available() == Availability(
        False,
        f"mod_wsgi is built for Python 3.9, this environment is Python {PYTHON}: "
        "run it from an environment of Python 3.9",
        "2.4.99 · mod_wsgi 4.9.4",
    )


def test_a_module_for_this_python_can_be_used(modules: Path) -> None:
    """A module that does not say what it was built for can be used too."""
    linked = f"\0libpython{PYTHON}.so.1.0\0mod_python/3.5.0+git1\0".encode()
    (modules / "mod_python.so").write_bytes(linked)
    assert RECIPES["apache-mod_python"].available() == Availability(
        True, "", "2.4.99 · mod_python 3.5.0"
    )
    (modules / "mod_python.so").write_bytes(b"static")
    assert RECIPES["apache-mod_python"].available() == Availability(True, "", "2.4.99")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's Apache needs no other account")
def test_root_needs_another_account_to_serve_under(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apache itself would refuse, with a less helpful message."""
    monkeypatch.setattr(discovery.accounts, "serving_account", lambda: None)
    found = RECIPES["apache-cgi"].available()
    assert not found.ok
    assert found.why.startswith("Apache does not serve as root, and there is no user www-data, ")


def test_scripts_run_with_this_python_or_the_systems_of_the_same_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If neither can be used, a sentence says why."""
    assert discovery.interpreter(None) == Path(sys.executable)
    everybody = Path("/bin/sh").resolve()
    monkeypatch.setattr(sys, "executable", str(everybody))
    monkeypatch.setattr(discovery.sysconfig, "get_path", lambda _: "/usr")
    assert discovery.interpreter(STRANGER) == everybody
    # pytest's temporary directories are private.
    mine, systems = tmp_path / "python", Path(f"/usr/bin/python{PYTHON}")
    mine.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(mine))
    if systems.exists():
        assert discovery.interpreter(STRANGER) == systems
    monkeypatch.setattr(discovery, "SYSTEM_DIRECTORIES", ())
    why = discovery.interpreter(STRANGER)
    assert isinstance(why, str)
    assert f"cannot run {mine}, and the system has no python{PYTHON}" in why


def test_packages_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """The directory that blocks them is named too. Nothing blocks an ordinary user's Apache."""
    (tmp_path / "site-packages").mkdir()
    why = discovery.unreadable(STRANGER, [Path("/"), tmp_path / "site-packages"])
    assert why.startswith("Apache serves as stranger, which may not enter /")
    assert f"cannot read {tmp_path / 'site-packages'}: have it outside of " in why
    assert discovery.unreadable(None, [tmp_path / "nothing"]) == ""
    assert discovery.unreadable(STRANGER, [Path("/")]) == ""


def test_the_imported_directories_are_those_of_the_tracer_and_django() -> None:
    """All other directories of packages are among them too."""
    import django

    found = list(discovery.imported_directories())
    assert Path(discovery.__file__).resolve().parents[2] in found
    assert Path(django.__file__).parent in found
    assert {str(place) for place in discovery.package_directories()} <= set(map(str, found))
    assert Apache(Path("/a"), Path("/m"), None).module("wsgi") == Path("/m/mod_wsgi.so")
