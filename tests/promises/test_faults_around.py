"""The world around the tracer fails: disks, terminals, threads, modules, clocks."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.promises.breaking import ask, broken, logged
from tests.support.client import environ, serve
from tests.support.waiting import until
from tracer import runtime
from tracer.conf import Config
from tracer.journal import writer
from tracer.journal.reader import read
from tracer.recorder.recorder import Recorder
from tracer.runtime import worker

pytestmark = pytest.mark.django_db(databases=["default", "archive"])


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_journal_that_cannot_be_written_is_logged_once(
    traced: runtime.Tracer,
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
            traced.handle_recorded()
    assert len(logged(caplog)) == 1
    assert os.strerror(number) in logged(caplog)[0]
    assert drawn.getvalue().count("/plain/") >= 4


@pytest.mark.usefixtures("by_hand")
def test_a_journal_whose_directory_is_taken_away_is_logged_once(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not created again behind somebody's back."""
    directory = traced.config.journal
    assert directory is not None
    ask()
    traced.handle_recorded()
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    for _ in range(3):
        assert ask() == b"A short text."
        traced.handle_recorded()
    runtime.stop()
    assert len(logged(caplog)) == 1
    assert not directory.exists()


class Closed(io.StringIO):
    """A stream that fails."""

    def write(self, text: str) -> int:
        """Somebody has hung up."""
        raise BrokenPipeError("nobody reads")


@pytest.mark.parametrize("stream", [Closed(), object(), None], ids=["closed", "no stream", "none"])
def test_a_terminal_thatis_gone_ends_the_drawing_and_nothing_else(
    site: Any, monkeypatch: pytest.MonkeyPatch, stream: Any, tmp_path: Path
) -> None:
    """A process may well have no standard output."""
    monkeypatch.setattr(sys, "stdout", stream)
    traced = runtime.start(Config(enabled=True, console=True, journal=tmp_path), None)
    for _ in range(3):
        assert ask() == b"A short text."
        traced.handle_recorded()
    runtime.stop()
    monkeypatch.undo()
    (story,) = read(tmp_path).files
    assert len(story.load().requests) == 3


class Stuck(io.StringIO):
    """A stream that takes its time: until somebody lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        """Wait, then write."""
        self.entered.set()
        assert self.go.wait(240)
        return super().write(text)


def test_a_terminal_that_takes_no_more_holds_up_no_request(
    site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even when more of them wait than may: they are journalled, their pictures skipped."""
    monkeypatch.setattr(worker, "MOST_FINISHED", 5)
    stream = Stuck()
    traced = runtime.start(Config(enabled=True, console=True, journal=tmp_path), stream)
    handler = WSGIHandler()
    try:
        serve(handler, environ("/plain/"))
        assert stream.entered.wait(120)
        for _ in range(40):
            serve(handler, environ("/plain/"))
        assert len(traced.recorder.finished) <= 6
        assert traced.console is not None
        assert traced.console.skipped >= 30
        monkeypatch.setattr(worker, "SHUTDOWN_PATIENCE", 0.1)
        runtime.stop()
    finally:
        stream.go.set()
    assert traced.worker.thread is not None
    traced.worker.thread.join(120)
    (story,) = read(tmp_path).files
    assert [request.number for request in story.load().requests] == list(range(1, 42))
    assert story.load().ended


def test_without_another_thread_requests_are_taken_as_they_come(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system has no more threads to give; once it has, they are used."""
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", broken)
        for _ in range(3):
            assert ask() == b"A short text."
        assert len(logged(caplog)) == 1
        assert traced.worker.thread is None
        assert len(traced.recorder.finished) == 3
    ask()
    until(lambda: not traced.recorder.finished)
    assert traced.worker.thread is not None


def test_a_fault_while_a_module_is_imported_keeps_no_module_from_being_imported(
    traced: runtime.Tracer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Neither the finder nor a probe that waited for the module can do so."""
    (tmp_path / "late_module.py").write_text("READY = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    traced.installation.imports.when("late_module", broken)
    assert importlib.import_module("late_module").READY
    assert len(logged(caplog)) == 1
    monkeypatch.delitem(sys.modules, "late_module")


class Odd:
    """A finder of the old kind: it cannot find specs."""

    def find_module(self, name: str, path: Any = None) -> None:
        """Nobody asks any more."""


def test_other_finders_are_asked_as_python_asks_them(
    traced: runtime.Tracer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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


def test_a_fault_in_a_collection_is_logged_and_the_collection_goes_on(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would print it, once for every collection."""
    monkeypatch.setattr(traced.recorder, "clock", broken)
    gc.collect()
    gc.collect()
    monkeypatch.undo()
    assert len(logged(caplog)) == 1


CLOCKS: tuple[tuple[str, Callable[[Recorder], Any]], ...] = (
    ("clock", lambda recorder: broken),
    ("current_thread", lambda recorder: None),
    ("numbers", lambda recorder: iter(())),
    ("in_flight", lambda recorder: None),
    ("weakrefs", lambda recorder: None),
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
    traced = runtime.start(Config(enabled=True, console=False))
    monkeypatch.setattr(traced.recorder, name, make(traced.recorder))
    for _ in range(2):
        assert [ask(path) for path in paths] == bare
    lines = logged(caplog)
    assert lines
    assert len(lines) == len(set(lines))
    monkeypatch.undo()


def test_a_fault_names_its_place_and_kind_but_repeats_no_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What an exception says may be the application's own, such as a key or a value."""
    Recorder().fault("cache", KeyError("canary"))
    (line,) = logged(caplog)
    assert "cache" in line
    assert "KeyError" in line
    assert "canary" not in line
