"""Pictures as text, and the terminals to which they are written."""

from __future__ import annotations

import errno
import io
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from tests.render.drawing import ESCAPE, plain, widest
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.render import Lifelines, Timeline, to_text
from tracer.render.formats import terminal
from tracer.render.formats.terminal import Terminal


class Stream(io.StringIO):
    """A stream without a descriptor that remembers each write."""

    def __init__(self, terminal: bool = False, encoding: str | None = "utf-8") -> None:
        super().__init__()
        self.terminal, self.named, self.writes, self.flushes = terminal, encoding, [], 0

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        return self.named

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)

    def flush(self) -> None:
        self.flushes += 1


@pytest.fixture
def tty() -> Iterator[Any]:
    """Yields both ends of a terminal of 97 columns: a stream to draw on, and one to read from."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 97, 0, 0))
    with open(theirs, "w", encoding="utf-8") as stream:
        yield stream, ours
    os.close(ours)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Returns every `os.write` of the module, which still writes."""
    seen: list[bytes] = []
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        seen.append(bytes(data))
        return real(descriptor, data)

    monkeypatch.setattr(terminal.os, "write", write)
    return seen


def test_one_picture_is_one_write_to_the_descriptor(tmp_path: Path, writes: list[bytes]) -> None:
    """Processes that share a log do not mix within a picture."""
    process = cafe()
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        stream.write("written before\n")
        terminal = Terminal(stream, {})
        assert terminal.write(Lifelines(process))
        assert len(writes) == 1
    text = (tmp_path / "log").read_text("utf-8")
    assert text == "written before\n" + plain(Lifelines(process)) + "\n"
    assert ESCAPE not in text


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is written next."""
    real = os.write
    monkeypatch.setattr(terminal.os, "write", lambda fd, data: real(fd, bytes(data)[:100]))
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        assert Terminal(stream, {}).write(Text("ü" * 118))
    assert (tmp_path / "log").read_text("utf-8") == "ü" * 118 + "\n\n"


def test_a_stream_without_a_descriptor_gets_one_write_and_a_flush() -> None:
    """As under mod_wsgi."""
    stream = Stream()
    assert Terminal(stream, {}).write(Lifelines(cafe()))
    assert len(stream.writes) == 1
    assert stream.flushes == 1


def test_a_stream_that_has_only_write_will_do() -> None:
    """Without isatty, fileno, flush and encoding."""

    class Log:
        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

    log = Log()
    assert Terminal(log, {}).write(Text("hello"))
    assert log.text == "hello\n\n"


@pytest.mark.parametrize("fault", [OSError(errno.EPIPE, "gone"), ValueError("closed"), KeyError()])
def test_a_stream_that_fails_ends_the_drawing_and_raises_nothing(fault: Exception) -> None:
    """It is not tried again."""

    class Broken:
        tried = 0

        def write(self, _text: str) -> None:
            self.tried += 1
            raise fault

    stream = Broken()
    terminal = Terminal(stream, {})
    assert terminal.write(Text("one")) is False
    assert terminal.failed
    assert terminal.write(Text("two")) is False
    assert stream.tried == 1


def test_a_closed_file_and_a_broken_pipe_end_the_drawing(tmp_path: Path) -> None:
    """With a real file and a real pipe."""
    with (tmp_path / "log").open("w") as closed:
        pass
    assert Terminal(closed, {}).write(Text("one")) is False
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        terminal = Terminal(stream, {})
        assert terminal.write(Text("one")) is False
        assert terminal.failed


def test_the_wait_for_a_reader_that_is_behind_has_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full pipe that does not block ends the drawing after a while."""
    monkeypatch.setattr("tracer.render.formats.terminal.WRITE_TIMEOUT", 0.01)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb"):
        terminal = Terminal(stream, {})
        process, drawn = SampleProcess().process(), 0
        while terminal.write(Lifelines(process)):
            drawn += 1
        assert drawn > 100
        assert terminal.failed


def test_a_fault_of_a_picture_is_not_taken_for_one_of_the_stream() -> None:
    """It is raised, and the next picture is drawn."""

    class Faulty:
        def __rich_console__(self, *_: object) -> Iterator[str]:
            raise ZeroDivisionError
            yield ""

    terminal = Terminal(Stream(), {})
    with pytest.raises(ZeroDivisionError):
        terminal.write(Faulty())
    assert not terminal.failed
    assert terminal.write(Text("next"))


