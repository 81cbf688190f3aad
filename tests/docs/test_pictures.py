"""`make pictures` draws every picture that the documentation shows, but for the comparison.

`tests/compare/test_readme.py` holds the comparison's picture to its numbers; drawing it takes
minutes and every server.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.markdown import ROOT, pages
from tests.servers.availability import require_server
from tests.support.programs import environment

pytestmark = pytest.mark.slow

PICTURES = ROOT / "demo_project" / "pictures"
COMPARISON = "comparison.svg"
WORDS = {
    "rooms": ("runtime", "recorder", "model", "pytest_plugin"),
    "timeline": ("/menu/?page=2", "SessionMiddleware", "view cafe.views.Menu.get", "request"),
    "lifelines": ("WSGIHandler", "process", "thread", "connection", "KEPT since #3"),
    "kept": ("WSGIRequest", "KEPT", "cafe.views.RECENT[…]", "import of cafe.views"),
    "boot": ("django.setup", "ready cafe", "middleware NightShift", "heaviest modules"),
    "processes": ("12 requests served", "not traced", "started", "forked, inheriting"),
}
"""Words that the text around each picture speaks of."""


def words(picture: Path) -> str:
    """Returns what a picture says."""
    texts = ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join("".join(text.itertext()) for text in texts).split())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make pictures` draws, in a directory of its own."""
    require_server("gunicorn-preload")
    into = tmp_path_factory.mktemp("pictures")
    program = [sys.executable, str(ROOT / "demo_project" / "pictures.py"), "--into", str(into)]
    done = subprocess.run(
        program, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return into


def test_every_picture_that_is_shown_is_drawn(drawn: Path) -> None:
    shown = {picture for page in pages() for picture in page.pictures}
    assert {picture.parent for picture in shown} == {PICTURES}
    names = {picture.name for picture in shown}
    assert names == {picture.name for picture in PICTURES.iterdir()}
    assert names - {COMPARISON} == {picture.name for picture in drawn.iterdir()}


@pytest.mark.parametrize("name", WORDS)
def test_a_picture_shows_what_the_text_says(drawn: Path, name: str) -> None:
    """The one that is committed, and the one that is drawn today."""
    for picture in (PICTURES / f"{name}.svg", drawn / f"{name}.svg"):
        said = words(picture)
        assert [word for word in WORDS[name] if word not in said] == []


def test_make_pictures_runs_the_program_that_draws_them() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "demo_project/pictures.py" in makefile.partition("\npictures:")[2].partition("\n\n")[0]
