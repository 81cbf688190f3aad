"""How long the objects of one row lived, in words: as many of them as there is room for."""

from __future__ import annotations

import re
from typing import Final

from tracer.model import Process, scope
from tracer.render.layout import wording
from tracer.render.layout.lifeline_rows import LifelineRow

ENOUGH: Final = 14
"""Characters of a holder's path that are worth drawing."""


def describe_lifetimes(process: Process, row: LifelineRow, width: int) -> str:
    """Returns the fullest of the wordings that fits, beginning with the scope in each.

    Where even the shortest is too long, that one: the caller crops it.
    """
    told = _variants(process, row, width)
    return next((text for text in told if len(text) <= width), told[-1])


def _variants(process: Process, row: LifelineRow, width: int) -> list[str]:
    """Returns wordings from the fullest to the shortest."""
    life = row.lives[0]
    match row.scope:
        case scope.PROCESS:
            since = life.built_in
            if since is None:
                return ["process"]
            return [f"process · built on first use, in #{since}", f"process · since #{since}"]
        case scope.THREAD:
            return _thread(process, row)
        case scope.CONNECTION:
            return _connection(process, row)
        case scope.REQUEST:
            return _request(row)
        case scope.KEPT:
            return _kept(row, width)
    why, short = _why(row)
    return [f"undecided · {why}", f"undecided · {short}"]


def _thread(process: Process, row: LifelineRow) -> list[str]:
    threads = {life.thread for life in row.lives}
    ended = " · ended with it" if row.lives[0].freed == "thread" else ""
    if len(threads) > 1:
        return [
            f"thread · one on each of {len(threads)}{ended}",
            f"thread · one on each of {len(threads)}",
            f"thread · {len(threads)} of them",
        ]
    name = wording.clean(process.threads.get(threads.pop(), ""))
    shown = f"thread · {name}" if name else "thread"
    return [shown + ended, shown, "thread"]


def _connection(process: Process, row: LifelineRow) -> list[str]:
    """Whose it is goes without saying below a DatabaseWrapper; a pool lends it to many."""
    owner = process.lifetime(row.lives[0].owner)
    of = f" · of {wording.clean(owner.name)}" if owner is not None and owner.kind == "pool" else ""
    most = max(each.requests for each in row.lives)
    upto = "up to " if len({each.requests for each in row.lives}) > 1 else ""
    count = wording.plural(most, "request")
    if not most:
        return [f"connection{of}", "connection"]
    told = [f"connection{of} · open in {upto}{count}", f"connection{of} · {count}"]
    return [*told, f"connection{of}", f"connection · {count}", "connection"]


def _request(row: LifelineRow) -> list[str]:
    late = any(life.freed_after for life in row.lives)
    if row.lives[0].freed == "collector":
        if late:
            return ["request · freed late, by the collector", "request · late, collector"]
        return ["request · freed by the collector", "request · collector"]
    return ["request · freed late", "request · late"] if late else ["request"]


def _kept(row: LifelineRow, width: int) -> list[str]:
    since = min(life.built_in or 0 for life in row.lives)
    said = f"KEPT since #{since}" if since else "KEPT"
    let_go = " · let go since" if all(life.died_at is not None for life in row.lives) else ""
    holders = sorted({wording.clean(life.held_by) for life in row.lives if life.held_by})
    if not holders:
        return [f"{said} · holder unknown{let_go}", said + let_go, said]
    others = ""
    if len(holders) > 1:
        # Neighbours in one list differ in their index alone.
        holders = sorted({re.sub(r"\[[^]]*]", "[…]", holder) for holder in holders})
        others = " and others" if len(holders) > 1 else ""
    holder = holders[0] + others
    told = [f"{said} · by {holder}{let_go}", f"{said} · by {holder}"]
    for start in (f"{said} · by ", f"{said} · ", "KEPT · "):
        # The end of a path says most: cropped there, it would be a module's name.
        if width - len(start) >= ENOUGH:
            told.append(start + wording.crop_start(holder, width - len(start)))
    return [*told, said]


def _why(row: LifelineRow) -> tuple[str, str]:
    """Returns why nothing can be said yet of the objects of a row, and that in short."""
    life = row.lives[0]
    if not life.requests:
        return "not used by a request", "unused"
    if life.died_at is not None:
        return "gone before a full collection", "gone"
    if not life.mortal:
        return "its end cannot be seen", "unseen end"
    if life.requests > 1:
        return "used again, no full collection since", "in use"
    if life.survived:
        return "held, while others like it were used again", "held"
    return "no full collection since", "uncollected"
