"""The comparison: the same application and the same requests under every server, one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tracer.compare.count import FAILED, OK, Row, conclusion
from tracer.render.layout import wording
from tracer.render.layout.canvas import Line, wrap
from tracer.render.pictures.picture import Picture

BAR: Final = 10
"""Cells of the bar that shows which share was built anew."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its head, its group's name, what it shows, and how readily it is left out."""

    head: str
    group: str
    cell: Callable[[Row], str]
    rank: int
    """Left out first where the highest; 0 never is."""

    @property
    def width(self) -> int:
        """Cells, without the space before it."""
        return max(len(self.head), 5)


_WHO, _OFTEN, _LONG = "who served", "times built over the whole run", "milliseconds"
_SHORT: Final = {_WHO: "served", _OFTEN: "times built", _LONG: "ms"}
COLUMNS: Final = (
    _Column("processes", _WHO, lambda row: _number(row.processes), 0),
    _Column("threads", _WHO, lambda row: _number(row.threads), 2),
    _Column("each", _WHO, lambda row: _mean(row.requests_per_process), 5),
    _Column("settings", _OFTEN, lambda row: _number(row.settings_loaded), 3),
    _Column("handler", _OFTEN, lambda row: _number(row.handlers_built), 0),
    _Column("layers", _OFTEN, lambda row: _number(row.middleware_built), 6),
    _Column("URLconf", _OFTEN, lambda row: _number(row.urlconfs_imported), 1),
    _Column("templates", _OFTEN, lambda row: _number(row.templates_compiled), 7),
    _Column("connections", _OFTEN, lambda row: _number(row.connections_opened), 9),
    _Column("modules", _OFTEN, lambda row: _number(row.modules_imported), 8),
    _Column("boot", _LONG, lambda row: _time(row.boot_ms), 10),
    _Column("first", _LONG, lambda row: _time(row.first_ms), 4),
    _Column("warm", _LONG, lambda row: _time(row.warm_ms), 0),
)
_LEGEND: Final = {
    "each": "requests per process",
    "layers": "middleware",
    "connections": "to databases, opened",
    "boot": "from the interpreter's start to a handler",
    "first": "the first request, as its client waited",
    "warm": "the median of the others",
}
"""What the heads mean that do not say it themselves."""


class Comparison(Picture):
    """Draws what each server built, and how often, with the conclusion that follows."""

    def __init__(self, requests: int, rows: Sequence[Row]) -> None:
        """`requests`: how many each server was sent."""
        self.requests = requests
        self.rows = tuple(rows)

    def row(self, server: str) -> Row:
        """Return the row of one server; KeyError if it was not asked for."""
        found = next((row for row in self.rows if row.server == server), None)
        if found is None:
            there = ", ".join(row.server for row in self.rows)
            raise KeyError(f"{server!r} is not compared here; there is {there}")
        return found

    def lines(self, width: int) -> Iterator[Line]:
        """Give the picture line by line."""
        ran = [row for row in self.rows if row.status == OK]
        told = f" · {wording.plural(self.requests, 'request')} to {_servers(len(ran))}"
        line = Line().add(" ").add("One application, every server", "title")
        yield line.add(wording.crop(told, width - line.width), "dim")
        name = max((len(row.server) for row in self.rows), default=6) + 1
        if ran:
            gap = 2 if width >= 150 else 1
            columns = _fitting(width - name - 1 - BAR - 7, gap)
            yield from _heads(columns, name, gap)
            for row in ran:
                yield _row(row, columns, name, gap)
        for row in self.rows:
            if row.status != OK:
                yield _absent(row, name, width)
        if ran:
            yield Line()
            heads = [column.head for column in columns if column.head in _LEGEND]
            told = " · ".join(f"{head}: {_LEGEND[head]}" for head in heads)
            yield from wrap(told, width, "dim")
        yield Line()
        yield from wrap(conclusion(self.requests, self.rows), width, "heading")


def _servers(ran: int) -> str:
    if not ran:
        return "each server"
    return "one server" if ran == 1 else f"each of {wording.plural(ran, 'server')}"


def _fitting(room: int, gap: int) -> list[_Column]:
    """Return the columns that there is room for."""
    columns = list(COLUMNS)
    while sum(column.width + gap for column in columns) > room:
        least = max(columns, key=lambda column: column.rank)
        if not least.rank:
            break
        columns.remove(least)
    return columns


def _heads(columns: Sequence[_Column], name: int, gap: int) -> Iterator[Line]:
    groups = Line().to(name + 1)
    heads = Line().add(" ").fit("server", name, "column")
    told = ""
    for column in columns:
        start = heads.width + gap
        heads.right(column.head, column.width + gap, "column")
        if column.group != told:
            told = column.group
            members = [each.width + gap for each in columns if each.group == told]
            room = sum(members) - gap
            text = told if len(told) <= room else wording.crop(_SHORT.get(told, told), room)
            groups.to(start).add(text, "column")
            if room - len(text) > 1:
                groups.add(" " + "─" * (room - len(text) - 1), "grid")
    yield groups.to(heads.width + 2).add("built anew", "column")
    yield heads.add("  ").add("per request", "column")


def _row(row: Row, columns: Sequence[_Column], name: int, gap: int) -> Line:
    line = Line().add(" ").fit(row.server, name, "heading")
    for column in columns:
        line.right(column.cell(row), column.width + gap)
    share = row.rebuilt_per_request
    line.add("  ")
    if share is None:
        return line.add("not known", "dim")
    # What is built anew lives for one request, all else for the process: the scopes' colours.
    anew = min(round(share * BAR + (0.5 if 0 < share < 0.05 else 0)), BAR)
    line.add("━" * anew, "scope.request").add("─" * (BAR - anew), "scope.process")
    return line.add(f" {share:.2f}", "heading" if share >= 0.5 else "name")


def _absent(row: Row, name: int, width: int) -> Line:
    line = Line().add(" ").fit(row.server, name, "dim")
    style = "alarm" if row.status == FAILED else "dim"
    line.add(row.status, style)
    if row.why:
        first = wording.clean(row.why.strip().splitlines()[0]) if row.why.strip() else ""
        line.add(wording.crop(f" · {first}", width - line.width), "dim")
    return line


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _mean(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _time(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 9_999.5:
        return f"{value / 1000:.0f} s"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