def test_a_terminal_gets_colour_and_its_own_width(tty: Any) -> None:
    """Whatever COLUMNS says."""
    stream, ours = tty
    terminal = Terminal(stream, {"COLUMNS": "60", "TERM": "xterm-256color"})
    assert terminal.width == 97
    assert terminal.colour
    assert terminal.write(Text("hello", style="bold"))
    assert ESCAPE.encode() in os.read(ours, 1000)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(environ: dict[str, str]) -> None:
    """By NO_COLOR and by TERM=dumb."""
    assert not Terminal(Stream(terminal=True), environ).colour
    assert Terminal(Stream(terminal=True), {"NO_COLOR": "", "TERM": "xterm"}).colour


def test_only_the_stream_itself_decides_about_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe has no colour though the process has a terminal."""
    monkeypatch.setattr(os, "isatty", lambda _descriptor: True)
    assert not Terminal(Stream(terminal=False), {}).colour


@pytest.mark.parametrize(
    ("columns", "width"), [("80", 80), ("", 118), ("wide", 118), ("-3", 118), ("7", 40), ("²", 118)]
)
def test_without_a_terminal_columns_decides_the_width(columns: str, width: int) -> None:
    """Without COLUMNS it is 118."""
    assert Terminal(Stream(), {"COLUMNS": columns}).width == width
    assert Terminal(Stream(), {}).width == 118


def test_a_terminal_without_a_descriptor_still_has_a_width() -> None:
    """A notebook may call itself a terminal."""
    assert Terminal(Stream(terminal=True), {}).width == 118


def test_the_environment_is_the_process_s_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when drawing, not before."""
    terminal = Terminal(Stream())
    monkeypatch.setenv("COLUMNS", "83")
    assert terminal.width == 83


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "no such encoding", None])
def test_a_stream_gets_nothing_that_it_cannot_encode(encoding: str | None) -> None:
    """Characters of names are replaced, too."""
    sample = SampleProcess()
    with sample.request("/メニュー/\ud800"):
        pass
    process = sample.process()
    stream = Stream(encoding=encoding)
    assert Terminal(stream, {}).write(Timeline(process, process.requests[0]))
    try:
        stream.writes[0].encode(encoding or "utf-8")
    except LookupError:
        assert stream.writes[0].isascii()


def test_a_descriptor_gets_the_streams_own_encoding(tmp_path: Path) -> None:
    """A log in Latin-1 stays in Latin-1."""
    with (tmp_path / "log").open("w", encoding="latin-1") as stream:
        assert Terminal(stream, {}).write(Text("café ━ 茶"))
    assert (tmp_path / "log").read_bytes() == "café = ?\n\n".encode("latin-1")


def test_text_is_as_wide_as_asked_and_its_lines_end() -> None:
    """No padding is left at the ends."""
    for width in (80, 118, 200):
        text = to_text(Lifelines(cafe()), width=width, colour=False)
        assert widest(text) <= width
        assert text.endswith("\n")
        assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_one_picture_does_not_change_the_next() -> None:
    """They share a console."""
    process = cafe()
    first = plain(Lifelines(process), 80)
    to_text(Lifelines(process), width=200, colour=True, encoding="ascii")
    assert plain(Lifelines(process), 80) == first


def test_standard_error_under_test_can_be_drawn_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A captured stream has another's descriptor, or none."""
    assert Terminal(sys.stderr, {}).write(Text("hello"))
    assert "hello" in capsys.readouterr().err


def test_a_reader_that_catches_up_gets_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full pipe that does not block is written to again as soon as there is room."""
    monkeypatch.setattr(terminal, "WRITE_TIMEOUT", 60.0)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:
        try:
            os.write(writing, b"." * 4096)
        except BlockingIOError:
            break
    got = bytearray()

    def read() -> None:
        while not got.endswith(b"the end\n\n"):
            got.extend(os.read(reading, 65536))

    reader = threading.Thread(target=read)
    with os.fdopen(writing, "w") as stream:
        reader.start()
        assert Terminal(stream, {}).write(Text("the end"))
        reader.join(60)
    os.close(reading)
    assert got.endswith(b".the end\n\n")
