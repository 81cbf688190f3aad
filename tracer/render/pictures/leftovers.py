"""What a process's requests left behind: one line for each place that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tracer.model import Lifetime, Process, scope
from tracer.render.layout import wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.pictures.picture import Picture


class Leftovers(Picture):
    """The kept objects of a process, by holder; what hangs on one is counted with it."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        process = self.process
        served = wording.plural(process.served, "request")
        line = Line().add(" ").add(f"Left behind in process {process.name}", "title")
        yield line.add(f" · {served} · {wording.plural(process.walks, 'walk')}", "dim")
        if not process.walks:
            yield Line().add("  nobody has looked yet for what holds the objects", "dim")
            return
        groups = by_holder(process)
        if not groups:
            yield Line().add("  nothing")
        for spot, lives in groups.items():
            yield from pack([*self._group(spot, lives)], width, indent=2)

    def _group(self, spot: str, lives: list[Lifetime]) -> Iterator[tuple[str, str]]:
        own = [life for life in lives if life.spot == spot]
        path = own[0].held_by if len(own) == 1 else spot.replace("[*]", "[…]")
        yield f"KEPT by {wording.clean(path or spot)}", "alarm"
        yield wording.list_names([life.name for life in own]), "name"
        if len(lives) > len(own):
            yield f"{wording.plural(len(lives) - len(own), 'object')} that it reaches", "name"
        numbers = {life.built_in for life in own if life.built_in is not None}
        if own[0].one_at_a_time:
            yield "one at a time, replaced by each request", "name"
        else:
            yield f"of {wording.plural(len(numbers), 'request')} since #{min(numbers)}", "name"
        pages = Counter(
            request.page for request in self.process.requests if request.number in numbers
        )
        if pages:
            yield wording.list_names(pages), "dim"


def by_holder(process: Process) -> dict[str, list[Lifetime]]:
    """Returns the kept objects that are there still, by the spot that holds them."""
    kept = [
        life
        for life in process.lifetimes
        if life.scope == scope.KEPT and life.died_at is None and life.spot
    ]
    found: dict[str, list[Lifetime]] = {}
    for life in sorted(kept, key=lambda each: (each.spot, each.id)):
        within = (spot for spot in found if life.spot.startswith((f"{spot}.", f"{spot}[")))
        found.setdefault(next(within, life.spot), []).append(life)
    return found
