"""The pages of the documentation, as far as tests ask: code blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path inside the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The file without its code blocks."""
        return FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        """Its code blocks, in order."""
        return [Block(*found.groups()) for found in FENCE.finditer(self.text)]

    @property
    def links(self) -> list[str]:
        """Where its links and pictures lead."""
        return LINK.findall(re.sub(r"`[^`]*`(?!\])", "", self.prose))

    @property
    def pictures(self) -> list[Path]:
        """The files of its pictures."""
        return [(self.path.parent / target).resolve() for target in PICTURE.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """The anchors that its headings get."""
        return {anchor(heading) for heading in HEADING.findall(self.prose)}


def anchor(heading: str) -> str:
    """Returns what a host of Markdown makes of a heading: "What it costs?" is "what-it-costs"."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def pages() -> list[Page]:
    """Returns every page: the files at the top, then those in docs/."""
    return [*(Page(ROOT / name) for name in AT_THE_TOP), *documents()]


def documents() -> list[Page]:
    """Returns the pages in docs/."""
    return [Page(path) for path in sorted((ROOT / "docs").rglob("*.md"))]
