"""The picture of a boot: a tree of stages with their times, and the slowest modules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, plain, row, widest
from tests.render.sample_cafe import cafe
from tracer.model import Boot, Imported, Process, Span
from tracer.render import document, to_text
from tracer.render.pictures.boot import BootLine, BootTree

MS = 1_000_000


def boot(handler: int | None = None) -> Boot:
    """Returns the boot of a new project under a server, in round figures."""
    return Boot(
        begun=5,
        spans=(
            Span("interpreter", "Python 3.13.0", None, 0, 40 * MS, detail="84 modules in 38.1 ms"),
            Span("import", "mysite.wsgi", None, 40 * MS, 250 * MS),
            Span("setup", "django.setup", 1, 60 * MS, 200 * MS),
            Span("settings", "mysite.settings", 2, 60 * MS, 62 * MS),
            Span("app", "django.contrib.admin", 2, 70 * MS, 80 * MS),
            Span("models", "admin", 2, 80 * MS, 120 * MS),
            Span("ready", "admin", 2, 120 * MS, 125 * MS, error="KeyError"),
            Span("handler", "WSGIHandler", 1, 200 * MS, 240 * MS, handler),
            Span("middleware", "SessionMiddleware", 7, 210 * MS, 215 * MS),
            Span("urlconf", "mysite.urls", None, 250 * MS, 251 * MS, thread=1),
        ),
        modules=512,
        importing=203 * MS,
        heaviest=tuple(
            Imported(f"package.module_{number}", (60 - number) * MS, (61 - number) * MS)
            for number in range(50)
        ),
        watching=105 * MS,
    )


@pytest.fixture
def process() -> Process:
    """Returns the café's process as if it had been traced from its interpreter's start."""
    made = cafe()
    handler = next(life.id for life in made.lifetimes if life.kind == "handler")
    return replace(made, boot=boot(handler))


def test_each_stage_is_a_row_indented_as_the_calls_nest(process: Process) -> None:
    """It shows the stage's word, name, time in milliseconds, and error."""
    drawn = plain(BootTree(process))
    rows = [
        "Python 3.13.0 · 84 modules in 38.1 ms",
        "import mysite.wsgi",
        "  django.setup",
        "    settings mysite.settings",
        "    app django.contrib.admin",
        "    models admin",
        "    ready admin raises KeyError",
        "  handler WSGIHandler",
        "    SessionMiddleware",
        "URLconf mysite.urls",
    ]
    lines = drawn.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(" Python"))
    assert [line[1 : 1 + len(want)] for want, line in zip(rows, lines[at:], strict=False)] == rows
    assert row(drawn, "django.setup").endswith("140")
    assert row(drawn, "models admin").endswith("40.0")
    assert row(drawn, "settings").endswith("2.00")


def test_the_heaviest_modules_and_the_sums_stand_below(process: Process) -> None:
    """Modules have their own time and that with their imports; the tracer's is separate."""
    drawn = plain(BootTree(process))
    assert row(drawn, "package.module_0 ").split()[-2:] == ["60.0", "61.0"]
    assert "package.module_11 " in drawn
    assert "package.module_12 " not in drawn
    assert "512 modules imported in 203 ms" in drawn
    assert "the tracer took 105 ms to start, counted nowhere else" in drawn


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("picture", [BootTree, BootLine])
def test_it_keeps_to_the_width(process: Process, picture: type, width: int) -> None:
    """From the narrowest terminal to the widest."""
    assert widest(plain(picture(process), width)) <= width


def test_it_can_be_drawn_without_colour_and_in_ascii(process: Process) -> None:
    """No meaning is carried by colour alone."""
    assert ESCAPE not in plain(BootTree(process))
    assert plain(BootTree(process), encoding="ascii").isascii()
    assert ESCAPE in to_text(BootTree(process), width=118, colour=True, encoding="utf-8")


def test_the_short_form_has_the_main_stages_in_a_few_lines(process: Process) -> None:
    """A console shows it before the first timeline."""
    drawn = plain(BootLine(process))
    assert len(drawn.strip().splitlines()) <= 3
    for words in (
        "How process 48213 booted",
        "Python 3.13.0 40.0 ms",
        "settings 2.00 ms",
        "django.setup 140 ms for 1 app",
        "handler 40.0 ms for 1 middleware",
        "URLconf 1.00 ms",
        "512 modules imported",
    ):
        assert words in drawn.replace("\n", " ")


def test_without_a_recorded_boot_a_sentence_says_how_to_record_it() -> None:
    """It names the command."""
    drawn = plain(BootTree(cafe()))
    assert "it was not watched from its interpreter's start" in drawn
    assert "python -m tracer run --journal DIR -- COMMAND" in drawn
    assert plain(BootLine(cafe())).strip() == ""


def test_a_forked_process_names_the_process_that_built_its_application() -> None:
    """It shows its own stages, if there are any."""
    made = cafe()
    child = replace(made, about=replace(made.about, inherited=True, parent=48200))
    drawn = plain(BootTree(child))
    assert "What process 48213 did after the fork" in drawn
    assert "its application was built by process 48200 and handed down by fork" in drawn
    assert "tracer run" not in drawn
    own = replace(child, boot=Boot(begun=5, modules=3, importing=4 * MS))
    assert "3 modules imported in 4.00 ms" in plain(BootTree(own))


def test_control_characters_in_names_never_reach_the_terminal() -> None:
    """Names of modules come from the project."""
    bad = Boot(
        begun=0,
        spans=(Span("settings", "sett\x1bings", None, 0, MS),),
        modules=1,
        importing=MS,
        heaviest=(Imported("mod\x07ule", MS, MS),),
    )
    drawn = plain(BootTree(replace(cafe(), boot=bad)))
    assert ESCAPE not in drawn
    assert "\x07" not in drawn


def test_the_document_holds_the_boot(process: Process) -> None:
    """Times are in milliseconds; it is null if no boot was recorded."""
    (found,) = document([process])["processes"]
    assert json.loads(json.dumps(found["boot"])) == found["boot"]
    assert (found["boot"]["modules"], found["boot"]["importing_ms"]) == (512, 203.0)
    setup = found["boot"]["spans"][2]
    assert (setup["stage"], setup["parent"], setup["start_ms"]) == ("setup", 1, 60.0)
    handler = found["boot"]["spans"][7]
    assert handler["object"] in {life["id"] for life in found["lifetimes"]}
    assert found["boot"]["heaviest"][0] == {
        "name": "package.module_0",
        "own_ms": 60.0,
        "total_ms": 61.0,
    }
    (without,) = document([cafe()])["processes"]
    assert without["boot"] is None
