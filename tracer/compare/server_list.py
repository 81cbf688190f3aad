"""Draws the list of servers that a comparison can run, and which of them are installed here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from tracer.render.layout import wording
from tracer.render.layout.canvas import Line
from tracer.render.pictures.picture import Picture
from tracer.servers import Recipe


class ServerList(Picture):
    """The list, one line or two for each server."""

    def __init__(self, recipes: Iterable[Recipe]) -> None:
        self.found = [(recipe, recipe.available()) for recipe in recipes]

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
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
    """Adds what a server does to its line, and wraps the rest into lines below, indented alike."""
    column = line.width
    for text in textwrap.wrap(title, width - column):
        yield line.to(column).add(text, "dim")
        line = Line()


def _widest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=6) + 2
