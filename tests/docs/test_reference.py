"""The reference is complete: every setting, option, field, stage and method has its place in it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from tests.docs.markdown import ROOT, Page
from tests.render.sample_cafe import cafe
from tracer import Recording, conf, record
from tracer.cli import main as cli
from tracer.compare.count import FIELDS as COMPARED
from tracer.journal.format import DEATHS, FACTS, FIELDS, MORE, REQUESTS
from tracer.model import Boot, Imported, Span, facts, scope, stages
from tracer.model.recorded import RecordedRequests
from tracer.render import document

REFERENCE = ROOT / "docs" / "reference"
COUNTED = {"scopes", "freed"}
"""Fields of the JSON document whose keys are no fields: scopes, and ways of being freed."""


def named(page: str) -> set[str]:
    """Returns the words in code marks of a page of the reference."""
    marked = re.findall(r"`([^`\n]+)`", Page(REFERENCE / page).prose)
    return {word for code in marked for word in re.findall(r"-{0,2}[\w-]+", code)}


def test_every_setting_and_its_variable_is_described() -> None:
    words = named("settings.md")
    assert set(conf.KEYS) <= words
    source = (ROOT / "tracer" / "conf.py").read_text("utf-8")
    assert set(re.findall(r"TRACER_[A-Z]+", source)) <= words


def test_every_check_is_described() -> None:
    sources = [(ROOT / "tracer" / name).read_text("utf-8") for name in ("conf.py", "checks.py")]
    ids = set(re.findall(r"tracer\.W\d+", "".join(sources)))
    assert ids == set(re.findall(r"tracer\.W\d+", Page(REFERENCE / "settings.md").prose))


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Gives the name and the parser of each command."""
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


COMMANDS = ["show", "watch", "settle", "tidy", "run", "compare"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_described(command: str) -> None:
    text = Page(REFERENCE / "command-line.md").text
    section = text.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    parser = dict(parsers())[command]
    options = {word for action in parser._actions for word in action.option_strings}
    choices = {word for action in parser._actions for word in action.choices or ()}
    words = (options | choices) - {"-h", "--help"}
    assert {word for word in words if f"`{word}" not in section} == set()


def test_there_are_no_other_commands() -> None:
    assert set(dict(parsers())) == set(COMMANDS)


def keys(value: Any) -> set[str]:
    """Returns every key of a document that is a field; what is counted by name is none."""
    if isinstance(value, list):
        return {key for each in value for key in keys(each)}
    if not isinstance(value, dict):
        return set()
    inner = {key for name, each in value.items() if name not in COUNTED for key in keys(each)}
    return set(value) | inner


@pytest.fixture(scope="module")
def fields() -> set[str]:
    """Every field of the JSON document, and of that of a comparison."""
    span = Span("settings", "mysite.settings", None, 0, 1)
    boot = Boot(0, (span,), 1, 1, (Imported("mysite", 1, 1),), 1)
    made = keys(document([replace(cafe(), boot=boot)]))
    assert {"heaviest", "own_ms", "held_by", "first_built"} <= made
    return made | set(COMPARED) | {"format", "requests", "rows"}


def test_every_field_of_the_json_document_is_described(fields: set[str]) -> None:
    assert fields - named("json.md") == set()


def test_no_field_is_described_that_the_json_document_does_not_have(fields: set[str]) -> None:
    prose = Page(REFERENCE / "json.md").prose
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", prose, re.MULTILINE)
    assert {field for row in rows for field in re.findall(r"\w+", row)} - fields == set()


def test_every_fact_of_the_journal_is_described_with_its_fields() -> None:
    prose = Page(REFERENCE / "journal.md").prose
    table = prose.partition("| fact | its fields |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    for name, kind in FACTS.items():
        assert set(FIELDS[kind]) <= set(re.findall(r"`(\w+)`", rows.pop(name))), name
    assert list(rows) == [DEATHS]
    assert set(get_args(facts.Fact)) == {*FACTS.values(), facts.Deaths, RecordedRequests}


def test_a_line_of_requests_is_described_with_its_elements() -> None:
    section = Page(REFERENCE / "journal.md").text.partition("### Requests")[2].partition("###")[0]
    assert f'["{REQUESTS}", ' in section
    assert {f"`{name}`" for name, _ in MORE if f"`{name}`" not in section} == set()
    columns = {"starts", "ends", "tokens", "marks", "seen", "kinds", "numbers", "sizes", "watching"}
    assert columns <= set(RecordedRequests.__slots__)
    assert {name for name in columns if name not in section} == set()


def test_every_stage_and_scope_is_described() -> None:
    page = Page(REFERENCE / "timeline-and-lifelines.md")
    assert set(stages.LESSONS) <= named("timeline-and-lifelines.md")
    described = re.findall(r"^\| \*\*(\w+)\*\* \|", page.prose, re.MULTILINE)
    assert [word.lower() for word in described] == list(scope.SCOPES)


def test_every_method_of_a_recording_is_described() -> None:
    methods = {name for name in dir(Recording) if not name.startswith("_")}
    assert methods - named("pytest.md") == set()
    assert record.__kwdefaults__ is not None
    assert set(record.__kwdefaults__) <= named("pytest.md")


def test_every_option_of_the_plugin_is_described(pytestconfig: pytest.Config) -> None:
    words = named("pytest.md")
    group = pytestconfig._parser.getgroup("lifecycle")
    assert {name for option in group.options for name in option.names()} <= words
