"""`make` makes its own environment, or says in one sentence why it cannot."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.makefile import fake_python, make, write_script


def sentence_of(result: subprocess.CompletedProcess[str]) -> str:
    """Returns the one line on standard error that is not make's own."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert result.returncode != 0
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_help_is_what_make_alone_does() -> None:
    result = make()
    assert result.returncode == 0
    for target in ("demo", "test", "lint", "clean"):
        assert f"make {target}" in result.stdout


def test_a_python_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    old = write_script(
        tmp_path / "old", '[ "$1" = --version ] && echo "Python 3.9.2" && exit\nexit 1\n'
    )
    sentence = sentence_of(make("demo", f"PYTHON={old}", f"VENV={tmp_path}/venv"))
    assert "Python 3.11 or newer is needed" in sentence
    assert "Python 3.9.2" in sentence
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    sentence = sentence_of(make("test", f"PYTHON={tmp_path}/none", f"VENV={tmp_path}/venv"))
    assert f"There is no {tmp_path}/none" in sentence


def test_a_python_without_the_venv_module_is_an_error_that_says_how_to_get_it(
    tmp_path: Path,
) -> None:
    bare = write_script(
        tmp_path / "bare",
        f'case "$*" in *ensurepip*) exit 1;; esac\nexec {shlex.quote(sys.executable)} "$@"\n',
    )
    sentence = sentence_of(make("demo", f"PYTHON={bare}", f"VENV={tmp_path}/venv"))
    assert "apt install python3-venv" in sentence


@pytest.mark.parametrize("place", ["a file in the way", "a place where nobody may write"])
def test_no_write_permission_is_one_sentence(tmp_path: Path, place: str) -> None:
    venv = Path("/proc/no-such-place")
    if place == "a file in the way":
        venv = tmp_path / "venv"
        venv.write_text("")
    sentence = sentence_of(make("demo", f"PYTHON={sys.executable}", f"VENV={venv}"))
    assert f"Cannot write to {venv}" in sentence


def test_a_failed_installation_is_reported(tmp_path: Path) -> None:
    python = fake_python(tmp_path)
    write_script(tmp_path / "inner", 'case "$*" in "-m pip "*) exit 1;; esac\necho Python 3.12.0\n')
    sentence = sentence_of(make("demo", f"PYTHON={python}", f"VENV={tmp_path}/venv"))
    assert "The installation into" in sentence


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    python = fake_python(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = make("demo", f"PYTHON={python}", f"VENV={tmp_path}/venv", f"PORT={port}")
    assert f"Port {port} is taken" in sentence_of(result)


def test_a_wrong_port_is_one_sentence(tmp_path: Path) -> None:
    python = fake_python(tmp_path)
    result = make("demo", f"PYTHON={python}", f"VENV={tmp_path}/venv", "PORT=70000")
    assert "70000 is not a port" in sentence_of(result)


def test_a_database_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    python = fake_python(tmp_path)
    database = f"{tmp_path}/none/cafe.sqlite3"
    result = make(
        "demo", f"PYTHON={python}", f"VENV={tmp_path}/venv", "PORT=1", CAFE_DATABASE=database
    )
    assert "cannot write its database" in sentence_of(result)


def test_another_python_makes_the_environment_anew(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()
        python = fake_python(directory)
        make("demo", f"PYTHON={python}", f"VENV={tmp_path}/venv", "PORT=70000")
    assert (first / "installs").exists()
    assert (second / "installs").exists()


@pytest.mark.slow
def test_make_compare_installs_servers_and_prints_only_its_document(
    tmp_path: Path,
) -> None:
    python = fake_python(tmp_path)
    options = "ARGS=--json --server cgi --requests 2"
    result = make("compare", f"PYTHON={python}", f"VENV={tmp_path}/venv", options, timeout=300)
    assert result.returncode == 0, result.stderr
    (row,) = json.loads(result.stdout)["rows"]
    assert (row["server"], row["status"], row["processes"]) == ("cgi", "ok", 2)
    assert ".[servers]" in (tmp_path / "installs").read_text()
