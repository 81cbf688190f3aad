"""A sentence among pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracer.render.layout.canvas import Line, wrap
from tracer.render.pictures.picture import Picture


@dataclass(frozen=True, slots=True, repr=False)
class Sentence(Picture):
    """A sentence at the margin of the pictures, on as many lines as it takes."""

    text: str

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the sentence line by line."""
        yield from wrap(self.text, width)
