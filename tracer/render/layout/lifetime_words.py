"""The sentence at the end of a lifeline: how long the objects of the row lived, and why."""

from __future__ import annotations

from typing import Final

from tracer.model import Lifetime, Process, scope
from tracer.render.layout import wording
from tracer.render.layout.lifeline_rows import LifelineRow

MIN_HOLDER: Final = 14
"""At least so many characters of a holder's path are drawn, if any."""


def describe_lifetimes(process: Process, row: LifelineRow, width: int) -> str:
    """Returns how long a row's objects lived, in at most `width` characters where possible.

    Each variant begins with the scope. If even the shortest is too long, the caller crops it.
    """
    variants = _variants(process, row, width)
    return next((text for text in variants if len(text) <= width), variants[-1])


def _variants(process: Process, row: LifelineRow, width: int) -> list[str]:
    """Returns wordings from the fullest to the shortest."""
    match row.scope:
        case scope.PROCESS:
            return _process(row)
        case scope.THREAD:
            return _thread(process, row)
        case scope.CONNECTION:
            return _connection(process, row)
        case scope.REQUEST:
            return _request(row)
        case scope.KEPT:
            return _kept(row, width)
    why, short = _why_undecided(process, row.lives[0])
    return [f"undecided · {why}", f"undecided · {short}"]


def _process(row: LifelineRow) -> list[str]:
    life = row.lives[0]
    since = life.built_in
    if since is None:
        return ["process"]
    if life.by_import:
        by = f"made by the import of {wording.clean(life.by_import)}"
        return [f"process · {by} in #{since}", f"process · by an import in #{since}", "process"]
    if life.died_at is not None:
        return [*_outlived("process", row), "process"]
    unused = sum(each.requests <= 1 for each in row.lives)
    if not unused:
        return [f"process · built on first use, in #{since}", f"process · since #{since}"]
    which = "" if unused == len(row.lives) else f"{unused} "
    return [
        f"process · built in #{since}, {which}not used since",
        f"process · {which}not used since",
        f"process · since #{since}",
    ]


def _thread(process: Process, row: LifelineRow) -> list[str]:
    threads = {life.held_thread or life.thread for life in row.lives}
    ended = " · ended with it" if all(life.freed == "thread" for life in row.lives) else ""
    late = _outlived("thread", row) if any(life.died_at is not None for life in row.lives) else []
    if len(threads) > 1:
        return [
            f"thread · one on each of {len(threads)}{ended}",
            f"thread · one on each of {len(threads)}",
            f"thread · {len(threads)} of them",
        ]
    if row.lives[0].root == "running":
        held = wording.clean(row.lives[0].held_by or "")
        return [*late, f"thread · while {held} runs", "thread · while it runs", "thread"]
    name = wording.clean(process.threads.get(threads.pop(), ""))
    shown = f"thread · {name}" if name else "thread"
    return [shown + ended, shown, "thread"]


def _connection(process: Process, row: LifelineRow) -> list[str]:
    """Returns a connection's wordings; they name its owner if that is a pool.

    A DatabaseWrapper's connection stands below the row of the wrapper.
    """
    owner = process.lifetime(row.lives[0].owner)
    of = f" · of {wording.clean(owner.name)}" if owner is not None and owner.kind == "pool" else ""
    most = max(each.requests for each in row.lives)
    upto = "up to " if len({each.requests for each in row.lives}) > 1 else ""
    count = wording.plural(most, "request")
    if not most:
        return [f"connection{of}", "connection"]
    found = [f"connection{of} · used by {upto}{count}", f"connection{of} · {count}"]
    return [*found, f"connection{of}", f"connection · {count}", "connection"]


def _request(row: LifelineRow) -> list[str]:
    late = any(life.outlived_by for life in row.lives)
    if row.lives[0].freed == "collector":
        if late:
            return ["request · freed late, by the collector", "request · late, collector"]
        return ["request · freed by the collector", "request · collector"]
    if not late:
        return ["request"]
    return [*_outlived("request", row), "request · freed late", "request · late"]


def _outlived(word: str, row: LifelineRow) -> list[str]:
    """Returns wordings for objects that are gone, by how much they outlived their requests."""
    most = max(life.outlived_by for life in row.lives)
    if not most:
        return [f"{word} · gone before a later request"]
    upto = "up to " if len({life.outlived_by for life in row.lives}) > 1 else ""
    count = wording.plural(most, "request")
    by = f"{word} · outlived its request by {upto}{count}"
    return [by, f"{word} · outlived it by {upto}{count}"]


def _kept(row: LifelineRow, width: int) -> list[str]:
    known = wording.clean(row.lives[0].known)
    if known:
        by = f"kept · by {holder_of(row)}"
        return [f"{by} · known: {known}", f"kept · known: {known}", "kept · known"]
    since = min(life.built_in or 0 for life in row.lives)
    if any(life.one_at_a_time for life in row.lives):
        starts = ["KEPT · one at a time, replaced by each request", "KEPT · one at a time", "KEPT"]
    else:
        starts = [f"KEPT since #{since}", "KEPT"]
    holder = holder_of(row)
    if not holder:
        return starts
    found = [f"{start} · by {holder}" for start in starts]
    for beginning in (f"{starts[-2]} · by ", f"{starts[-2]} · ", "KEPT · "):
        # The end of a path says most: without it, only a module's name would be left.
        if width - len(beginning) >= MIN_HOLDER:
            found.append(beginning + wording.crop_start(holder, width - len(beginning)))
    return [*found, *starts]


def holder_of(row: LifelineRow) -> str:
    """Returns what holds the kept objects of a row: of several, with its items left open."""
    paths = {life.held_by for life in row.lives if life.held_by and life.died_at is None}
    if len(paths) == 1:
        return wording.clean(paths.pop())
    spot = next((life.spot for life in row.lives if life.spot), "")
    return wording.clean(spot.replace("[*]", "[…]"))


def _why_undecided(process: Process, life: Lifetime) -> tuple[str, str]:
    """Returns why an object is undecided, in full and in short."""
    if life.root:
        return f"only {wording.clean(life.held_by or 'a task')} holds it", "held by a task"
    if life.died_at is not None:
        if not life.requests:
            return "gone before a request used it", "gone"
        return "used again, and gone before its holder was looked for", "gone"
    if not life.mortal:
        return "its end cannot be seen", "unseen end"
    if not process.walks or (life.built_in or 0) > process.walked_upto:
        return "nobody has looked yet for what holds it", "not looked yet"
    if life.survived:
        return "held, but no path to it was found", "no path found"
    return "no path to it found: it may wait for the collector", "no path found"
