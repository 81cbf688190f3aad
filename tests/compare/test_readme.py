"""The README's answer to "is there any part of Django that keeps running?" is the measured one."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from tracer.compare.count import Row, conclusion
from tracer.servers import RECIPES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REBUILDING = {"cgi", "apache-cgi"}


def answer() -> str:
    """Returns the section that answers the question."""
    return README.partition("## Is there any part of Django that keeps running?")[2].partition(
        "\n## "
    )[0]


def drawn() -> list[str]:
    """Returns the picture's lines, as text."""
    (picture,) = re.findall(r"!\[[^]]*\]\((\S+comparison\.svg)\)", answer())
    lines: dict[float, list[tuple[float, str]]] = {}
    for text in ElementTree.parse(ROOT / picture).iter("{http://www.w3.org/2000/svg}text"):
        place = float(text.get("x", 0)), "".join(text.itertext())
        lines.setdefault(float(text.get("y", 0)), []).append(place)
    return [" ".join(text for _, text in sorted(lines[y])) for y in sorted(lines)]


def shares() -> dict[str, float]:
    """Returns, for each server, the share that the picture says was built anew for each request."""
    rows = [line.replace("\xa0", " ").split() for line in drawn()]
    return {row[0]: float(row[-1]) for row in rows if row and row[0] in RECIPES}


def test_the_answer_has_the_picture_with_every_server_in_it() -> None:
    assert list(shares()) == list(RECIPES)


def test_the_picture_shows_that_cgi_alone_builds_everything_anew() -> None:
    assert {server for server, share in shares().items() if share == 1} == REBUILDING
    assert max(share for server, share in shares().items() if server not in REBUILDING) < 0.25
    assert "Nearly all of it, unless your server is CGI." in answer()


def test_the_pictures_conclusion_follows_from_its_numbers() -> None:
    rows = [Row(server, rebuilt_per_request=share) for server, share in shares().items()]
    text = " ".join(" ".join(drawn()).replace("\xa0", " ").split())
    assert conclusion(20, rows) in text
