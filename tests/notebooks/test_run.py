"""`notebooks/run.py` on notebooks made for it: it fails where it must, and says where that is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "notebooks" / "run.py"

pytestmark = pytest.mark.slow


def notebook(*sources: str) -> str:
    """A notebook with these cells of code, as an editor might save it."""
    cells = [
        {
            "cell_type": "code",
            "id": f"any-{number}",
            "metadata": {"collapsed": True},
            "execution_count": 7,
            "source": source,
            "outputs": [],
        }
        for number, source in enumerate(sources)
    ]
    elsewhere = {"kernelspec": {"name": "elsewhere", "display_name": "Another", "language": "x"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": elsewhere, "cells": cells})


DRAWS = (
    "from IPython.display import HTML\n"
    "HTML('<figure><svg xmlns=\"http://www.w3.org/2000/svg\"><title>A dot</title></svg></figure>')"
)
MADE = {
    "1-holds.ipynb": notebook("import sys\nassert sys.executable", DRAWS),
    "2-wrong.ipynb": notebook("dishes = 3", "built = 2\nassert dishes == built"),
    "3-loud.ipynb": notebook("import sys\nprint('careful', file=sys.stderr)"),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of nothing but the program and the notebooks above."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "demo_project").mkdir()
    (root / "notebooks").mkdir()
    shutil.copy(PROGRAM, root / "notebooks")
    for name, text in MADE.items():
        (root / "notebooks" / name).write_text(text, encoding="utf-8")
    return root / "notebooks"


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program there."""
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=checkout, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ran(checkout: Path) -> subprocess.CompletedProcess[str]:
    """All of them, run once."""
    return run(checkout)


def test_a_claim_that_does_not_hold_is_told_with_its_place(
    ran: subprocess.CompletedProcess[str],
) -> None:
    """Which notebook, which cell, which line; and the run fails."""
    assert ran.returncode == 1
    assert "2-wrong.ipynb, cell [2]: AssertionError" in ran.stderr
    assert "line 2 assert dishes == built" in " ".join(ran.stderr.split())
    assert "2-wrong.ipynb: FAILED" in ran.stdout


def test_a_cell_that_writes_to_standard_error_fails(ran: subprocess.CompletedProcess[str]) -> None:
    """Nobody wants to read warnings in a notebook."""
    assert "3-loud.ipynb, cell [1] wrote to standard error:\n    careful" in ran.stderr
    assert "3-loud.ipynb: FAILED" in ran.stdout


def test_the_others_are_run_all_the_same(ran: subprocess.CompletedProcess[str]) -> None:
    """And nothing is said of them but that they hold."""
    assert "1-holds.ipynb: every claim holds" in ran.stdout
    assert "1-holds.ipynb" not in ran.stderr


def test_the_checkout_stays_as_it_is(ran: subprocess.CompletedProcess[str], checkout: Path) -> None:
    """Without --write no notebook is touched, and no file is left behind."""
    assert ran.returncode == 1
    names = {path.name for path in checkout.iterdir()}
    assert names == {"run.py", *MADE}
    assert (checkout / "2-wrong.ipynb").read_text(encoding="utf-8") == MADE["2-wrong.ipynb"]


def test_a_notebook_that_is_not_there_is_named(checkout: Path) -> None:
    """In a sentence, with a status of its own."""
    missing = run(checkout, "9-nowhere.ipynb")
    assert missing.returncode == 2
    assert missing.stderr.startswith("There is no notebook 9-nowhere.ipynb in ")


def test_what_is_written_is_the_same_wherever_it_ran(checkout: Path, tmp_path: Path) -> None:
    """Outputs come in, and whatever an editor or a machine has put there goes."""
    place = tmp_path / "notebooks"
    (tmp_path / "demo_project").mkdir()
    shutil.copytree(checkout, place)
    (place / "1-holds.ipynb").write_text(MADE["1-holds.ipynb"], encoding="utf-8")
    written = run(place, "--write", "1-holds.ipynb")
    assert written.returncode == 0, written.stderr
    loaded: dict[str, Any] = json.loads((place / "1-holds.ipynb").read_text(encoding="utf-8"))
    assert loaded["metadata"]["kernelspec"]["name"] == "python3"
    assert loaded["metadata"]["language_info"] == {"name": "python"}
    assert len(loaded["metadata"]["ran"]) == 16
    assert [cell["id"] for cell in loaded["cells"]] == ["cell-01", "cell-02"]
    assert [cell["metadata"] for cell in loaded["cells"]] == [{}, {}]
    assert [cell["execution_count"] for cell in loaded["cells"]] == [1, 2]
    html = "".join(loaded["cells"][1]["outputs"][0]["data"]["text/html"])
    assert html.startswith('<figure><img alt="A dot" ')
    assert "base64," in html
    assert "<svg" not in html
