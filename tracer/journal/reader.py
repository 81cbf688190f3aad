"""Reads a journal: every process that wrote to a directory, and what it had not yet written.

Reads no settings and needs no Django. Nothing here writes to the directory.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tracer.journal import flight_record, segments
from tracer.journal.flight_record import FlightNotes
from tracer.journal.segments import JournalError
from tracer.journal.tail import GrowingStory
from tracer.model.history import History
from tracer.model.process import Process
from tracer.model.process_tree import with_letters
from tracer.model.recorded import CUT_OFF, RecordedRequests
from tracer.model.request_log import ALWAYS_REMEMBERED
from tracer.model.requests import heads


@dataclass(frozen=True, slots=True)
class JournalFile:
    """What one process wrote."""

    path: Path
    """Its first segment."""
    outline: Process
    """Its process, with the beginnings of all requests; without stages and lifetimes."""
    alive: bool | None
    """Whether that is alive; None: not known."""
    noted: FlightNotes
    began_after: int
    """As in `History`."""
    notes: list[str]
    """Where `load` adds what it had to skip."""

    def load(
        self,
        keep: int | None = None,
        always: Container[int] = ALWAYS_REMEMBERED,
        drawn: int | None = None,
    ) -> Process:
        """Returns the whole process; `keep` and `always` as in `History`.

        `drawn`: only what the timeline of this request shows, as in `History.snapshot`.
        """
        story = GrowingStory(self.path)
        history, _ = _history(story, History(keep, always=always), self.noted, self.alive)
        self.notes.extend(note for note in story.notes(whole=True) if note not in self.notes)
        request = history.request(drawn) if drawn is not None else None
        shown = history.snapshot([request] if request is not None else ())
        return replace(shown, alive=self.alive, letter=self.outline.letter)

    @property
    def pending(self) -> list[int]:
        """Numbers of requests that a living process has begun and not yet written: in flight, or
        just finished."""
        if not self.alive:
            return []
        written = {request.number for request in heads(self.outline.requests)}
        missing = unwritten_requests(self.noted, written, self.began_after)
        return [each.numbers[0] for each in missing]


@dataclass(frozen=True, slots=True)
class JournalContents:
    """All that a journal holds, oldest process first, and notes on what was skipped so far."""

    files: tuple[JournalFile, ...]
    notes: list[str] = field(default_factory=list)


def read(directory: Path) -> JournalContents:
    """Reads who wrote to a directory, and which requests they served.

    Raises JournalError if it is missing, or holds no journal that can be read.
    """
    segments.check(directory)
    # Before the files: what a process wrote that is gone by now is then read whole, and a request
    # that is noted by now and missing in the file is not written yet.
    states = {path: segments.is_alive(path) for path in segments.processes(directory)}
    noted = {path: flight_record.read(path) for path in states}
    files: list[JournalFile] = []
    notes: list[str] = []
    for path, state in states.items():
        story = GrowingStory(path, outline=True)
        with no_collections():
            history, torn = _history(story, History(), noted[path], state)
        if history.about is not None:
            outline = replace(history.snapshot(), alive=state)
            files.append(
                JournalFile(path, outline, state, noted[path], history.log.began_after, notes)
            )
            if torn:
                record = path.with_suffix(flight_record.SUFFIX)
                notes.append(
                    f"{record}: {torn} more began at the very end, of which nothing else is known."
                )
        elif not story.is_refused and story.is_begun:
            notes.append(f"{path}: skipped, as it does not say whose it is.")
        notes += story.notes(whole=True)
    if not files:
        reason = " ".join(notes) or "No process has written to it yet."
        raise JournalError(f"{directory} holds no journal. {reason}")
    files.sort(key=lambda file: file.outline.about.started)
    named = with_letters([file.outline for file in files])
    lettered = [replace(each, outline=one) for each, one in zip(files, named, strict=True)]
    return JournalContents(tuple(lettered), notes)


def processes(directory: Path) -> list[Process]:
    """Returns every process that wrote to `directory`, oldest first; raises as `read` does."""
    return [file.load() for file in read(directory).files]


def _history(
    story: GrowingStory, history: History, noted: FlightNotes, is_alive: bool | None
) -> tuple[History, int]:
    """Feeds a history with a process's story, and with the requests that its process was killed in.

    Returns it, and of how many more requests nothing is known.
    """
    written: set[int] = set()
    with no_collections():
        for fact in story.read():
            history.feed(fact)
            if isinstance(fact, RecordedRequests):
                written.update(fact.numbers)
    if is_alive is not False or history.log.ended:
        return history, 0
    for recorded in unwritten_requests(noted, written, history.log.began_after):
        history.feed(recorded)
    return history, noted.torn


def unwritten_requests(
    noted: FlightNotes, written: Container[int], began_after: int
) -> list[RecordedRequests]:
    """Returns the requests that a flight record holds and the journal does not.

    `written` holds the numbers of the journal's requests; up to `began_after` they may have stood
    in segments that are removed.
    """
    return [
        RecordedRequests(
            each.method, each.path, None, each.thread, (), (), (), 0, [each.number], [each.begun],
            [each.begun], [None], [None], [None], ending=CUT_OFF,
        )
        for each in noted.begun
        if each.number not in written and each.number > began_after
    ]  # fmt: skip


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Switches Python's garbage collector off.

    Reading a journal forms no cycles, and searching for them would take as long as the reading.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
