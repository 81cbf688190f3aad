"""Behind the request: what fails there costs a picture or a line, never what was asked for."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from tests.facts.reading import on_thread
from tests.promises.breaking import Broken, ask, broken, logged
from tracer import runtime
from tracer.heap import roots, thread_locals
from tracer.heap.walk import Walk
from tracer.journal.encode import Encoder
from tracer.journal.reader import read
from tracer.model import History, assemble
from tracer.model.masking import Masking
from tracer.model.object_log import ObjectLog
from tracer.model.privacy import Privacy
from tracer.probes import preexisting
from tracer.probes.garbage_collector import CollectionProbe
from tracer.recorder.trace import Trace
from tracer.render.formats.terminal import Terminal
from tracer.runtime import console, journal_sink, overhead, shutdown
from tracer.runtime.backlog import Backlog
from tracer.runtime.identity import Identity
from tracer.runtime.intake import Intake
from tracer.runtime.introduction import Introduction
from tracer.runtime.journal_sink import JournalSink
from tracer.runtime.pipeline import Pipeline
from tracer.runtime.walk_schedule import WalkSchedule
from tracer.runtime.walker import Walker

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("by_hand"),
]


BEHIND: tuple[tuple[Any, str], ...] = (
    (Introduction, "say"),
    (Intake, "take"),
    (Pipeline, "run"),
    (JournalSink, "take"),
    (Backlog, "take"),
    (Encoder, "_requests"),
    (Masking, "recorded"),
    (Privacy, "stages"),
    (assemble, "request"),
    (ObjectLog, "add"),
    (overhead, "measure"),
    (History, "feed"),
    (History, "snapshot"),
    (preexisting, "singletons_in_use"),
    (console, "Timeline"),
    (console, "Overview"),
    (console.Console, "take"),
    (console.Console, "draw"),
    (Terminal, "write"),
    (console, "Terminal"),
    (Identity, "about"),
    (journal_sink, "Journal"),
)


@pytest.mark.parametrize(
    ("owner", "name"), BEHIND, ids=lambda each: getattr(each, "__name__", each)
)
def test_what_fails_behind_a_request_is_logged_once_and_the_next_is_whole(
    traced: runtime.Tracer,
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
            traced.handle_recorded()
    assert len(logged(caplog)) == 1, logged(caplog)
    caplog.clear()
    # A terminal that could not be found, or has failed, is not looked for again.
    traced.console._terminal = None  # type: ignore[union-attr]
    assert ask("/listing/")
    traced.handle_recorded()
    assert logged(caplog) == []
    assert "/listing/" in drawn.getvalue()
    runtime.stop()
    assert logged(caplog) == []
    assert "Lifelines" in drawn.getvalue()
    (story,) = read(traced.config.journal).files  # type: ignore[arg-type]
    assert story.load().requests[-1].path == "/listing/"
    assert story.load().ended


ENDING: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (CollectionProbe, "collect", ("What the first request", "Lifelines", "Ledger")),
    (Walker, "run", ("What the first request", "Lifelines", "Ledger")),
    (Walk, "run", ("What the first request", "Lifelines", "Ledger")),
    (roots, "modules", ("What the first request", "Lifelines", "Ledger")),
    (shutdown, "Ended", ("What the first request", "Lifelines", "Ledger")),
    (console, "FirstRequest", ("Lifelines", "Ledger")),
    (console, "Lifelines", ("What the first request", "Ledger")),
    (console, "Ledger", ("What the first request", "Lifelines")),
    (console.Console, "draw_last", ()),
)


@pytest.mark.parametrize(
    ("owner", "name", "pictures"), ENDING, ids=lambda each: getattr(each, "__name__", str(each))
)
def test_what_fails_at_the_end_leaves_the_rest_of_it_whole(
    traced: runtime.Tracer,
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
        runtime.stop()
    assert len(logged(caplog)) == 1, logged(caplog)
    for picture in pictures:
        assert picture in drawn.getvalue()
    (story,) = read(traced.config.journal).files  # type: ignore[arg-type]
    assert len(story.load().requests) == 2
    assert story.load().ended is (name != "Ended")


def test_one_request_that_cannot_be_made_out_costs_no_other(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours in the same batch reach the journal."""
    path_of = Privacy.path

    def picky(self: Privacy, trace: Trace) -> str:
        if trace.path == "/listing/":
            raise Broken
        return path_of(self, trace)

    with traced.lock:  # so that the background thread takes all of them at once
        monkeypatch.setattr(Privacy, "path", picky)
        for path in ("/plain/", "/listing/", "/stream/"):
            ask(path)
    traced.handle_recorded()
    runtime.stop()
    (story,) = read(traced.config.journal).files  # type: ignore[arg-type]
    assert [request.path for request in story.load().requests] == ["/plain/", "/stream/"]
    assert len(logged(caplog)) == 1


def test_a_walk_that_fails_is_logged_and_the_next_one_is_whole(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that it had found by then is reported; the next request is followed by another."""
    schedule = WalkSchedule(traced.walker, quiet=1.0)

    def wait_for_a_walk() -> int:
        traced.handle_recorded()
        schedule.walk_in_time(2.0, lambda _: None, os.getpid(), lambda _: False)
        return traced.process().walks

    ask()
    with monkeypatch.context() as patch:
        patch.setattr(roots, "threads", broken)
        assert wait_for_a_walk() == 0
    assert len(logged(caplog)) == 1
    assert wait_for_a_walk() == 0
    ask()
    assert wait_for_a_walk() == 1
    assert len(logged(caplog)) == 1


def test_a_fault_as_a_thread_ends_does_not_keep_it_from_ending(
    traced: runtime.Tracer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python warns of a thread that fails in its last steps; this one says nothing."""
    with monkeypatch.context() as patch:
        patch.setattr(thread_locals, "tokens_in", broken)
        on_thread(ask)
    assert len(logged(caplog)) == 1
    on_thread(ask)
    assert len(logged(caplog)) == 1
