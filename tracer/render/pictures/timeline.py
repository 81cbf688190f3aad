"""The timeline of one request: every stage in order, nested, on one time axis."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from tracer.model import Process, Request, stages
from tracer.render.layout import bars, object_words, stage_rows, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.layout.process_index import index_of
from tracer.render.layout.stage_painter import (
    NARROW,
    StageColumns,
    StageLabel,
    StagePainter,
    scope_and_words,
)
from tracer.render.pictures.picture import Picture

_BODY = "the body, streamed after every middleware had returned:"


class Timeline(Picture):
    """A picture of the stages of one request, and of the objects that took part."""

    def __init__(self, process: Process, request: Request) -> None:
        self.process = process
        self.request = request

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        request, index = self.request, index_of(self.process)
        if request.cut_off:
            yield self._heading(width)
            yield from pack([(object_words.CUT_OFF, "alarm")], width)
            return
        found, left_out = stage_rows.rows_of(request.spans)
        labels = [StageLabel.of(row, width < NARROW) for row in found]
        letters = _letters(request)
        columns = StageColumns.at(width, found, labels, bool(letters))
        longest = max([request.duration, *(span.end for span in request.spans)])
        painter = StagePainter(request, index, columns, bars.Axis(longest, columns.bar), letters)
        yield self._heading(width)
        yield painter.head()
        body = as_before = False
        for row, label in zip(found, labels, strict=True):
            span = row.node.span
            if span.stage == stages.BODY and not body:
                body = True
                yield Line().add(" ").add(_BODY, "phase")
            life = index.lives.get(span.object) if span.object is not None else None
            as_before = as_before or scope_and_words(life)[1].startswith("≈")
            yield painter.row(row, label)
        notes = object_words.RequestNotes(self.process, request, index)
        yield from pack(notes.pieces(letters, left_out, as_before), width)

    def _heading(self, width: int) -> Line:
        request, pid = self.request, self.process.name
        status = "cut off" if request.cut_off else _status(request.status)
        facts = "" if request.cut_off else f"  {wording.duration(request.duration)}"
        if request.size is not None:
            facts += f"  {wording.size(request.size)}"
        thread = wording.clean(request.thread_name or f"{request.thread}")
        right = f"process {pid} · its request {request.number} · thread {thread}"
        method, path = wording.clean(request.method), wording.clean(request.path)
        taken = 1 + len(method) + 1 + 2 + len(status) + len(facts)
        needed = min(wording.cells(path), 24)
        if taken + needed + 3 + wording.cells(right) > width:
            right = f"pid {pid} · #{request.number} · {wording.crop(thread, 16)}"
        room = width - taken - wording.cells(right) - 3
        if room < min(needed, 12):
            right, room = "", width - taken
        failed = request.status is None or request.status >= 500
        line = Line().add(" ").add(f"{method} ", "heading")
        line.add(wording.crop(path, max(room, 8)), "heading")
        line.add(f"  {status}", "alarm" if failed else "heading").add(facts, "duration")
        return line.to(width - wording.cells(right)).add(right, "dim") if right else line


def _status(status: int | None) -> str:
    if status is None:
        return "no response"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _letters(request: Request) -> dict[int, str]:
    """Returns a letter for each thread but the request's own, in order of appearance."""
    others = dict.fromkeys(
        span.thread for span in request.spans if span.thread not in (request.thread, 0)
    )
    return {token: chr(ord("A") + index % 26) for index, token in enumerate(others)}
