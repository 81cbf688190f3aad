"""What there is to say of objects, in plain words: those of a stage, and those of a request."""

from __future__ import annotations

from tracer.model import Lifetime, Process, Request, Span, scope, stages
from tracer.render import words
from tracer.render.rows import FIRST, Row

Piece = tuple[str, str]
"""A text and the name of its style."""


def describe(process: Process, request: Request, row: Row, life: Lifetime | None) -> list[Piece]:
    """Return what a row says of its stage and of the object that took part in it."""
    span = row.node.span
    if row.folded:
        return [(f"{row.times + FIRST:,} in all", "name")]
    parts: list[Piece] = []
    if span.error:
        raises = span.error if span.stage == stages.EXCEPTION else f"raises {span.error}"
        if span.stage != stages.EXCEPTION or span.error != span.name:
            parts.append((words.clean(raises), "alarm"))
    if span.detail:
        parts.append((words.clean(span.detail), "name"))
    if life is not None:
        said = _life(process, request, life)
        if life.built_in == request.number:
            said = "" if span.detail.startswith(("new", "compiled")) else said
        if said:
            parts.append((_named(life, span, said), "dim"))
        if life.scope == scope.KEPT:
            held = life.held_by
            parts.append((f"held by {words.clean(held)}" if held else "holder unknown", "alarm"))
    return parts


def _named(life: Lifetime, span: Span, said: str) -> str:
    """Say which object it is, unless the stage is named after it."""
    if life.name in span.name or span.name in life.name:
        return said
    name = words.clean(life.name)
    return f"{said} {name}" if said == "new" else f"{name} {said}"


def _life(process: Process, request: Request, life: Lifetime) -> str:
    """Return where an object came from and the how manieth use of it this request is."""
    if life.built_in == request.number:
        return "new"
    if life.built_in is not None:
        origin = f"built in #{life.built_in}"
    else:
        origin = "built before tracing" if life.phase == "before" else "built at boot"
    later = sum(
        1
        for other in reversed(process.requests)
        if other.number > request.number
        and (
            any(token == life.id for token, _ in other.seen)
            or any(birth.token == life.id for birth in other.births)
        )
    )
    return f"{origin} · use {max(life.requests - later, 1)}"


def notes(
    process: Process, request: Request, others: dict[int, str], left_out: int, marked: bool
) -> list[Piece]:
    """Return the lines below a timeline, in pieces: what it left behind and what it cost."""
    pieces = _fate(process, request)
    if request.imports:
        count = words.many(len(request.imports), "module")
        pieces.append((f"imported {count}: {words.listed(request.imports)}", "name"))
    collections = [span for span in request.spans if span.stage == stages.COLLECTION]
    if collections:
        took = words.duration(sum(span.end - span.start for span in collections))
        ran = words.many(len(collections), "garbage collection")
        pieces.append((f"{ran} inside it, {took}", "name"))
    if request.ending != "closed":
        why = {"never closed": ": the server skipped the response's close()"}
        text = f"{words.clean(request.ending)}{why.get(request.ending, '')}"
        pieces.append((text, "alarm"))
    if request.uncounted:
        pieces.append((f"{words.many(request.uncounted, 'more birth')} not watched", "alarm"))
    if left_out:
        pieces.append((f"{words.many(left_out, 'shorter stage')} not drawn", "alarm"))
    if others:
        threads = process.threads
        named = (
            f"{letter} = {words.clean(threads.get(token) or f'thread {token}')}"
            for token, letter in others.items()
        )
        pieces.append((f"on other threads: {', '.join(named)}", "dim"))
    if marked:
        pieces.append(("≈ not decided yet, but what earlier ones turned out to be", "dim"))
    if request.duration > 0:
        share = request.watching / request.duration
        took = words.duration(request.watching)
        pieces.append((f"the tracer's own share: {took}, {share:.0%}", "dim"))
    return pieces


def _fate(process: Process, request: Request) -> list[Piece]:
    fate = process.fates.get(request.number)
    if fate is None or not fate.born:
        return [("born 0", "name")]
    pieces: list[Piece] = [(f"born {fate.born} → {fate.freed_with_response} freed with it", "name")]
    if fate.kept:
        pieces.append((f"{len(fate.kept)} KEPT: {words.grouped(fate.kept)}", "alarm"))
    else:
        pieces.append(("0 kept", "name"))
    if fate.freed_by_collector:
        pieces.append((f"{fate.freed_by_collector} freed by the collector", "name"))
    if fate.waiting:
        named = words.grouped(fate.waiting, 4)
        pieces.append((f"{len(fate.waiting)} undecided until a full collection: {named}", "name"))
    if fate.stayed:
        named = words.grouped(fate.stayed)
        pieces.append((f"{len(fate.stayed)} stay for later requests: {named}", "name"))
    lives = [life for life in process.lifetimes if life.built_in == request.number]
    others = sum(
        1
        for life in lives
        if life.died_at is not None
        and life.freed != "collector"
        and (life.freed != "response" or life.freed_after)
    )
    if others:
        pieces.append((f"{others} freed later", "name"))
    return pieces
