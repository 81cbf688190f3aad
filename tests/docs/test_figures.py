"""The prices in README and docs are those that `make bench` wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.docs.markdown import ROOT, Page

README = Page(ROOT / "README.md")
COST = Page(ROOT / "docs" / "explanation" / "cost.md")
RESULTS = Page(ROOT / "benchmarks" / "RESULTS.md")
PAGES = {"a short text": "short", "JSON, one query": "json", "a list of 100 rows": "list"}
EXPLAINED = {
    "a short text": "short text",
    "JSON, one query": "JSON, one query",
    "a list of 100 rows": "list page",
}
COLUMNS = {"short text": "short", "JSON": "json", "list page": "list", "streamed": "stream"}
NAMES = {
    "this tracer, recording": "recording",
    "this tracer, with journal": "with journal",
    "this tracer, with console": "with console",
}


def table(page: Page, first: str) -> list[list[str]]:
    """Returns the rows of the table whose heading begins with these words, heading included."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n(?:\|.*\n?)+", page.prose, re.MULTILINE)
    assert found is not None, first
    lines = found.group().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def number(text: str) -> float:
    """Returns the first number in a cell."""
    return float(re.findall(r"\d[\d,.]*", text)[0].replace(",", ""))


def test_the_readme_s_prices_are_measured() -> None:
    line = re.compile(r"^\| ([\w ]+) \| (\w+) \| [\d,]+ \| ([\d.]+) ± ", re.MULTILINE)
    added = {(who, page): float(cost) for who, page, cost in line.findall(RESULTS.prose)}
    rows = table(README, "page")[1:]
    assert [row[0] for row in rows] == list(PAGES)
    for name, _, recording, journal in rows:
        assert abs(number(recording) - added["recording", PAGES[name]]) <= 0.5
        assert abs(number(journal) - added["with journal", PAGES[name]]) <= 0.5


def test_the_readme_and_the_explanation_agree() -> None:
    times = COST.prose.partition("## Time\n")[2].partition("\n### ")[0]
    for name, *cells in table(README, "page")[1:]:
        words = r".*\b".join(re.escape(f"{number(cell):,g}") for cell in cells)
        assert re.search(rf"^\| {EXPLAINED[name]} \| {words}\b", times, re.MULTILINE), name


def peers() -> Iterator[tuple[str, str, str]]:
    """Gives each cell of the table of tools: who, which page, how many times."""
    head, *rows = table(COST, "instructions, all threads")
    for who, *cells in rows:
        for page, cell in zip(head[1:], cells, strict=True):
            yield who, page, cell


@pytest.mark.parametrize(("who", "page", "times"), list(peers()))
def test_each_tool_s_price_is_what_was_counted(who: str, page: str, times: str) -> None:
    head, *rows = table(RESULTS, "contestant")
    name = NAMES.get(who) or re.split(r" \d|,", who)[0]
    (row,) = [row for row in rows if row[0] == name]
    column = next(i for i, cell in enumerate(head) if cell.startswith(f"{COLUMNS[page]}:"))
    counted = row[column]
    if times == "—":
        assert counted == "—"
        return
    together = re.findall(r"\((.*)\)", counted)
    exact = number(together[0] if together else counted)
    digits = len(times.partition(".")[2])
    assert abs(number(times) - exact) <= 0.51 * 10**-digits
