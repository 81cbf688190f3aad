"""Every code block of the documentation is run, one test for each page.

- Shell: `python -m tracer …`, `pytest …` and servers really run, in a project of their own. Targets
  of the Makefile, `pip install`, `apt install` and `python -m tracer compare …` are checked to
  exist, with their options: other tests and `.ci/run` run them.
- Python: a page's blocks share one process, with the café's settings. Settings are checked by
  Django's own system checks. Tests are run by pytest.
- Text: each line must be found in what the page's blocks have printed. Numbers, lines that are
  drawn and white space may differ; "…" stands for anything.
- JSON: a line of a journal.
- Baseline: a file of findings that are accepted.

A block in any other language fails.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import cells, commands
from tests.docs.markdown import ROOT, Block, Page, pages
from tests.docs.place import Place, make_template
from tests.servers.availability import require_server
from tracer.journal.decode import Decoder
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.model import known
from tracer.servers.project import copy_demo_databases

DEMO = ROOT / "demo_project"
NOTEBOOK = "docs/how-to/in-a-notebook.md"
CRASH = "docs/how-to/read-a-journal-after-a-crash.md"
MARKS = {CRASH: "✗"}
"""What the pictures of a page show beside its text blocks."""
QUOTED = {"RECENT.append(request)": DEMO / "cafe" / "views.py"}
"""Python that a page quotes from a file, and does not ask anybody to run."""
SETTINGS = re.compile(r"^(TRACER|INSTALLED_APPS|MIDDLEWARE)\b", re.MULTILINE)
DRAWN = r"[\s━─╾╼╺╸┊●○▶◆]+"
"""White space and lines that are drawn."""

pytestmark = pytest.mark.slow
with_blocks = [page for page in pages() if page.blocks]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project and the journal that every page gets a copy of."""
    require_server("gunicorn-preload")
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def cafe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the café's databases, with sample data."""
    return copy_demo_databases(tmp_path_factory.mktemp("cafe")).parent


@pytest.fixture
def place(template: Path, cafe: Path, tmp_path: Path) -> Iterator[Place]:
    """Where one page's blocks run; the servers that it started end with the test."""
    made = Place(template, tmp_path)
    for database in cafe.iterdir():
        (tmp_path / database.name).write_bytes(database.read_bytes())
    yield made
    made.end()


@pytest.mark.parametrize("page", with_blocks, ids=lambda page: page.name)
def test_every_block_runs(page: Page, place: Place) -> None:
    run(page, place)
    texts = [block.text for block in page.blocks if block.language == "text"]
    missing = [line for text in texts for line in not_printed(text, place.output)]
    assert missing == [], place.output
    assert MARKS.get(page.name, "") in place.output


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_block_is_written_in_a_way_that_is_not_seen(page: Page) -> None:
    """Indented fences, and tildes, would be blocks to a reader and none to these tests."""
    fences = re.findall(r"^[ >]*(?:```|~~~)", page.text, re.MULTILINE)
    assert fences == ["```"] * 2 * len(page.blocks)


def run(page: Page, place: Place) -> None:
    """Runs a page's blocks: each where it stands, and those that share a process with the first."""
    groups: dict[str, list[str]] = {}
    for block in page.blocks:
        groups.setdefault(kind(page, block), []).append(block.text)
    write_tests(groups.get("tests", []), place)
    if "\npytest" in page.text:
        groups.pop("tests", None)  # a command of the page runs them
    for block in page.blocks:
        which = kind(page, block)
        if which in TOGETHER:
            texts = groups.pop(which, None)
            if texts is not None:
                TOGETHER[which](texts, place)
        else:
            ALONE[which](block.text, place)
            if page.name == CRASH:
                place.end(signal.SIGKILL)


def kind(page: Page, block: Block) -> str:
    """Returns how a block is run. Fails for a language that no test knows."""
    if block.language != "python":
        assert block.language in ALONE, f"no test runs a block of {block.language or 'no language'}"
        return block.language
    if block.text.strip() in QUOTED:
        return "quotation"
    if re.search(r"^ *def test_", block.text, re.MULTILINE):
        return "tests"
    if SETTINGS.search(block.text):
        return "settings"
    if page.name == NOTEBOOK:
        return "cells"
    return "shell" if "recording" in block.text else "program"


