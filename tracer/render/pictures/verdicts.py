"""What became of objects that were undecided when the timelines of their requests were drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tracer.model import Fate, Process, Request, scope
from tracer.render.layout import wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.pictures.picture import Picture

Piece = tuple[str, str]


class Verdicts(Picture):
    """A line for each request that left something behind, and one for all others together."""

    def __init__(self, process: Process, requests: Sequence[Request]) -> None:
        self.process = process
        self.requests = requests

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        quiet = []
        for request in self.requests:
            fate = self.process.fates.get(request.number, Fate())
            if not fate.kept:
                quiet.append(request)
                continue
            method, path = wording.clean(request.method), wording.clean(request.path)
            head = wording.crop(f"#{request.number} {method} {path}", width // 2)
            yield from pack([(head, "heading"), *_fate(fate), *self._kept(request)], width)
        if quiet:
            numbers = _ranges([request.number for request in quiet])
            known = (self.process.fates.get(request.number, Fate()) for request in quiet)
            yield from pack([(numbers, "heading"), *_fate(*known)], width)

    def _kept(self, request: Request) -> Iterator[Piece]:
        """Yields how many objects each holder has of a request."""
        holders = Counter(
            life.spot
            for life in self.process.lifetimes
            if life.built_in == request.number
            and life.scope == scope.KEPT
            and not life.known
            and life.died_at is None
        )
        for spot, count in _merged(holders).items():
            holder = wording.clean(spot.replace("[*]", "[…]"))
            yield f"{count} KEPT by {holder}" if holder else f"{count} KEPT", "alarm"


def _fate(*fates: Fate) -> Iterator[Piece]:
    late = sum(fate.freed_late + fate.freed_by_collector for fate in fates)
    stayed = sum(len(fate.stayed) for fate in fates)
    waiting = sum(len(fate.waiting) for fate in fates)
    if late:
        yield f"{late} freed late", "name"
    if stayed:
        yield f"{stayed} {'stays' if stayed == 1 else 'stay'} for later requests", "name"
    if waiting:
        yield f"{waiting} undecided still", "name"


def _merged(holders: Counter[str]) -> Counter[str]:
    """Returns the counts of holders, those of what hangs on a held object with that object's."""
    found: Counter[str] = Counter()
    for spot in sorted(holders):
        owner = next((each for each in found if spot.startswith((f"{each}.", f"{each}["))), spot)
        found[owner] += holders[spot]
    return found


def _ranges(numbers: Sequence[int]) -> str:
    """Returns numbers as people write them, such as "#3, #5 to #9"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"#{run[0]} to #{run[-1]}" if len(run) > 2 else ", ".join(f"#{each}" for each in run)
        for run in runs
    )
