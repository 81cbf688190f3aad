"""Every relative link leads to a file, and every anchor to a heading."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import ROOT, Page, documents, pages

each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
TEST = re.compile(r"\b(test_\w+)\b(?!\.py)")
LONGEST = 150
"""Lines of the README."""


def trouble(page: Page, link: str) -> str:
    """Says what is wrong with a link; empty if nothing is."""
    if re.match(r"https?://", link):
        return ""
    target, _, fragment = link.partition("#")
    file = (page.path.parent / target).resolve() if target else page.path
    if not file.exists() or ROOT not in (file, *file.parents):
        return f"{link}: there is no such file"
    if fragment and fragment not in Page(file).anchors:
        return f"{link}: there is no such heading"
    return ""


@each_page
def test_every_link_leads_somewhere(page: Page) -> None:
    assert [said for link in page.links if (said := trouble(page, link))] == []


@each_page
def test_every_test_that_is_named_exists(page: Page) -> None:
    tests = " ".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(TEST.findall(page.prose))
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_document_is_in_the_index() -> None:
    index = Page(ROOT / "docs" / "README.md")
    listed = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links}
    assert {page.path for page in documents()} - listed == {index.path}


def test_the_readme_is_short_and_shows_before_it_measures() -> None:
    readme = Page(ROOT / "README.md").text
    assert len(readme.splitlines()) <= LONGEST
    assert "callgrind" not in readme
    assert readme.index("timeline.svg") < readme.index("lifelines.svg") < readme.index("```")
