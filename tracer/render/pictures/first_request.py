"""What the first request of a process cost, beside the second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracer.model import Fate, Process, Request, stages
from tracer.render.layout import wording
from tracer.render.layout.canvas import Line
from tracer.render.pictures.picture import Picture

_NUMBER = 9


@dataclass(frozen=True, slots=True)
class _Cost:
    """One thing that is counted in both requests, with its names in the first."""

    label: str
    first: int
    second: int | None
    names: tuple[str, ...] = ()


class FirstRequest(Picture):
    """A picture that compares the first request with the second, as measured."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        pid = self.process.name
        yield Line().add(" ").add(f"What the first request of process {pid} paid", "title")
        requests = [each for each in self.process.requests if not each.cut_off]
        first = next((each for each in requests if each.number == 1), None)
        second = next((each for each in requests if each.number > 1), None)
        if first is None:
            served = self.process.served
            missing = "It is no longer remembered." if served else "There was no request yet."
            if any(each.number == 1 for each in self.process.requests):
                missing = "It was cut off."
            yield Line().add("  ").add(missing, "dim")
            return
        yield from _times(first, second, width)
        yield _head(first, second)
        for cost in self._costs(first, second):
            yield _row(cost, width)
        if second is None:
            yield Line().add("  ").add("There is no second request yet to compare with.", "dim")
        elif first.path != second.path:
            reason = "They asked for different pages: some of the difference is the pages'."
            yield Line().add("  ").add(reason, "dim")

    def _costs(self, first: Request, second: Request | None) -> Iterator[_Cost]:
        both = (first, second)
        fates = [self.process.fates.get(each.number, Fate()) if each else None for each in both]
        before, after = fates
        assert before is not None
        names = first.imports
        yield _Cost("modules imported", len(names), len(second.imports) if second else None, names)
        yield _Cost("objects built", before.born, after.born if after else None)
        stayed = tuple(before.stayed)
        yield _Cost("  that stay", len(stayed), len(after.stayed) if after else None, stayed)
        for label, stage in (
            ("templates compiled", stages.COMPILE),
            ("connections opened", stages.CONNECTION),
            ("queries", stages.QUERY),
        ):
            found = [_names(each, stage) if each else () for each in both]
            named = found[0] if stage == stages.COMPILE else ()
            yield _Cost(label, len(found[0]), len(found[1]) if second else None, named)


def _names(request: Request, stage: str) -> tuple[str, ...]:
    return tuple(str(span.name) for span in request.spans if span.stage == stage)


def _times(first: Request, second: Request | None, width: int) -> Iterator[Line]:
    """Yields both durations as bars on one scale."""
    shown = [request for request in (first, second) if request is not None]
    longest = max(max(request.duration for request in shown), 1)
    room = max(min(width - 50, 60), 10)
    for request in shown:
        line = Line().add("  ").add(f"#{request.number}".ljust(4), "column")
        length = max(round(request.duration / longest * room * 2), 1)
        line.add("━" * (length // 2) + "╸" * (length % 2), "bar.own")
        line.add(f" {wording.duration(request.duration)}", "heading")
        page = f"  {wording.clean(request.method)} {wording.clean(request.path)}"
        yield line.add(wording.crop(page, width - line.width), "dim")


def _head(first: Request, second: Request | None) -> Line:
    line = Line().add("  ").to(22).right(f"#{first.number}", _NUMBER, "column")
    return line.right(f"#{second.number}" if second else "", _NUMBER, "column")


def _row(cost: _Cost, width: int) -> Line:
    line = Line().add("  ").add(cost.label).to(22)
    more = cost.second is not None and cost.first > cost.second
    line.right(f"{cost.first:,}", _NUMBER, "heading" if more else "name")
    line.right(f"{cost.second:,}" if cost.second is not None else "", _NUMBER)
    if cost.names:
        line.add("   ").add(
            wording.crop(wording.group_names(cost.names), width - line.width), "dim"
        )
    return line
