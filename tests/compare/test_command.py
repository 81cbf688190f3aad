"""`python -m tracer compare`, with real servers."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.waiting import until
from tracer import servers
from tracer.cli.main import main
from tracer.compare.count import FIELDS

ROOT = Path(__file__).resolve().parents[2]


def compare(*words: str) -> tuple[int, str, str]:
    """Runs the command in this process; returns its exit status, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    status = main(["compare", *words], out, err)
    return status, out.getvalue(), err.getvalue()


def test_the_document_counts_what_two_servers_did() -> None:
    status, out, err = compare(
        "--server", "gunicorn", "--server", "runserver-nothreading", "--requests", "8", "--json"
    )  # fmt: skip
    assert status == 0, err
    made = json.loads(out)
    assert (made["format"], made["requests"]) == (1, 8)
    workers, alone = made["rows"]
    assert tuple(workers) == tuple(alone) == FIELDS
    assert {workers["status"], alone["status"]} == {"ok"}
    assert alone["processes"] == alone["threads"] == alone["handlers_built"] == 1
    assert alone["requests_per_process"] == 8
    assert alone["rebuilt_per_request"] == 0
    assert 1 <= workers["processes"] <= 2
    assert workers["handlers_built"] == 2, "each worker builds the application, however many served"
    assert workers["middleware_built"] == 2 * alone["middleware_built"]
    assert workers["first_ms"] > 0 < workers["warm_ms"]
    assert workers["boot_ms"] > 0
    assert workers["modules_imported"] > 300


def test_progress_goes_to_standard_error_and_the_table_to_standard_output() -> None:
    status, out, err = compare("--server", "gunicorn", "--requests", "2", "--width", "118")
    assert status == 0, err
    assert err.startswith("[1/1] gunicorn")
    assert "One application, every server" in out
    assert "[1/1]" not in out


def test_the_table_can_be_a_drawing_in_a_file(tmp_path: Path) -> None:
    drawn = tmp_path / "comparison.svg"
    status, out, err = compare(
        "--server", "gunicorn", "--requests", "2", "--format", "svg", "--output", str(drawn)
    )
    assert (status, out) == (0, ""), err
    root = ElementTree.fromstring(drawn.read_text())
    assert root.tag.endswith("svg")
    assert "gunicorn" in "".join(root.itertext())


def test_a_page_that_does_not_answer_makes_a_failed_row_with_the_reason() -> None:
    status, out, _ = compare(
        "--server", "gunicorn", "--requests", "2", "--path", "/nowhere/", "--json"
    )
    assert status == 1
    (row,) = json.loads(out)["rows"]
    assert row["status"] == "failed"
    assert "status 404" in row["why"]
    assert "--path" in row["why"]
    assert row["processes"] is None


def test_an_application_that_fails_is_shown_by_its_log_and_no_other_page_is_advised(
    tmp_path: Path,
) -> None:
    (tmp_path / "failing.py").write_text(
        "DEBUG = True\nSECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nROOT_URLCONF = 'failing'\n"
        "from django.urls import path\n"
        "def view(request):\n    raise ValueError('the oven is cold')\n"
        "urlpatterns = [path('', view)]\n"
    )
    status, out, _ = compare(
        "--project", str(tmp_path), "--settings", "failing",
        "--server", "gunicorn", "--requests", "2", "--json",
    )  # fmt: skip
    assert status == 1
    (row,) = json.loads(out)["rows"]
    assert row["why"].startswith(
        "2 of 2 requests to / were answered with status 500.\nIts log says:\n"
    )
    assert "the oven is cold" in row["why"]
    assert "--path" not in row["why"]


def test_a_project_that_cannot_start_fails_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("")
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    status, out, err = compare(
        "--project", str(tmp_path), "--settings", "broken",
        "--server", "gunicorn", "--server", "runserver-nothreading", "--json",
    )  # fmt: skip
    assert status == 1
    rows = json.loads(out)["rows"]
    assert [row["status"] for row in rows] == ["failed", "failed"], err
    assert "nothing_of_this_name" in rows[0]["why"]


def test_a_missing_server_is_named_with_what_it_needs(monkeypatch) -> None:
    recipe = servers.RECIPES["gunicorn"]
    absent = servers.Availability(False, "gunicorn is not installed: pip install it")
    monkeypatch.setattr(type(recipe), "available", lambda self: absent)
    status, out, _ = compare("--server", "gunicorn", "--json")
    assert status == 1
    (row,) = json.loads(out)["rows"]
    assert (row["status"], row["why"]) == ("not installed", absent.why)


def test_the_list_names_every_server_and_says_whether_it_is_here() -> None:
    status, out, _ = compare("--list", "--width", "160")
    assert status == 0
    assert all(name in out for name in servers.RECIPES)


@pytest.mark.parametrize("width", [100, 118, 200])
def test_the_list_says_in_full_what_each_server_does_and_needs(width: int, monkeypatch) -> None:
    absent = servers.Availability(False, " ".join(f"reason-{number}" for number in range(30)))
    found = servers.Recipe.available
    monkeypatch.setattr(
        servers.Recipe,
        "available",
        lambda recipe: absent if recipe.name == "daphne" else found(recipe),
    )
    out = compare("--list", "--width", str(width))[1]
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    column = out.splitlines()[1].index("what it does")
    titles = " ".join(line[column:].strip() for line in out.splitlines()[2:])
    assert all(recipe.title in titles for recipe in servers.RECIPES.values())
    assert absent.why in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--server", "gunicon"], "did you mean gunicorn"),
        (["--requests", "0"], "is not a whole number, 1 or more"),
        (["--concurrency", "many"], "is not a whole number, 1 or more"),
        (["--path", "menu/"], "is not a path"),
        (["--project", "/nowhere"], "/nowhere is not a directory"),
        (["--project", __file__], "is not a directory"),
        (["--project", str(ROOT)], "name them, such as mysite.settings"),
        (["--output", "rows.json"], "goes with --format json or svg"),
        (["--json", "--output", "/nowhere/rows.json"], "cannot be written"),
    ],
)
def test_wrong_arguments_are_a_usage_error(words, said, capsys) -> None:
    assert compare(*words)[0] == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_an_interrupted_comparison_leaves_no_process_behind(
    tmp_path: Path, number: str, status: int
) -> None:
    """The signals of Ctrl-C, of `kill` and of a closed terminal.

    Each is sent once a worker has begun to write its journal.
    """
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-m", "tracer", "compare", "--server", "gunicorn",
         "--requests", "100000", "--concurrency", "1"],
        env=environ, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        started = _wait_until(lambda: _journals(tmp_path), running)
        pids = {int(path.name.partition("-")[0]) for path in started}
        running.send_signal(signal.Signals[f"SIG{number}"])
        running.communicate(timeout=180)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == status
    # A process that outlives its parent is reaped by the system, some time later.
    until(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])
    assert list(tmp_path.glob("tracer-*")) == []


def _journals(directory: Path) -> list[Path]:
    """Returns the journals below `directory`. `os.walk` skips directories that vanish meanwhile."""
    return [
        Path(parent, name)
        for parent, _, names in os.walk(directory)
        for name in names
        if Path(parent).name == "journal" and name.endswith(".jsonl")
    ]


def _wait_until(found, running):
    for _ in range(9000):
        answer = found()
        if answer:
            return answer
        try:
            running.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"it ended by itself: {running.communicate()}")
    raise AssertionError("no process has begun to write")
