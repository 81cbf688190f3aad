"""Reads a journal whole: every process that wrote to a directory, and what it had not yet written.

Reads no settings and needs no Django. Nothing here writes to the directory.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tracer.journal import flight_record
from tracer.journal.locks import alive
from tracer.journal.tail import JournalError, NewFacts, Tail
from tracer.model.facts import ProcessStarted, Request
from tracer.model.history import History
from tracer.model.process import Process
from tracer.model.process_tree import with_letters


@dataclass(frozen=True, slots=True)
class JournalFile:
    """One file of the journal: its process, and whether that is alive (None: not known)."""

    path: Path
    process: Process
    alive: bool | None
    pending: tuple[Request, ...] = ()
    """Requests that a living process has begun and not yet written: in flight, or just finished."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """All files of a journal, oldest process first, and notes on what was skipped."""

    files: tuple[JournalFile, ...]
    notes: tuple[str, ...]

    @property
    def processes(self) -> list[Process]:
        """The process of each file."""
        return [file.process for file in self.files]


def read(directory: Path) -> JournalContents:
    """Reads every file in `directory`.

    Raises JournalError if it is missing, holds no journal, or one of an unknown format.
    """
    if not directory.is_dir():
        found = "is not a directory" if directory.exists() else "does not exist"
        raise JournalError(
            f"{directory} {found}; name the directory that TRACER['JOURNAL'] or TRACER_JOURNAL "
            "names."
        )
    tail = Tail(directory, strict=True)
    # Before the files: what a process wrote that is gone by now is then read whole, and a request
    # that is noted by now and missing in the file is not written yet.
    states = {path: alive(path) for path in tail.paths()}
    flight_records = {path: flight_record.read(path) for path in states}
    files, notes = [], []
    for new in tail.read():
        if any(isinstance(fact, ProcessStarted) for fact in new.facts):
            noted = flight_records.get(new.path, flight_record.FlightNotes())
            files.append(_journal_file(new, states.get(new.path), noted))
            if noted.torn and files[-1].alive is False:
                notes.append(f"{new.path.with_suffix(flight_record.SUFFIX)}: {_torn(noted.torn)}")
        else:
            notes.append(f"{new.path}: skipped, as it does not say whose it is.")
    notes += tail.notes(whole=True)
    if not files:
        reason = " ".join(notes) or "No process has written to it yet."
        raise JournalError(f"{directory} holds no journal. {reason}")
    files.sort(key=lambda file: file.process.about.started)
    named = with_letters([file.process for file in files])
    return JournalContents(
        tuple(replace(each, process=one) for each, one in zip(files, named, strict=True)),
        tuple(notes),
    )


def processes(directory: Path) -> list[Process]:
    """Returns every process that wrote to `directory`, oldest first; raises as `read` does."""
    return read(directory).processes


def _journal_file(
    new: NewFacts, is_alive: bool | None, noted: flight_record.FlightNotes
) -> JournalFile:
    history = History()
    written = set()
    for fact in new.facts:
        history.feed(fact)
        if isinstance(fact, Request):
            written.add(fact.number)
    missing = unwritten_requests(noted, written, history.threads)
    if is_alive is False and not history.ended:
        for request in missing:
            history.feed(request)
        missing = ()
    process = replace(history.snapshot(), alive=is_alive)
    return JournalFile(new.path, process, is_alive, missing if is_alive else ())


def unwritten_requests(
    noted: flight_record.FlightNotes, written: Container[int], threads: Mapping[int, str]
) -> tuple[Request, ...]:
    """Returns the requests that a flight record holds and the journal does not.

    `written` holds the numbers of the journal's requests, `threads` the names of its threads.
    """
    return tuple(
        Request(
            number=each.number,
            method=each.method,
            path=each.path,
            status=None,
            thread=each.thread,
            thread_name=threads.get(each.thread, ""),
            ident=each.ident,
            started=each.started,
            begun=each.begun,
            closed=each.begun,
            size=None,
            watching=0,
            spans=(),
            births=(),
            seen=(),
            ending="cut off",
        )
        for each in noted.begun
        if each.number not in written
    )


def _torn(count: int) -> str:
    return f"{count} more began at the very end, of which nothing else is known."
