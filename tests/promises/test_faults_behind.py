"""Behind the request: what fails there costs a picture or a line, never what was asked for."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.driving import environ, serve
from tests.promises.waiting import until
from tracer import live, screen
from tracer.conf import Config
from tracer.desk import Desk
from tracer.journal import writer
from tracer.journal.reader import read
from tracer.model import History, Request
from tracer.probes import scan
from tracer.probes.collector import Collections
from tracer.recorder import holders
from tracer.recorder.assembly import Assembly
from tracer.recorder.recorder import Recorder
from tracer.render.block import Terminal

pytestmark = pytest.mark.django_db(databases=["default", "archive"])


class Broken(Exception):
    """The fault."""


def broken(*args: Any, **kwargs: Any) -> Any:
    """Stands in for anything."""
    raise Broken("on purpose")


@pytest.fixture
def drawn() -> io.StringIO:
    """Where pictures go."""
    return io.StringIO()


@pytest.fixture
def traced(site: Any, drawn: io.StringIO, tmp_path: Path) -> Iterator[live.Live]:
    """The tracer with a console and a journal."""
    config = Config(enabled=True, console=True, journal=tmp_path / "journal")
    yield live.start(config, drawn)
    live.stop()


def ask(path: str = "/plain/") -> bytes:
    """One request by a new handler; its body."""
    answer = serve(WSGIHandler(), environ(path))
    assert answer.status == "200 OK"
    return answer.body


def told(log: pytest.LogCaptureFixture) -> list[str]:
    """What the logger "tracer" said."""
    return [each.getMessage() for each in log.records if each.name == "tracer"]


BEHIND: tuple[tuple[Any, str], ...] = (
    (Desk, "about"),
    (Desk, "take"),
    (Desk, "_request"),
    (Desk, "requests_of"),
    (Assembly, "request"),
    (Assembly, "_spans"),
    (History, "feed"),
    (History, "snapshot"),
    (scan, "in_force"),
    (screen, "Timeline"),
    (screen, "Overview"),
    (screen.Screen, "timelines"),
    (Terminal, "write"),
    (live, "Terminal"),
    (live.Live, "_about"),
    (live, "Journal"),
)


@pytest.mark.parametrize(
    ("owner", "name"), BEHIND, ids=lambda each: getattr(each, "__name__", each)
)
def test_what_fails_behind_a_request_is_told_once_and_the_next_is_whole(
    traced: live.Live,
    drawn: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
) -> None:
    """Three requests with the fault, one line in the log; then one without it, and its picture."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        for _ in range(3):
            assert ask() == b"A short text."
            traced.look()
    assert len(told(caplog)) == 1, told(caplog)
    caplog.clear()
    # A terminal that could not be found, or has failed, is not looked for again.
    traced.screen._terminal = None  # type: ignore[union-attr]
    assert ask("/listing/")
    traced.look()
    assert told(caplog) == []
    assert "/listing/" in drawn.getvalue()
    live.stop()
    assert told(caplog) == []
    assert "Lifelines" in drawn.getvalue()
    (story,) = read(traced.config.journal).stories  # type: ignore[arg-type]
    assert story.process.requests[-1].path == "/listing/"
    assert story.process.ended


ENDING: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (Collections, "collect", ("What the first request", "Lifelines", "Ledger")),
    (Desk, "find_holders", ("What the first request", "Lifelines", "Ledger")),
    (holders, "paths", ("What the first request", "Lifelines", "Ledger")),
    (Desk, "end", ("What the first request", "Lifelines", "Ledger")),
    (screen, "FirstRequest", ("Lifelines", "Ledger")),
    (screen, "Lifelines", ("What the first request", "Ledger")),
    (screen, "Ledger", ("What the first request", "Lifelines")),
    (screen.Screen, "farewell", ()),
)


@pytest.mark.parametrize(
    ("owner", "name", "pictures"), ENDING, ids=lambda each: getattr(each, "__name__", str(each))
)
def test_what_fails_at_the_end_leaves_the_rest_of_it_whole(
    traced: live.Live,
    drawn: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    pictures: tuple[str, ...],
) -> None:
    """The other pictures are drawn, and the journal says that the process ended in order."""
    ask()
    ask()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        live.stop()
    assert len(told(caplog)) == 1, told(caplog)
    for picture in pictures:
        assert picture in drawn.getvalue()
    (story,) = read(traced.config.journal).stories  # type: ignore[arg-type]
    assert len(story.process.requests) == 2
    assert story.process.ended is (name != "end")