# -- one kind of block each ---------------------------------------------------------------------


def run_commands(text: str, place: Place) -> None:
    """Runs or checks the commands of a shell block."""
    for command in commands.lines(text):
        commands.perform(command, place)


def run_program(text: str, place: Place) -> None:
    """Runs Python that needs no settings, as a program of its own."""
    place.run("python", "-c", text)


def check_quotation(text: str, place: Place) -> None:
    """Finds what is quoted in its file."""
    assert text.strip() in QUOTED[text.strip()].read_text("utf-8")


def check_settings(text: str, place: Place) -> None:
    """Has Django check the project with these settings; a warning of the tracer's own fails."""
    module = f"from mysite.settings import *\n{text}\n"
    module += 'INSTALLED_APPS = [*dict.fromkeys([*INSTALLED_APPS, "tracer"])]\n'
    (place.directory / "page_settings.py").write_text(module)
    check = ["check", "--settings", "page_settings", "--fail-level", "WARNING"]
    place.run("python", "manage.py", *check, PYTHONPATH=str(place.directory))


def check_baseline(text: str, place: Place) -> None:
    """Reads a baseline: each of its lines that is none but a comment is an entry."""
    lines = text.splitlines()
    assert len(known.parse(lines)) == len([line for line in lines if line[0] != "#"]) > 0


def check_journal(text: str, place: Place) -> None:
    """Reads a journal's line, the header or a fact."""
    line = text.encode()
    if line != HEADER:
        assert encode(Decoder().decode(line)) == line


def run_shell(texts: list[str], place: Place) -> None:
    """Types Python into the shell of the café."""
    shell = ["python", str(DEMO / "manage.py"), "shell"]
    place.run(*shell, text="\n".join(texts), TRACER_ENABLED="0")


def run_cells(texts: list[str], place: Place) -> None:
    """Runs the cells of a notebook that was opened beside the café's manage.py."""
    place.run("python", cells.__file__, text=json.dumps(texts), cwd=DEMO, PYTHONPATH=str(DEMO))


def write_tests(texts: list[str], place: Place) -> None:
    """Writes the page's tests into a file, for the settings that they are about."""
    if texts:
        ours = any("shop" in text for text in texts)
        path, settings = (".", "mysite") if ours else (str(DEMO), "cafe_site")
        options = f"pythonpath = {path}\nDJANGO_SETTINGS_MODULE = {settings}.settings\n"
        (place.directory / "pytest.ini").write_text(f"[pytest]\n{options}")
        (place.directory / "test_page.py").write_text("\n\n".join(texts))


def run_tests(texts: list[str], place: Place) -> None:
    """Runs the page's tests, all of which must pass."""
    place.run("pytest")


def nothing(text: str, place: Place) -> None:
    """Leaves a block to `not_printed`, which looks at it when all others have run."""


ALONE = {
    "sh": run_commands,
    "program": run_program,
    "quotation": check_quotation,
    "settings": check_settings,
    "json": check_journal,
    "baseline": check_baseline,
    "text": nothing,
}
"""Kinds of blocks that are run one by one."""
TOGETHER = {"shell": run_shell, "cells": run_cells, "tests": run_tests}
"""Kinds of blocks that share one process."""


def not_printed(text: str, output: str) -> list[str]:
    """Returns the lines of a text block that were not printed."""
    return [line for line in text.splitlines() if not re.search(pattern(line), output)]


def pattern(line: str) -> str:
    """Returns what a line of a text block must look like where it is printed."""
    parts = re.split(r"(\d[\d,.]*|…|[\s━─╾╼╺╸┊●○▶◆]+)", line.strip())
    varying = {"…": ".*"}
    made = ""
    for part in parts:
        if re.fullmatch(DRAWN, part):
            made += DRAWN
        elif part[:1].isdigit():
            made += r"\d[\d,.]*"
        else:
            made += varying.get(part, re.escape(part))
    return made
