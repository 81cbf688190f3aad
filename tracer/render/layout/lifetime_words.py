"""The words at the end of a lifeline: how long the objects of the row lived."""

from __future__ import annotations

import re
from typing import Final

from tracer.model import Process, scope
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
    why, short = _why_undecided(row)
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
    found = [f"connection{of} · open in {upto}{count}", f"connection{of} · {count}"]
    return [*found, f"connection{of}", f"connection · {count}", "connection"]


def _request(row: LifelineRow) -> list[str]:
    late = any(life.freed_after for life in row.lives)
    if row.lives[0].freed == "collector":
        if late:
            return ["request · freed late, by the collector", "request · late, collector"]
        return ["request · freed by the collector", "request · collector"]
    return ["request · freed late", "request · late"] if late else ["request"]


def _kept(row: LifelineRow, width: int) -> list[str]:
    since = min(life.built_in or 0 for life in row.lives)
    start = f"KEPT since #{since}" if since else "KEPT"
    freed = " · freed since" if all(life.died_at is not None for life in row.lives) else ""
    holders = sorted({wording.clean(life.held_by) for life in row.lives if life.held_by})
    if not holders:
        return [f"{start} · holder unknown{freed}", start + freed, start]
    others = ""
    if len(holders) > 1:
        # The holders of objects in one list differ in their index alone.
        holders = sorted({re.sub(r"\[[^]]*]", "[…]", holder) for holder in holders})
        others = " and others" if len(holders) > 1 else ""
    holder = holders[0] + others
    found = [f"{start} · by {holder}{freed}", f"{start} · by {holder}"]
    for beginning in (f"{start} · by ", f"{start} · ", "KEPT · "):
        # The end of a path says most: without it, only a module's name would be left.
        if width - len(beginning) >= MIN_HOLDER:
            found.append(beginning + wording.crop_start(holder, width - len(beginning)))
    return [*found, start]


def _why_undecided(row: LifelineRow) -> tuple[str, str]:
    """Returns why a row's objects are undecided, in full and in short."""
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
