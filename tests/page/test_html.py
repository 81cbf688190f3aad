"""The HTML page as text: it holds everything, is small, and no recorded name can break it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.render.sample_cafe import Cafe, cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process, scope
from tracer.render.formats.json_document import document
from tracer.render.layout import theme
from tracer.render.page import html
from tracer.render.page.packing import pack_document

ROOT = Path(html.__file__).parents[3]
PARTS = sorted(
    part for part in Path(html.__file__).parent.iterdir() if part.suffix in (".css", ".html", ".js")
)
NASTY = "/</script><script>alert(1)</script>&amp;<!--\u2028\u2029]]>{{script}}\udce9\x00"


class ParsedPage(HTMLParser):
    """The tags of a page, its policy, and the text of its script and style blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.blocks: list[tuple[str, str, str]] = []
        self.inside: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(attributes["content"])
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert "src" not in attributes
        if tag in ("script", "style"):
            self.inside = tag, attributes.get("type") or ""
            self.blocks.append((*self.inside, ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside:
            *kind, text = self.blocks[-1]
            self.blocks[-1] = (*kind, text + data)  # type: ignore[assignment]

    def block(self, tag: str, kind: str = "") -> str:
        """Returns the only block of this kind."""
        (found,) = (text for name, type_, text in self.blocks if (name, type_) == (tag, kind))
        return found


@pytest.fixture(scope="module")
def process() -> Process:
    """The café after six requests."""
    return cafe(end=True)


def hostile() -> Process:
    """Returns a process in which every name tries to break the page."""
    sample = SampleProcess(server=NASTY, mode=NASTY)
    with sample.request(NASTY, method=NASTY) as now:
        now.does("view", NASTY, now.builds("view", NASTY, cls=NASTY), detail=NASTY, error=NASTY)
    return sample.process()


# -- what it carries ------------------------------------------------------------------------------


def test_packing_loses_nothing(process: Process) -> None:
    """All of the document is found again by the names of the rows' fields."""
    whole = document([process])
    small = json.loads(json.dumps(pack_document(whole)))
    texts, fields = small["texts"], small["fields"]

    def unpacked(kind: str, row: list[Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field, value in zip(fields[kind], row, strict=False):
            if field[0] == "$":
                value = None if value is None else texts[value]
            made[field.lstrip("$*")] = [texts[n] for n in value] if field[0] == "*" else value
        return made

    (original,), (one,) = whole["processes"], small["processes"]
    assert len(one["requests"]) == len(original["requests"]) == 6
    for row, request in zip(one["requests"], original["requests"], strict=True):
        found = unpacked("request", row)
        for name in ("number", "method", "path", "status", "thread", "bytes", "imported", "ending"):
            assert found[name] == request[name]
        assert found["duration"] == pytest.approx(request["duration_ms"] * 1e4, abs=1)
        assert one["sets"][found["used"]] == request["used"]
        spans = found["spans"]
        assert len(spans) == 4 * len(request["spans"])
        for at, span in enumerate(request["spans"]):
            which, start, length, thing = spans[4 * at : 4 * at + 4]
            stage = unpacked("stage", one["stages"][which])
            assert {name: span[name] for name in stage} == stage
            assert start == pytest.approx(span["start_ms"] * 1e4, abs=1)
            assert start + length == pytest.approx(span["end_ms"] * 1e4, abs=1)
            assert thing - 1 == (-1 if span["object"] is None else span["object"])
    check_lives(one, original, unpacked)


def check_lives(one: dict[str, Any], original: dict[str, Any], unpacked: Any) -> None:
    """Checks each life, with the values that its row leaves off."""
    id_ = 0
    assert len(one["lives"]) == len(original["lifetimes"])
    for row, life in zip(one["lives"], original["lifetimes"], strict=True):
        usual = [None, None, None, None, 1, row[2], None, None]
        found = unpacked("life", [*row, *usual[len(row) :]])
        id_ += found.pop("id")
        assert id_ == life["id"]
        kind = unpacked("kind", one["kinds"][found.pop("of")])
        assert {name: life[name] for name in (*found, *kind)} == {**found, **kind}


def test_a_request_takes_few_bytes(process: Process) -> None:
    """A page with thousands of requests must open at once."""

    def size(times: int) -> int:
        sample = cafe_of(times)
        return len(html.html_page([sample]))

    assert (size(400) - size(200)) / 200 < 2_000


def cafe_of(times: int) -> Process:
    """Returns a café that served so many requests."""
    sample = Cafe()
    for number in range(times):
        sample.menu(2 + number % 2)
        if number % 7 == 6:
            sample.collects(*sample.late)
            sample.late.clear()
    return sample.process()


# -- escaping -------------------------------------------------------------------------------------


def test_no_name_can_leave_the_block_that_holds_it() -> None:
    """A path stays text, whatever its characters are."""
    text = html.html_page([hostile()])
    read = ParsedPage(text)
    assert read.tags.count("script") == 2
    data = read.block("script", "application/json")
    assert not set("<>&\u2028\u2029") & set(data)
    assert data.isascii()
    assert NASTY in json.loads(data)["texts"]
    text.encode("utf-8")


def test_the_page_without_its_data_is_the_same_for_all() -> None:
    """What was recorded stands in the data and the title only."""
    pages = [html.html_page([each]) for each in (hostile(), cafe())]
    bare = [re.sub(r'<title>.*?</title>|id="data">[^<]*<', "", page) for page in pages]
    assert bare[0] == bare[1]


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(process: Process) -> None:
    """It names their hashes; nothing else is loaded, framed or sent."""
    read = ParsedPage(html.html_page([process]))
    hashes = []
    for tag in ("script", "style"):
        digest = hashlib.sha256(read.block(tag).encode()).digest()
        hashes.append(f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'")
    assert read.policy.split("; ") == [
        "default-src 'none'", *hashes, "img-src data:", "base-uri 'none'", "form-action 'none'"
    ]  # fmt: skip


def test_the_script_makes_text_of_names_and_nothing_else() -> None:
    """No script uses a function that turns text into markup or code."""
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    )
    for part in PARTS:
        assert not re.search(forbidden, part.read_text("utf-8")), part.name


def test_nothing_in_it_is_a_network_address(process: Process) -> None:
    """The only exception is the name of SVG's namespace, which nothing fetches."""
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html.html_page([process])))
    assert addresses == {"http://www.w3.org/2000/svg"}


# -- colours --------------------------------------------------------------------------------------


def test_a_scope_has_the_colour_that_it_has_on_the_console() -> None:
    """All pictures take it from one table."""
    sheet = html.colours()
    for verdict in scope.SCOPES:
        colour = theme.scope_style(verdict).color
        assert colour is not None
        assert f"--{verdict}:{colour.get_truecolor().hex}" in sheet


@pytest.mark.parametrize("verdict", scope.SCOPES)
def test_a_scopes_word_can_be_read_on_both_grounds(verdict: str) -> None:
    """Its contrast is at least 4.5, as the guidelines ask."""
    found = re.search(rf"--{verdict}-text:light-dark\(#(\w+),#(\w+)\)", html.colours())
    assert found
    for text, ground in zip(found.groups(), (html.LIGHT, html.DARK), strict=True):
        assert html.contrast(tuple(bytes.fromhex(text)), ground) >= 4.5  # type: ignore[arg-type]


def test_contrast_is_computed_as_the_guidelines_do() -> None:
    """Black on white is 21, a colour on itself 1."""
    assert html.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert html.contrast((9, 99, 199), (9, 99, 199)) == 1
    assert html.contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


# -- its parts ------------------------------------------------------------------------------------


def test_every_part_is_used_and_is_installed_with_the_package() -> None:
    """A wheel without the parts could not make a page."""
    used = {"page.html", *(f"{n}.css" for n in html.STYLES), *(f"{n}.js" for n in html.SCRIPTS)}
    assert {part.name for part in PARTS} == used
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "render/page/*" in project["tool"]["setuptools"]["package-data"]["tracer"]


def test_every_part_is_short_and_says_what_it_is() -> None:
    """It has at most 300 lines and begins with a comment."""
    for part in PARTS:
        lines = part.read_text("utf-8").splitlines()
        assert len(lines) <= 300, part.name
        if part.suffix != ".html":
            assert lines[0].startswith(("//", "/*")), part.name


def test_the_title_names_processes_and_server(process: Process) -> None:
    """A browser's tab shows it."""
    assert "<title>1 process · gunicorn · tracer</title>" in html.html_page([process])
    assert "<title>2 processes · gunicorn · tracer</title>" in html.html_page([process, process])
    assert "<title>0 processes · tracer</title>" in html.html_page([])
