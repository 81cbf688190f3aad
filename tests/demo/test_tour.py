"""The guided tour from end to end, with real make, runserver and sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import route
from cafe.lessons import LESSONS

from tests.demo.makefile import ROOT, fake_python, make


def lifetimes(journal: Path) -> list[dict[str, Any]]:
    """Returns every lifetime of the newest process of a journal."""
    command = [sys.executable, "-m", "tracer", "show", str(journal), "--format", "json"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=180)
    newest = max(json.loads(shown.stdout)["processes"], key=lambda process: process["started"])
    return list(newest["lifetimes"])


def free_port() -> int:
    """Returns a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rows(database: Path) -> dict[str, int]:
    """Returns the number of rows of each table of the café."""
    with sqlite3.connect(database) as connection:
        tables = ("cafe_dish", "cafe_category", "cafe_order", "cafe_guestnote", "auth_user")
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        }
    connection.close()
    return counts


@dataclass(frozen=True)
class Tours:
    """Two runs of `make demo ONCE=1`, one after the other, in the same place."""

    results: list[subprocess.CompletedProcess[str]]
    rows: list[dict[str, int]]
    """The rows in the database after each run."""
    installs: list[str]
    journal: Path


@pytest.fixture(scope="module")
def tours(tmp_path_factory: pytest.TempPathFactory) -> Tours:
    """Both runs, made once for the tests of this file."""
    directory = tmp_path_factory.mktemp("tours")
    python = fake_python(directory)
    done = Tours([], [], [], directory / "journal")
    for _ in range(2):
        result = make(
            "demo",
            "ONCE=1",
            f"PYTHON={python}",
            f"VENV={directory}/venv",
            f"PORT={free_port()}",
            timeout=600,
            CAFE_DATABASE=str(directory / "cafe.sqlite3"),
            TRACER_JOURNAL=str(done.journal),
        )
        done.results.append(result)
        done.rows.append(rows(directory / "cafe.sqlite3"))
    done.installs.extend((directory / "installs").read_text().splitlines())
    return done


@pytest.mark.slow
def test_the_tour_ends_with_0_and_without_a_traceback(tours: Tours) -> None:
    for result in tours.results:
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        assert "Traceback" not in result.stderr
        assert "Something is wrong" not in result.stdout


@pytest.mark.slow
def test_every_stop_says_what_to_look_for_and_is_drawn_before_the_next(tours: Tours) -> None:
    out = tours.results[0].stdout
    stops = re.split(r"▸ Stop \d+ of \d+ · ", out.partition("▸ The tour is over")[0])[1:]
    assert len(stops) == len(route.STOPS)
    for text, stop in zip(stops, route.STOPS, strict=True):
        assert text.startswith(stop.look)
        for visit in stop.visits:
            assert visit.path.partition("?")[0] in text


@pytest.mark.slow
def test_lifelines_and_ledger_are_drawn_at_the_end(tours: Tours) -> None:
    ending = tours.results[0].stdout.partition("▸ The tour is over")[2]
    assert "Lifelines of process" in ending
    assert "Ledger of process" in ending
    assert "RECENT[" in ending


@pytest.mark.slow
def test_a_second_demo_installs_nothing_and_adds_nothing(tours: Tours) -> None:
    assert len(tours.installs) == 1
    assert "Installing into" in tours.results[0].stdout
    assert "Installing into" not in tours.results[1].stdout
    assert tours.rows[0] == tours.rows[1]


@pytest.mark.slow
def test_the_tour_shows_every_scope_and_names_the_holders_of_what_is_kept(tours: Tours) -> None:
    seen = lifetimes(tours.journal)
    scopes = {"process", "thread", "connection", "request", "kept"}
    assert scopes <= {lifetime["scope"] for lifetime in seen}
    held = {lifetime["held_by"]: lifetime["class"] for lifetime in seen if lifetime["held_by"]}
    assert held["cafe.views.RECENT[0]"].endswith(".WSGIRequest")
    assert held["cafe.views.LEFT_BEHIND[0]"].endswith(".Basket")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda x: x.name)
def test_a_signal_during_the_tour_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    environment = os.environ | {
        "CAFE_DATABASE": str(tmp_path / "cafe.sqlite3"),
        "PYTHONPATH": str(ROOT),
        "TRACER_ENABLED": "1",
        "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
    }
    demo = ROOT / "demo_project"
    prepare = [sys.executable, str(demo / "manage.py"), "prepare"]
    subprocess.run(prepare, env=environment, check=True, capture_output=True, timeout=180)
    command = [sys.executable, str(demo / "tour.py"), "--port", str(free_port())]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "▸ Stop 3" in line:
                process.send_signal(number)
                break
        out, err = process.communicate(timeout=240)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Ledger of process" in out


def test_the_route_visits_every_lesson() -> None:
    visited = {visit.path.partition("?")[0] for stop in route.STOPS for visit in stop.visits}
    assert {lesson.url for lesson in LESSONS} <= visited
