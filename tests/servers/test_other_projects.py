"""Projects other than the demo: without manage.py, and without the tracer in their settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import small_project
from tests.servers.availability import require_server
from tracer.servers import ServerFailed, serve

WITHOUT_TRACER = small_project.SETTINGS.replace('["tracer"]', "[]")
BROKEN = "raise RuntimeError('closed today')\n"
KINDS = ["runserver", "cgi", "gunicorn", "uwsgi", "waitress", "uvicorn"]
"""One server of each kind of command."""


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_any_project_is_served_and_traced(name: str, tmp_path: Path) -> None:
    """Its requests arrive unchanged and are in the journal."""
    require_server(name)
    with (
        small_project.project(WITHOUT_TRACER) as directory,
        serve(
            name,
            project=directory,
            settings="small_settings",
            environment={"SECRET": "of the house"},
            journal=tmp_path,
            timeout=60,
        ) as server,
    ):
        answer = small_project.ask_about(server, "SECRET", "?q=caf%C3%A9")
    assert answer["value"] == "of the house"
    assert (answer["query"], answer["path"]) == ("café", "/report/SECRET")
    assert (answer["host"], answer["scheme"]) == (server.address.partition("//")[2], "http")
    requests = [request for each in server.processes() for request in each.requests]
    assert [(request.method, request.status) for request in requests] == [("GET", 200)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runserver-nothreading", "gunicorn", "uwsgi", "uvicorn"])
def test_a_project_that_cannot_be_loaded_is_an_error_with_its_log(name: str) -> None:
    """The error comes before the time-out."""
    require_server(name)
    with small_project.project(BROKEN) as directory, pytest.raises(ServerFailed) as failed:
        serve(name, project=directory, settings="small_settings", timeout=60)
    assert f"{name} ended at its start" in str(failed.value)
    assert "closed today" in failed.value.log


def test_under_cgi_such_a_project_fails_with_the_first_request() -> None:
    """CGI loads nothing before it."""
    with (
        small_project.project(BROKEN) as directory,
        serve("cgi", project=directory, settings="small_settings") as server,
    ):
        assert server.get("/").status == 502
        assert "closed today" in server.log()
