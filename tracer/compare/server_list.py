"""The servers that a comparison can run: what each of them shows, and whether it is here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Protocol

from tracer.render.layout import wording
from tracer.render.layout.canvas import Line
from tracer.render.pictures.picture import Picture


class Availability(Protocol):
    """Whether a server is here."""

    @property
    def ok(self) -> bool:
        """Whether it can be started."""

    @property
    def why(self) -> str:
        """What is missing, and how to get it; empty where nothing is."""

    @property
    def version(self) -> str:
        """Its version; empty where it does not tell."""


class Recipe(Protocol):
    """A server that can be listed."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""

    @property
    def needs(self) -> str:
        """What must be installed: names for pip, and packages of the system."""

    def available(self) -> Availability:
        """Whether it is here."""


class Servers(Picture):
    """Draws the list."""

    def __init__(self, recipes: Iterable[Recipe]) -> None:
        self.found = [(recipe, recipe.available()) for recipe in recipes]

    def lines(self, width: int) -> Iterator[Line]:
        """Give the picture line by line."""
        here = sum(1 for _, found in self.found if found.ok)
        line = Line().add(" ").add("Servers", "title")
        yield line.add(f" · {here} of {len(self.found)} are here", "dim")
        name = _widest(recipe.name for recipe, _ in self.found)
        needs = _widest(recipe.needs for recipe, _ in self.found)
        version = _widest(found.version for _, found in self.found)
        line = Line().add(" ").fit("server", name, "column").fit("", 10)
        line.fit("needs", needs, "column")
        if width >= 150:
            line.fit("version", version, "column")
        yield line.add("what it does" if width >= 100 else "", "column")
        for recipe, found in self.found:
            line = Line().add(" ").fit(recipe.name, name, "heading" if found.ok else "dim")
            line.fit("here", 10, "scope.process") if found.ok else line.fit("not here", 10, "dim")
            line.fit(recipe.needs, min(needs, width - line.width), "name" if found.ok else "dim")
            if width >= 150:
                line.fit(found.version, version, "dim")
            if width < 100:
                yield line
            else:
                yield from _with_title(line, recipe.title, width)
            if not found.ok:
                for text in textwrap.wrap(wording.clean(found.why), width - name - 1):
                    yield Line().to(name + 1).add(text)


def _with_title(line: Line, title: str, width: int) -> Iterator[Line]:
    """Add what a server does to its line, and what has no room to lines of the same column."""
    column = line.width
    for text in textwrap.wrap(title, width - column):
        yield line.to(column).add(text, "dim")
        line = Line()


def _widest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=6) + 2
