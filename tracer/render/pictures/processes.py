"""The processes of a journal as a tree: who started whom, what each served, how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tracer.model import Process
from tracer.model.process_tree import ProcessNode, most_at_once
from tracer.model.recorded import CUT_OFF
from tracer.model.requests import heads
from tracer.render.layout import bars, theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.pictures.picture import Picture

ROWS: Final = 60
"""About so many processes are drawn; the earliest of the others are counted."""
NARROW: Final = 100
"""Below this width, how a process began is left out, and one word says how it ended."""
LEVELS: Final = "▁▂▃▄▅▆▇█"

_REQUESTS: Final = 9
_TRAILING: Final = 2


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: a process, a parent that is not traced, or a number of processes."""

    tree: str
    """The lines of the tree before the name, such as "├─ "."""
    node: ProcessNode | None = None
    more: str = ""
    """Text of a row that stands for no single traced process."""

    @property
    def name(self) -> str:
        """The name of the process."""
        if self.node is None:
            return "…"
        process = self.node.process
        return process.name if process is not None else str(self.node.pid)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The widths of the columns, in characters, and the time axis."""

    name: int
    began: int
    bar: int
    end: int
    since: float = 0.0
    axis: bars.Axis = field(default_factory=lambda: bars.Axis(1, 1))
    busiest: int = 1
    """Requests in the cell with the most of them."""


class Processes(Picture):
    """A picture of trees of processes, on one time axis."""

    def __init__(self, roots: Sequence[ProcessNode], brief: bool = False) -> None:
        """`brief`: without the time axis, for a picture that is drawn repeatedly."""
        self.roots = roots
        self.brief = brief

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        found = [each for root in self.roots for each in root.walk() if each.process is not None]
        processes = [each.process for each in found if each.process is not None]
        yield self._title(processes, width)
        rows = list(self._rows())
        layout = self._layout(rows, found, width)
        yield self._head(layout)
        for row in rows:
            yield self._row(row, layout, width)
        yield from pack([(text, "dim") for text in _served_by(processes)], width)
        if not self.brief:
            yield from pack(_legend(processes), width)

    def _title(self, processes: Sequence[Process], width: int) -> Line:
        served = wording.plural(sum(process.served for process in processes), "request")
        line = Line().add(" ").add(wording.plural(len(processes), "process", "processes"), "title")
        line.add(f" · {served} served", "dim")
        cut_off = sum(map(_cut_off, processes))
        if cut_off:
            line.add(" · ", "dim").add(f"{cut_off:,} cut off", "alarm")
        return line

    def _rows(self) -> Iterator[_Row]:
        parents = [each for root in self.roots for each in root.walk() if each.children]
        most = max(ROWS // max(len(parents), 1), 4)
        for root in self.roots:
            yield from _branch(root, "", "", most)

    def _layout(self, rows: Sequence[_Row], found: Sequence[ProcessNode], width: int) -> _Layout:
        name = max((wording.cells(row.tree + row.name) for row in rows), default=8)
        name = min(max(name, 7), width * 2 // 5)
        wide = width >= NARROW
        end = max((len(_ended(each, wide)[0]) for each in found), default=5)
        began = max((len(_began(each)) for each in found), default=0) if wide else 0
        room = width - 1 - name - _REQUESTS - 2 - end - _TRAILING - (began + 2 if began else 0)
        if self.brief or room < 12 or not found:
            return _Layout(name, began, 0, end)
        since = min(each.process.about.started for each in found if each.process)
        until = max(each.process.moment(each.process.heard) for each in found if each.process)
        axis = bars.Axis(int(max(until - since, 1e-3) * 1e9), room - 1)
        plain = _Layout(name, began, room, end, since, axis)
        counts = [
            count
            for each in found
            if each.process
            for count in _requests_by_cell(each.process, plain)
        ]
        return _Layout(name, began, room, end, since, axis, max(counts, default=1) or 1)

    def _head(self, layout: _Layout) -> Line:
        line = Line().add(" ").fit("process", layout.name, "column")
        if layout.began:
            line.add("  ").fit("began", layout.began, "column")
        line.right("requests", _REQUESTS, "column").add("  ")
        if layout.bar:
            line.add(layout.axis.labels(), "axis").to(line.width + _TRAILING + 1)
        return line.add("end", "column")

    def _row(self, row: _Row, layout: _Layout, width: int) -> Line:
        line = Line().add(" ").add(row.tree, "grid")
        node = row.node
        if node is None or node.process is None:
            line.add(row.name, "name").add("  ")
            return line.add(wording.crop(row.more, width - line.width), "dim")
        line.fit(row.name, layout.name - wording.cells(row.tree), "name")
        if layout.began:
            line.add("  ").fit(_began(node), layout.began, "dim")
        served = node.process.served
        line.right(f"{served:,}" if served else "-", _REQUESTS).add("  ")
        text, style = _ended(node, width >= NARROW)
        if layout.bar:
            for piece, look in _bar(node, layout, style):
                line.add(piece, look)
            line.add(" " * _TRAILING)
        return line.add(text, style)


def _legend(processes: Sequence[Process]) -> list[tuple[str, str]]:
    """Returns how to read the bars: what the signs mean that occur in them."""
    texts = ["● began", "─ alive"]
    if any(process.requests for process in processes):
        texts.append(f"{LEVELS} requests begun")
    texts += list(dict.fromkeys(_MEANINGS[_end_sign(process)] for process in processes))
    return [(text, "dim") for text in texts]


def _end_sign(process: Process) -> str:
    """Returns the sign at the end of a process's bar."""
    if process.ended:
        return "○"
    return {True: "▶", False: "✗", None: "?"}[process.alive]


