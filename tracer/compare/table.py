"""Draws the comparison: one application, the same requests, one row for each server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tracer.compare.count import FAILED, OK, Row, conclusion
from tracer.render.layout import wording
from tracer.render.layout.canvas import Line, wrap
from tracer.render.pictures.picture import Picture

BAR: Final = 10
"""Cells of the bar that shows the share built anew."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the table."""

    head: str
    group: str
    """The name above this column and its neighbours."""
    cell: Callable[[Row], str]
    rank: int
    """The column of the highest rank is left out first if there is no room; 0: never."""

    @property
    def width(self) -> int:
        """The width in cells, without the gap before it."""
        return max(len(self.head), 6 if self.group == _TIMES else 5)


_SERVED, _BUILT, _TIMES = "who served", "times built over the whole run", "milliseconds"
_SHORT: Final = {_SERVED: "served", _BUILT: "times built", _TIMES: "ms"}
COLUMNS: Final = (
    _Column("processes", _SERVED, lambda row: _number(row.processes), 0),
    _Column("threads", _SERVED, lambda row: _number(row.threads), 2),
    _Column("each", _SERVED, lambda row: _mean(row.requests_per_process), 5),
    _Column("settings", _BUILT, lambda row: _number(row.settings_loaded), 3),
    _Column("handler", _BUILT, lambda row: _number(row.handlers_built), 0),
    _Column("layers", _BUILT, lambda row: _number(row.middleware_built), 6),
    _Column("URLconf", _BUILT, lambda row: _number(row.urlconfs_imported), 1),
    _Column("templates", _BUILT, lambda row: _number(row.templates_compiled), 7),
    _Column("connections", _BUILT, lambda row: _number(row.connections_opened), 9),
    _Column("modules", _BUILT, lambda row: _number(row.modules_imported), 8),
    _Column("boot", _TIMES, lambda row: _time(row.boot_ms), 10),
    _Column("first", _TIMES, lambda row: _time(row.first_ms), 4),
    _Column("warm", _TIMES, lambda row: _time(row.warm_ms), 0),
)
_LEGEND: Final = {
    "each": "requests per process",
    "layers": "middleware",
    "connections": "to databases, opened",
    "boot": "from the interpreter's start to a handler",
    "first": "how long the client waited for the first request",
    "warm": "the median of the others",
}
"""Explains the heads that need it."""


class Comparison(Picture):
    """The table of what each server built and how often, with the conclusion below it."""

    def __init__(self, requests: int, rows: Sequence[Row]) -> None:
        """`requests` is the number that each server got."""
        self.requests = requests
        self.rows = tuple(rows)

    def row(self, server: str) -> Row:
        """Returns the row of one server. Raises KeyError if it is not in the comparison."""
        found = next((row for row in self.rows if row.server == server), None)
        if found is None:
            there = ", ".join(row.server for row in self.rows)
            raise KeyError(f"{server!r} is not compared here; there is {there}")
        return found

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        ran = [row for row in self.rows if row.status == OK]
        subtitle = f" · {wording.plural(self.requests, 'request')} to {_servers(len(ran))}"
        line = Line().add(" ").add("One application, every server", "title")
        yield line.add(wording.crop(subtitle, width - line.width), "dim")
        name = max((len(row.server) for row in self.rows), default=6) + 1
        if ran:
            gap = 2 if width >= 150 else 1
            columns = _fitting(width - name - 1 - BAR - 7, gap)
            yield from _heads(columns, name, gap)
            for row in ran:
                yield _row(row, columns, name, gap)
        for row in self.rows:
            if row.status != OK:
                yield _failure_line(row, name, width)
        if ran:
            yield Line()
            heads = [column.head for column in columns if column.head in _LEGEND]
            legend = " · ".join(f"{head}: {_LEGEND[head]}" for head in heads)
            yield from wrap(legend, width, "dim")
        yield Line()
        yield from wrap(conclusion(self.requests, self.rows), width, "heading")


def _servers(ran: int) -> str:
    if not ran:
        return "each server"
    return "one server" if ran == 1 else f"each of {wording.plural(ran, 'server')}"


def _fitting(room: int, gap: int) -> list[_Column]:
    """Returns the columns that there is room for."""
    columns = list(COLUMNS)
    while sum(column.width + gap for column in columns) > room:
        dispensable = max(columns, key=lambda column: column.rank)
        if not dispensable.rank:
            break
        columns.remove(dispensable)
    return columns


def _heads(columns: Sequence[_Column], name: int, gap: int) -> Iterator[Line]:
    groups = Line().to(name + 1)
    heads = Line().add(" ").fit("server", name, "column")
    group = ""
    for column in columns:
        start = heads.width + gap
        heads.right(column.head, column.width + gap, "column")
        if column.group != group:
            group = column.group
            members = [each.width + gap for each in columns if each.group == group]
            room = sum(members) - gap
            text = group if len(group) <= room else wording.crop(_SHORT.get(group, group), room)
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
    # The scopes' colours: what is built anew lives for a request, all else for the process.
    anew = min(round(share * BAR + (0.5 if 0 < share < 0.05 else 0)), BAR)
    line.add("━" * anew, "scope.request").add("─" * (BAR - anew), "scope.process")
    return line.add(f" {share:.2f}", "heading" if share >= 0.5 else "name")


def _failure_line(row: Row, name: int, width: int) -> Line:
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
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
