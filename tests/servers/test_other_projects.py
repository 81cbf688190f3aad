"""A project that is not the demo, knows nothing of the tracer and has no manage.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import little
from tests.servers.presence import needed
from tracer.servers import ServerFailed, serve

UNAWARE = little.SETTINGS.replace('["tracer"]', "[]")
BROKEN = "raise RuntimeError('closed today')\n"
KINDS = ["runserver", "cgi", "gunicorn", "uwsgi", "waitress", "uvicorn"]
"""One of each kind of command."""


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_any_project_is_served_and_traced(name: str, tmp_path: Path) -> None:
    """Its requests arrive as they were sent, and are in the journal."""
    needed(name)
    with (
        little.project(UNAWARE) as directory,
        serve(
            name,
            project=directory,
            settings="little_settings",
            environment={"SECRET": "of the house"},
            journal=tmp_path,
            timeout=60,
        ) as server,
    ):
        answer = little.told(server, "SECRET", "?q=caf%C3%A9")
    assert answer["value"] == "of the house"
    assert (answer["query"], answer["path"]) == ("café", "/tell/SECRET")
    assert (answer["host"], answer["scheme"]) == (server.address.partition("//")[2], "http")
    requests = [request for each in server.processes() for request in each.requests]
    assert [(request.method, request.status) for request in requests] == [("GET", 200)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runserver-nothreading", "gunicorn", "uwsgi", "uvicorn"])
def test_a_project_that_cannot_be_loaded_is_told_in_its_own_words(name: str) -> None:
    """At once, and not only when the time is over."""
    needed(name)
    with little.project(BROKEN) as directory, pytest.raises(ServerFailed) as failed:
        serve(name, project=directory, settings="little_settings", timeout=60)
    assert f"{name} ended at its start" in str(failed.value)
    assert "closed today" in failed.value.log


def test_under_cgi_it_is_told_with_the_first_answer() -> None:
    """Nothing is loaded before."""
    with (
        little.project(BROKEN) as directory,
        serve("cgi", project=directory, settings="little_settings") as server,
    ):
        assert server.get("/").status == 502
        assert "closed today" in server.log()