def test_one_request_that_cannot_be_made_out_costs_no_other(
    traced: live.Live, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours in the same batch reach the journal."""
    request = Assembly.request

    def picky(self: Assembly, trace: Any) -> Request:
        if trace.told[2] == "/listing/":
            raise Broken
        return request(self, trace)

    with traced.lock:  # so that the background thread takes all of them at once
        monkeypatch.setattr(Assembly, "request", picky)
        for path in ("/plain/", "/listing/", "/stream/"):
            ask(path)
    traced.look()
    live.stop()
    (story,) = read(traced.config.journal).stories  # type: ignore[arg-type]
    assert [request.path for request in story.process.requests] == ["/plain/", "/stream/"]
    assert len(told(caplog)) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_journal_that_cannot_be_written_is_told_once(
    traced: live.Live,
    drawn: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """Disk full, disk broken, disk read-only: requests and pictures go on."""

    def full(file: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(writer.os, "write", full)
        for _ in range(4):
            assert ask() == b"A short text."
            traced.look()
    assert len(told(caplog)) == 1
    assert os.strerror(number) in told(caplog)[0]
    assert drawn.getvalue().count("/plain/") >= 4


def test_a_journal_whose_directory_is_taken_away_is_told_once(
    traced: live.Live, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not created again behind somebody's back."""
    directory = traced.config.journal
    assert directory is not None
    ask()
    traced.look()
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    for _ in range(3):
        assert ask() == b"A short text."
        traced.look()
    live.stop()
    assert len(told(caplog)) == 1
    assert not directory.exists()


class Closed(io.StringIO):
    """A stream that fails."""

    def write(self, text: str) -> int:
        """Somebody has hung up."""
        raise BrokenPipeError("nobody reads")


@pytest.mark.parametrize("stream", [Closed(), object(), None], ids=["closed", "no stream", "none"])
def test_a_terminal_that_is_gone_ends_the_drawing_and_nothing_else(
    site: Any, monkeypatch: pytest.MonkeyPatch, stream: Any, tmp_path: Path
) -> None:
    """A process may well have no standard output."""
    monkeypatch.setattr(sys, "stdout", stream)
    traced = live.start(Config(enabled=True, console=True, journal=tmp_path), None)
    for _ in range(3):
        assert ask() == b"A short text."
        traced.look()
    live.stop()
    monkeypatch.undo()
    (story,) = read(tmp_path).stories
    assert len(story.process.requests) == 3


class Stuck(io.StringIO):
    """A stream that takes its time: until somebody lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        """Wait, then write."""
        self.entered.set()
        assert self.go.wait(60)
        return super().write(text)


def test_a_terminal_that_takes_no_more_holds_up_no_request(
    site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even when more of them wait than may: they are journalled, their pictures skipped."""
    monkeypatch.setattr(live, "BACKLOG", 5)
    stream = Stuck()
    traced = live.start(Config(enabled=True, console=True, journal=tmp_path), stream)
    handler = WSGIHandler()
    try:
        serve(handler, environ("/plain/"))
        assert stream.entered.wait(30)
        for _ in range(40):
            serve(handler, environ("/plain/"))
        assert len(traced.recorder.finished) <= 6
        assert traced.screen is not None
        assert traced.screen.skipped >= 30
        monkeypatch.setattr(live, "FAREWELL", 0.1)
        live.stop()
    finally:
        stream.go.set()
    assert traced.thread is not None
    traced.thread.join(30)
    (story,) = read(tmp_path).stories
    assert [request.number for request in story.process.requests] == list(range(1, 42))
    assert story.process.ended


def test_without_another_thread_requests_are_taken_as_they_come(
    traced: live.Live, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system has no more threads to give; once it has, they are used."""
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", broken)
        for _ in range(3):
            assert ask() == b"A short text."
        assert len(told(caplog)) == 1
        assert traced.thread is None
        assert len(traced.recorder.finished) == 3
    ask()
    until(lambda: not traced.recorder.finished)
    assert traced.thread is not None


def test_a_fault_while_a_module_is_imported_keeps_no_module_from_being_imported(
    traced: live.Live,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Neither the finder nor a probe that waited for the module can do so."""
    (tmp_path / "late_module.py").write_text("READY = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    traced.installation.imports.when("late_module", broken)
    assert importlib.import_module("late_module").READY
    assert len(told(caplog)) == 1
    monkeypatch.delitem(sys.modules, "late_module")


class Odd:
    """A finder of the old kind: it cannot find specs."""

    def find_module(self, name: str, path: Any = None) -> None:
        """Nobody asks any more."""


def test_other_finders_are_asked_as_python_asks_them(
    traced: live.Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One without `find_spec` is passed over."""
    odd = Odd()
    sys.meta_path.insert(1, odd)  # type: ignore[arg-type]
    (tmp_path / "later_module.py").write_text("READY = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    heard: list[str] = []
    traced.installation.imports.when("later_module", lambda module: heard.append(module.__name__))
    try:
        importlib.import_module("later_module")
    finally:
        sys.meta_path.remove(odd)  # type: ignore[arg-type]
    assert heard == ["later_module"]
    monkeypatch.delitem(sys.modules, "later_module")


def test_a_fault_in_a_collection_is_told_and_the_collection_goes_on(
    traced: live.Live, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would print it, once for every collection."""
    monkeypatch.setattr(traced.recorder, "clock", broken)
    gc.collect()
    gc.collect()
    monkeypatch.undo()
    assert len(told(caplog)) == 1


CLOCKS: tuple[tuple[str, Callable[[Recorder], Any]], ...] = (
    ("clock", lambda recorder: broken),
    ("lane", lambda recorder: None),
    ("numbers", lambda recorder: iter(())),
    ("flying", lambda recorder: None),
    ("lives", lambda recorder: None),
)


@pytest.mark.parametrize(
    ("name", "make"), CLOCKS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_recorder_that_is_broken_for_good_changes_no_answer(
    site: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[Recorder], Any],
) -> None:
    """Not once but always, and for whatever asks: still one line for each place."""
    paths = ("/plain/", "/listing/", "/stream/", "/nested/", "/pool/", "/cafe/menu/")
    bare = [ask(path) for path in paths]
    traced = live.start(Config(enabled=True, console=False))
    monkeypatch.setattr(traced.recorder, name, make(traced.recorder))
    for _ in range(2):
        assert [ask(path) for path in paths] == bare
    lines = told(caplog)
    assert lines
    assert len(lines) == len(set(lines))
    monkeypatch.undo()


def test_a_fault_names_its_place_and_kind_but_repeats_no_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What an exception says may be the application's own, such as a key or a value."""
    Recorder().fault("cache", KeyError("canary"))
    (line,) = told(caplog)
    assert "cache" in line
    assert "KeyError" in line
    assert "canary" not in line
