"""The servers that a comparison can run: what each of them shows, and whether it is here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from tracer.render import words
from tracer.render.canvas import Line
from tracer.render.picture import Picture


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
        name = max((len(recipe.name) for recipe, _ in self.found), default=6) + 2
        longest = max((len(found.version) for _, found in self.found), default=0)
        state = min(max(longest + 7, 10), width // 4)
        for recipe, found in self.found:
            line = Line().add(" ").fit(recipe.name, name, "heading" if found.ok else "dim")
            if found.ok:
                line.fit(f"here {found.version}", state, "scope.process").add("  ")
                yield line.add(words.crop(recipe.title, width - line.width))
                continue
            line.fit("not here", state, "dim").add("  ")
            told = words.clean(found.why)
            if width - line.width >= len(told):
                yield line.add(told, "dim")
                continue
            yield line.add(words.crop(recipe.title, width - line.width), "dim")
            yield Line().to(name + 1).add(words.crop(told, width - name - 1), "dim")