_MEANINGS: Final = {
    "○": "○ ended in order",
    "▶": "▶ still running",
    "✗": "✗ gone without a word, last heard of here",
    "?": "? last heard of here",
}


def _branch(node: ProcessNode, lead: str, tree: str, most: int) -> Iterator[_Row]:
    """Yields the rows of a node and of those below it, before which `lead` is drawn."""
    yield _Row(tree, node, _untraced(node) if node.process is None else "")
    children = node.children
    hidden = children[: max(len(children) - most, 0)]
    if hidden:
        yield _Row(f"{lead}├─ ", None, _counted(hidden))
    for child in children[len(hidden) :]:
        last = child is children[-1]
        below = lead + ("   " if last else "│  ")
        yield from _branch(child, below, lead + ("└─ " if last else "├─ "), most)


def _untraced(node: ProcessNode) -> str:
    """Returns the text of a parent that wrote no journal."""
    children = wording.plural(len(node.children), "process", "processes")
    most = most_at_once(node.children)
    few = f", never more than {most} at once" if most < len(node.children) else ""
    return f"not traced · began {children}{few}"


def _counted(hidden: Sequence[ProcessNode]) -> str:
    """Returns the text that counts the processes that are not drawn."""
    processes = [each.process for each in hidden if each.process is not None]
    served = wording.plural(sum(process.served for process in processes), "request")
    ended = sum(process.ended for process in processes)
    count = wording.plural(len(hidden), "earlier process", "earlier processes")
    return f"{count}, {served} · {ended:,} ended in order"


def _began(node: ProcessNode) -> str:
    """Returns how a process began."""
    process = node.process
    if process is None:
        return ""
    received = sum(life.phase == "inherited" for life in process.lifetimes)
    if received:
        return f"forked, inheriting {wording.plural(received, 'object')}"
    return "forked" if process.about.forked else "started"


def _ended(node: ProcessNode, wide: bool) -> tuple[str, str]:
    """Returns how a process ended, and the style of these words."""
    process = node.process
    if process is None:
        return "", "name"
    if process.ended:
        return ("ended in order" if wide else "ended"), "name"
    if process.alive:
        return ("still running" if wide else "running"), "scope.process"
    if process.alive is None:
        return ("end not known" if wide else "not known"), "dim"
    cut_off = _cut_off(process)
    lost = f", {cut_off:,} cut off" if cut_off else ""
    return ("gone without a word" if wide else "gone") + lost, "alarm"


def _cut_off(process: Process) -> int:
    return sum(request.ending == CUT_OFF for request in heads(process.requests))


def _served_by(processes: Iterable[Process]) -> Iterator[str]:
    """Yields servers, modes and applications, each with the number of its processes."""
    counts = Counter(
        " · ".join(
            wording.clean(text)
            for text in (f"{each.about.server} {each.about.mode}".strip(), each.about.application)
            if text
        )
        for each in processes
    )
    for text, count in counts.items():
        yield f"{count:,} {theme.TIMES} {text}" if len(counts) > 1 else text


def _requests_by_cell(process: Process, layout: _Layout) -> list[int]:
    """Counts the requests that began in each cell of the bar."""
    cells = [0] * layout.bar
    for request in process.requests:
        cells[_cell(request.started, layout)] += 1
    return cells


def _cell(moment: float, layout: _Layout) -> int:
    """Returns the cell of a moment, in seconds since the epoch."""
    cell = int((moment - layout.since) * 1e9 * layout.axis.scale) // 2
    return min(max(cell, 0), layout.bar - 1)


def _bar(node: ProcessNode, layout: _Layout, style: str) -> Iterator[bars.Piece]:
    """Yields a process's bar: when it was alive, how busy it was, and its end."""
    process = node.process
    assert process is not None
    first = _cell(process.about.started, layout)
    last = (
        layout.bar - 1
        if process.alive and not process.ended
        else _cell(process.moment(process.heard), layout)
    )
    grid, look = theme.style("grid"), theme.style("scope.process")
    yield layout.axis.empty[:first].ljust(first), grid
    drawn = ""
    for cell, count in enumerate(_requests_by_cell(process, layout)[first : last + 1], first):
        if count:
            drawn += LEVELS[(count * len(LEVELS) - 1) // layout.busiest]
        else:
            drawn += "●" if cell == first else "─"
    yield drawn[:-1], look
    yield _end_sign(process), theme.style(style)
    yield layout.axis.empty[last + 1 :].ljust(layout.bar - last - 1), grid
