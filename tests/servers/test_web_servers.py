"""What an application gets from a web server in front of it: Apache and nginx, in every mode."""

from __future__ import annotations

import django
import pytest

from tests.servers import small_project
from tests.servers.availability import PYTHON, require_server
from tracer.servers import RECIPES, serve

ROWS = [name for name in RECIPES if name.startswith(("apache-", "nginx-"))]
SECRET = """a "quoted" $word, ${HOME} back\\slash, 100 % & 'all'""" + "\nlong" * 100
"""A value that a configuration file or a shell could misread, and too long for mod_fcgid."""


@pytest.mark.parametrize("name", ROWS)
def test_the_application_gets_its_environment_its_packages_and_the_whole_request(name: str) -> None:
    """Python itself gets its variables, so that a sitecustomize.py runs at its start.

    The application sees the client's host and scheme, though the connection may come from nginx.
    """
    require_server(name)
    with small_project.project() as directory:
        extra = {**small_project.startup_environment(directory), "SECRET": SECRET}
        with serve(
            name, project=directory, settings="small_settings", environment=extra, timeout=60
        ) as server:
            answer = small_project.ask_about(server, "SECRET", "?q=caf%C3%A9")
    assert answer["value"] == SECRET
    assert answer["started"] is True
    assert answer["python"] == PYTHON
    assert answer["django"] == django.__file__
    assert answer["query"] == "café"
    assert answer["path"] == "/report/SECRET"
    assert answer["host"] == f"127.0.0.1:{server.port}"
    assert answer["scheme"] == "http"
    if name.startswith("apache-"):
        assert answer["uid"] != 0, "Apache switches to another account before it serves"


@pytest.mark.parametrize("name", ROWS)
def test_a_path_may_have_any_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's path may, and those of all files that a start makes."""
    require_server(name)
    with small_project.odd_temporary_directory(monkeypatch), small_project.project() as directory:  # noqa: SIM117
        with serve(name, project=directory, settings="small_settings", timeout=60) as server:
            assert small_project.ask_about(server, "PATH", "?q=1")["query"] == "1"
