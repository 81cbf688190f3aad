"""Pictures draw themselves: in a terminal, in a message, in a notebook, in a document."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.text import Text

from tests.support.command import Run
from tests.support.journals import two_processes
from tracer.journal.reader import processes
from tracer.recording.view import Reading
from tracer.render import to_html, to_svg
from tracer.render.formats.glyphs import GLYPHS
from tracer.render.formats.svg import CONTRAST, DARK, LIGHT, _contrast, _shade
from tracer.render.layout.theme import FALLBACK, STYLES, TIMES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """A process that served a few requests."""
    journal = two_processes(tmp_path_factory.mktemp("journal"))
    return Reading(processes(journal)[0])


def test_every_picture_shows_itself_everywhere(reading: Reading) -> None:
    """The same lines, by print, in a shell, through rich and in a notebook."""
    for picture in (
        reading.timeline(),
        reading.lifelines(),
        reading.ledger(),
        reading.first_request(),
        reading.overview(),
    ):
        text = str(picture)
        assert repr(picture) == text
        assert "\x1b" not in text
        console = Console(file=io.StringIO(), width=118, _environ={})
        console.print(picture)
        assert console.file.getvalue().rstrip("\n") == text  # type: ignore[attr-defined]
        shown = picture._repr_mimebundle_()
        assert shown["text/plain"] == text
        assert shown["text/html"].count("<svg ") == 1


def test_a_reading_shows_its_lifelines(reading: Reading) -> None:
    """Wherever it is shown itself."""
    assert str(reading) == str(reading.lifelines())
    assert reading._repr_mimebundle_() == reading.lifelines()._repr_mimebundle_()


def test_an_svg_is_the_same_whenever_it_is_drawn(reading: Reading) -> None:
    """And another picture has another name, so that several can share a page."""
    one, again = to_svg(reading.lifelines()), to_svg(reading.lifelines())
    assert one == again
    names = {re.findall(r'class="(t[0-9a-f]{8})"', to_svg(each))[0] for each in (
        reading.lifelines(), reading.ledger(), Text("a"), Text("b"))}  # fmt: skip
    assert len(names) == 4


def test_an_svg_fetches_nothing(reading: Reading) -> None:
    """No font, no image, no script: the only address in it names the format."""
    drawn = to_svg(reading.lifelines())
    assert re.findall(r"https?://[^\s\"']+", drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|@import|@font-face|href|url\(", drawn)


def test_an_svg_says_what_it_is_to_those_who_do_not_see_it(reading: Reading) -> None:
    """It has a role, a title and a description."""
    drawn = ElementTree.fromstring(to_svg(reading.lifelines(), title="Who lives how long"))
    assert drawn.get("role") == "img"
    assert drawn.findtext(f"{SVG}title") == "Who lives how long"
    assert str(drawn.findtext(f"{SVG}desc")).startswith("Lifelines of process")
    untitled = ElementTree.fromstring(to_svg(reading.lifelines()))
    assert str(untitled.findtext(f"{SVG}title")).startswith("Lifelines of process")


def test_an_svg_has_every_word_of_the_text(reading: Reading) -> None:
    """And each stands at its column; what is drawn with lines is drawn as shapes."""
    picture = reading.timeline()
    drawn = ElementTree.fromstring(to_svg(picture))
    words = [str(each.text) for each in drawn.iter(f"{SVG}text")]
    text = str(picture).translate(dict.fromkeys(map(ord, GLYPHS), " "))
    assert " ".join(words).split() == text.split()
    assert not set("".join(words)) & set(GLYPHS)
    assert len(list(drawn.iter(f"{SVG}rect"))) > 5


def test_every_glyph_of_the_theme_is_a_shape_or_in_every_font() -> None:
    """Lines, dots and arrows are shapes; the few others are letters of any font."""
    assert set(FALLBACK) - set(GLYPHS) == {*"·…→≈µ✗", TIMES}


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_can_be_read_on_its_ground(scheme: Any) -> None:
    """As the accessibility guidelines ask for text."""
    for style in STYLES.values():
        colour = style.color.get_truecolor() if style.color else None
        if not style.dim:
            assert _contrast(_shade(colour, False, scheme), scheme[0]) >= CONTRAST


NASTY = "</script><script>alert(1)</script> &amp; \"' ]]> <!-- \x00\x1b[31m \ud800 \u202e é 汉"


def test_what_comes_from_outside_is_text() -> None:
    """Whatever it contains, the SVG is well-formed and the HTML has no element of its making."""
    drawn = to_svg(Text(NASTY), title=NASTY, desc=NASTY)
    root = ElementTree.fromstring(drawn)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "g", "text"
    }  # fmt: skip
    assert "<script" not in drawn
    assert "alert(1)" in str(root.findtext(f"{SVG}title"))
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            found.append(tag)

    Parser().feed(to_html(Text(NASTY), title=NASTY))
    assert set(found) <= {"figure", "svg", "title", "style", "rect", "g", "text", "desc",
                          "details", "summary", "pre"}  # fmt: skip


def test_a_host_that_strips_the_drawing_still_shows_the_text(reading: Reading) -> None:
    """The text beside it is whole."""
    html = to_html(reading.ledger())
    stripped = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    assert "Ledger of process" in stripped
    # And one that strips style sheets still shows the colours, which are attributes.
    assert re.search(r'<rect [^>]*fill="#', re.sub(r"<style.*?</style>", "", html))


# -- tracer show --format svg -------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of two processes."""
    return two_processes(tmp_path / "journal")


def test_one_picture_goes_to_a_file_or_to_standard_output(journal: Path, tmp_path: Path) -> None:
    """The same in both."""
    asked = ("show", journal, "--process", 31, "--format", "svg", "--only", "lifelines")
    printed = Run(*asked)
    assert (printed.status, printed.err) == (0, "")
    file = tmp_path / "lifelines.svg"
    written = Run(
        "show", journal, "--process", 31, "--format", "svg", "--only", "lifelines", "--output", file
    )
    assert (written.status, written.out) == (0, "")
    assert file.read_text() == printed.out
    ElementTree.fromstring(printed.out)


def test_several_pictures_go_into_a_directory(journal: Path, tmp_path: Path) -> None:
    """Each under a name of its own."""
    into = tmp_path / "new" / "pictures"
    run = Run("show", journal, "--format", "svg", "--output", into, "--width", "80")
    assert (run.status, run.out, run.err) == (0, "", "")
    names = {path.name for path in into.iterdir()}
    for pid in (31, 32):
        assert {f"overview-{pid}.svg", f"lifelines-{pid}.svg", f"ledger-{pid}.svg"} <= names
    assert {"timeline-31-8.svg", "timeline-32-1.svg", "timeline-32-2.svg"} <= names
    for path in into.iterdir():
        assert ElementTree.parse(path).getroot().get("width") == "696"


def test_several_pictures_need_a_directory(journal: Path, tmp_path: Path) -> None:
    """What to do is said, and nothing is written."""
    file = tmp_path / "all.svg"
    for output in ([], ["--output", file]):
        run = Run("show", journal, "--format", "svg", *output)
        assert (run.status, run.out) == (1, "")
        assert "name a directory for them" in run.err
    assert not file.exists()
