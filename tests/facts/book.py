"""The book: the list, at the end of a test run, of all facts that were proven, by chapter.

A chapter is a file, its heading the first line of the file's docstring. A fact is a test, its
sentence the first line of the test's docstring; it counts as proven when its test has passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

CHAPTERS = (
    "process", "signals", "middleware", "urls", "views", "database", "postgresql", "pool",
    "cache", "redis", "templates",
    "request_and_response", "exceptions", "streaming", "async", "threads", "collector", "leaks",
    "lifetimes", "holders",
)  # fmt: skip
"""In the order in which a request meets them."""


@dataclass
class Fact:
    """One test of the book."""

    sentence: str
    line: int
    outcomes: list[str] = field(default_factory=list)

    @property
    def proven(self) -> bool:
        """Returns whether all tests of the fact have passed."""
        return bool(self.outcomes) and set(self.outcomes) == {"passed"}


class Book:
    """The outcomes of all facts. A parametrized test is one fact."""

    def __init__(self) -> None:
        self.chapters: dict[str, tuple[str, dict[str, Fact]]] = {}

    def note(self, item: pytest.Function, outcome: str) -> None:
        """Notes the outcome of one phase of a test."""
        module: Any = item.module
        name = module.__name__.rpartition("test_")[2]
        heading = first_line(module.__doc__)
        _, facts = self.chapters.setdefault(name, (heading, {}))
        function: Any = item.function
        known = facts.setdefault(
            item.originalname,
            Fact(first_line(function.__doc__), function.__code__.co_firstlineno),
        )
        known.outcomes.append(outcome)

    def lines(self) -> list[str]:
        """Returns the book as text: headings, and below each the facts that were proven."""
        lines = []
        for name in sorted(self.chapters, key=_place):
            heading, facts = self.chapters[name]
            proven = [fact for fact in facts.values() if fact.proven]
            lines += ["", heading.rstrip(".")] if proven else []
            lines += [f"  ✓ {fact.sentence}" for fact in sorted(proven, key=lambda fact: fact.line)]
        return lines

    def count(self) -> tuple[int, int]:
        """Returns how many facts were proven, and how many were tried."""
        facts = [fact for _, chapter in self.chapters.values() for fact in chapter.values()]
        return sum(fact.proven for fact in facts), len(facts)


def first_line(text: str | None) -> str:
    """Returns the first line of a docstring."""
    return (text or "").strip().partition("\n")[0]


def _place(name: str) -> tuple[int, str]:
    return (CHAPTERS.index(name) if name in CHAPTERS else len(CHAPTERS), name)
