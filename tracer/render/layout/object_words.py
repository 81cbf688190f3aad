"""The words for objects in a timeline: for that of a stage, and for those of a request."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.model import Fate, Lifetime, Process, Request, Span, scope, stages
from tracer.render.layout import wording
from tracer.render.layout.process_index import ProcessIndex
from tracer.render.layout.stage_rows import SHOWN_OF_RUN, StageRow

CUT_OFF = "cut off: the process was gone before this could be written"
"""Stands in the place of the timeline of a request that was cut off."""

Piece = tuple[str, str]
"""A text and the name of its style."""


def describe_object(
    index: ProcessIndex, request: Request, row: StageRow, life: Lifetime | None
) -> list[Piece]:
    """Returns what a row says of its stage and of the object that took part in it."""
    span = row.node.span
    if row.folded:
        return [(f"{row.times + SHOWN_OF_RUN:,} in all", "name")]
    parts: list[Piece] = []
    if span.error:
        raises = span.error if span.stage == stages.EXCEPTION else f"raises {span.error}"
        if span.stage != stages.EXCEPTION or span.error != span.name:
            parts.append((wording.clean(raises), "alarm"))
    if span.detail:
        parts.append((wording.clean(span.detail), "name"))
    if life is not None:
        origin = _origin(index, request, life)
        if life.built_in == request.number:
            origin = "" if span.detail.startswith(("new", "compiled")) else origin
        if life.scope == scope.KEPT:
            held = life.held_by
            parts.append((f"held by {wording.clean(held)}" if held else "left behind", "alarm"))
        if origin:
            parts.append((_name(life, span, origin), "dim"))
    return parts


def _name(life: Lifetime, span: Span, origin: str) -> str:
    """Adds which object it is, unless the stage is named after it."""
    if life.name in span.name or span.name in life.name:
        return origin
    name = wording.clean(life.name)
    return f"{origin} {name}" if origin == "new" else f"{name} {origin}"


def _origin(index: ProcessIndex, request: Request, life: Lifetime) -> str:
    """Returns where an object was built, and how often it has been used up to this request."""
    if life.built_in == request.number:
        return "new"
    use = f"use {index.use_number(life, request.number)}"
    if life.built_in is not None:
        return f"built in #{life.built_in} · {use}"
    if life.phase == "inherited":
        # The parent stands last, where a narrow column crops it: other pictures name it, too.
        return f"inherited · {use} · from {index.parent}"
    return f"{'built before tracing' if life.phase == 'before' else 'built at boot'} · {use}"


class RequestNotes:
    """The notes below a timeline: the fate of the request's objects, and what tracing it cost."""

    def __init__(self, process: Process, request: Request, index: ProcessIndex) -> None:
        self.process = process
        self.request = request
        self.index = index

    def pieces(self, letters: dict[int, str], left_out: int, as_before: bool) -> list[Piece]:
        """Returns the notes. `letters` stand for threads, `left_out` rows were not drawn."""
        request = self.request
        pieces = [*self._births(), *self._cost()]
        if request.ending != "closed":
            why = ": the server skipped the response's close()"
            ending = wording.clean(request.ending)
            pieces.append((ending + why if ending == "never closed" else ending, "alarm"))
        if request.uncounted:
            pieces.append(
                (f"{wording.plural(request.uncounted, 'more birth')} not watched", "alarm")
            )
        if left_out:
            pieces.append((f"{wording.plural(left_out, 'shorter stage')} not drawn", "alarm"))
        for token, letter in letters.items():
            name = wording.clean(self.process.threads.get(token) or f"thread {token}")
            pieces.append((f"{letter} on thread {name}", "dim"))
        if as_before:
            pieces.append(("≈ undecided, shown is what earlier ones turned out to be", "dim"))
        share = f", {request.watching / request.duration:.0%}" if request.duration > 0 else ""
        took = wording.duration(request.watching)
        return [*pieces, (f"the tracer's own share: {took}{share}", "dim")]

    def _births(self) -> Iterator[Piece]:
        fate = self.process.fates.get(self.request.number, Fate())
        if not fate.born:
            yield "nothing born", "name"
            return
        yield f"born {fate.born} → {fate.freed_with_response} freed with it", "name"
        if fate.kept:
            yield f"{len(fate.kept)} KEPT: {wording.group_names(fate.kept)}", "alarm"
        else:
            yield "0 kept", "name"
        if fate.freed_by_collector:
            yield f"{fate.freed_by_collector} freed by the collector", "name"
        if fate.freed_late:
            yield f"{fate.freed_late} freed late", "name"
        if fate.waiting:
            named = wording.group_names(fate.waiting)
            yield f"{len(fate.waiting)} undecided: {named}", "name"
        if fate.stayed:
            named = wording.group_names(fate.stayed)
            stay = "stays" if len(fate.stayed) == 1 else "stay"
            yield f"{len(fate.stayed)} {stay} for later requests: {named}", "name"

    def _cost(self) -> Iterator[Piece]:
        imports = self.request.imports
        if imports:
            yield (
                f"imported {wording.plural(len(imports), 'module')}: "
                f"{wording.list_names(imports, 3, _tail)}",
                "name",
            )
        spans = [span for span in self.request.spans if span.stage == stages.COLLECTION]
        if spans:
            took = wording.duration(sum(span.end - span.start for span in spans))
            yield f"{wording.plural(len(spans), 'garbage collection')} inside it, {took}", "name"


def _tail(module: str) -> str:
    return wording.crop_start(module, 24)
