"""The guided tour from end to end: real make, real runserver, real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import route
from cafe.lessons import LESSONS
from making import ROOT, make, python_that_notes_installs


def lifetimes(journal: Path) -> list[dict[str, Any]]:
    """Every lifetime that the newest process of a journal tells of."""
    command = [sys.executable, "-m", "tracer", "show", str(journal), "--format", "json"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    newest = max(json.loads(shown.stdout)["processes"], key=lambda process: process["started"])
    return list(newest["lifetimes"])


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rows(database: Path) -> dict[str, int]:
    """How many rows each table of the café has."""
    with sqlite3.connect(database) as connection:
        tables = ("cafe_dish", "cafe_category", "cafe_order", "cafe_guestnote", "auth_user")
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        }
    connection.close()
    return counts


@pytest.mark.slow
def test_the_tour_ends_with_0_and_a_second_one_installs_and_adds_nothing(tmp_path: Path) -> None:
    python = python_that_notes_installs(tmp_path)
    database = tmp_path / "cafe.sqlite3"
    arguments = ("demo", "ONCE=1", f"PYTHON={python}", f"VENV={tmp_path}/venv")
    seen = []
    for _ in range(2):
        result = make(*arguments, f"PORT={free_port()}", timeout=240, CAFE_DATABASE=str(database))
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        assert "Traceback" not in result.stderr
        for number, stop in enumerate(route.STOPS, start=1):
            assert f"▸ Stop {number} of {len(route.STOPS)} · {stop.look}" in result.stdout
        assert "Something is wrong" not in result.stdout
        last_words = result.stdout.partition("▸ The tour is over")[2]
        assert "Lifelines of process" in last_words
        assert "Ledger of process" in last_words
        assert "RECENT[" in last_words
        seen.append((rows(database), result.stdout.count("Installing into")))
    assert seen[0][0] == seen[1][0]
    assert [installs for _, installs in seen] == [1, 0]
    assert len((tmp_path / "installs").read_text().splitlines()) == 1


@pytest.mark.slow
def test_the_tour_shows_every_scope_and_names_the_holders_of_what_is_kept(tmp_path: Path) -> None:
    python = python_that_notes_installs(tmp_path)
    journal = tmp_path / "journal"
    result = make(
        "demo",
        "ONCE=1",
        f"PYTHON={python}",
        f"VENV={tmp_path}/venv",
        f"PORT={free_port()}",
        timeout=240,
        CAFE_DATABASE=str(tmp_path / "cafe.sqlite3"),
        TRACER_JOURNAL=str(journal),
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    seen = lifetimes(journal)
    scopes = {"process", "thread", "connection", "request", "kept"}
    assert scopes <= {lifetime["scope"] for lifetime in seen}
    held = {lifetime["held_by"]: lifetime["class"] for lifetime in seen if lifetime["held_by"]}
    assert held["cafe.views.RECENT[0]"].endswith(".WSGIRequest")
    assert held["cafe.views.LEFT_BEHIND[0]"].endswith(".Basket")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda x: x.name)
def test_the_end_is_orderly_at_any_moment(tmp_path: Path, number: signal.Signals) -> None:
    environment = os.environ | {
        "CAFE_DATABASE": str(tmp_path / "cafe.sqlite3"),
        "PYTHONPATH": str(ROOT),
        "TRACER_ENABLED": "1",
        "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
    }
    demo = ROOT / "demo_project"
    prepare = [sys.executable, str(demo / "manage.py"), "prepare"]
    subprocess.run(prepare, env=environment, check=True, capture_output=True, timeout=60)
    command = [sys.executable, str(demo / "tour.py"), "--port", str(free_port())]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "▸ Stop 3" in line:
                process.send_signal(number)
                break
        said, complaints = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in complaints
    assert "Ledger of process" in said


def test_the_route_visits_every_lesson() -> None:
    visited = {visit.path.partition("?")[0] for stop in route.STOPS for visit in stop.visits}
    assert {lesson.url for lesson in LESSONS} <= visited
